//! `KILL QUERY` by the ids that clients gave.
//!
//! The library gives every statement an id of its own and takes none from outside, so an id in the text of a `KILL QUERY` is
//! replaced by the engine's before the statement runs.

use crate::restriction::quote;
use crate::token::{Kind, Tokens};

/// The statement with the ids of clients replaced by what `engine_id` gives for them; `None` where it is no `KILL QUERY`.
pub fn translated(text: &[u8], engine_id: impl Fn(&str) -> Option<String>) -> Option<Vec<u8>> {
    let mut words = Tokens::new(text);
    if !(words.next()?.is("kill") && words.next()?.is("query")) {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut copied = 0;
    for token in words.filter(|t| t.kind == Kind::Quoted && t.text.starts_with(b"'")) {
        let Some(id) = content(token.text).and_then(|id| engine_id(&id)) else { continue };
        out.extend_from_slice(&text[copied..token.start]);
        out.extend_from_slice(quote(&id).as_bytes());
        copied = token.end();
    }
    out.extend_from_slice(&text[copied..]);
    Some(out)
}

/// What a string literal says; `None` where it is not ended or not UTF-8.
fn content(literal: &[u8]) -> Option<String> {
    let inner = literal.strip_prefix(b"'")?.strip_suffix(b"'")?;
    let mut bytes = inner.iter().copied();
    let mut out = Vec::with_capacity(inner.len());
    while let Some(byte) = bytes.next() {
        out.push(if byte == b'\\' { bytes.next()? } else { byte });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn kill(text: &str) -> Option<String> {
        let known = |id: &str| ["mine", "闪退", "it's"].contains(&id).then(|| format!("<{id}>"));
        translated(text.as_bytes(), known).map(|t| String::from_utf8(t).unwrap())
    }

    #[test]
    fn known_ids_are_replaced_and_all_else_stays() {
        assert_eq!(kill("KILL QUERY WHERE query_id = 'mine' SYNC").unwrap(), "KILL QUERY WHERE query_id = '<mine>' SYNC");
        assert_eq!(
            kill("kill /* 'mine' */ query where query_id in ('mine','other', '闪退', 'it\\'s')").unwrap(),
            "kill /* 'mine' */ query where query_id in ('<mine>','other', '<闪退>', '<it\\'s>')"
        );
        assert_eq!(kill("kill query where 1").unwrap(), "kill query where 1");
        assert_eq!(kill("kill query where query_id = 'mine").unwrap(), "kill query where query_id = 'mine");
    }

    #[test]
    fn other_statements_are_not_touched() {
        for text in ["", "kill", "kill mutation where mutation_id = 'mine'", "select 'mine'", "select 1 -- kill query 'mine'"] {
            assert_eq!(kill(text), None, "{text}");
        }
    }
}
