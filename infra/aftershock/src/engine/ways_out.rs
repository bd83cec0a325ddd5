//! What reaches beyond the tables although a session is read-only: functions that the library lets every account call, and
//! settings of a subquery, which it takes without looking at `readonly`.
//!
//! The engine's own parser decides, not ours: a text that might name one of them is written anew by it, without comments,
//! heredocs, escapes and typographic quotes, and then looked at.

use super::exception::{Exception, READONLY};
use super::library::{Connection, Params};
use super::token::{Kind, Token, Tokens};

/// They read files, run texts as statements, take addresses of memory, load models or ask other servers. `readonly` refuses
/// most of them in a SELECT; a DESCRIBE would look at what they point to all the same.
#[rustfmt::skip]
const DENIED: [&str; 56] = [
    "aiClassify", "aiEmbed", "aiExtract", "aiGenerate", "aiTranslate", "arrowstream", "azureBlobStorage", "azureBlobStorageCluster",
    "catboostEvaluate", "cluster", "clusterAllReplicas", "cosn", "deltaLake", "deltaLakeAzure", "deltaLakeCluster", "deltaLakeLocal",
    "deltaLakeS3", "eval", "executable", "file", "fileCluster", "filesystem", "gcs", "hdfs", "hdfsCluster", "hudi", "hudiCluster",
    "iceberg", "icebergAzure", "icebergCluster", "icebergHDFS", "icebergLocal", "icebergS3", "input", "jdbc", "mongodb", "mysql",
    "odbc", "oss", "paimon", "paimonAzure", "paimonCluster", "paimonHDFS", "paimonLocal", "paimonS3", "postgresql", "python",
    "redis", "remote", "remoteSecure", "s3", "s3Cluster", "sqlite", "url", "urlCluster", "ytsaurus",
];

/// A longer text is not searched but goes to the engine's parser at once, which has a bound of its own.
const SHORT: usize = 256 * 1024;
/// The word before settings.
const SETTINGS: &str = "settings";

/// Refuses a statement of a read-only account that calls one of them or brings settings along.
pub fn refuse(connection: &mut Connection, text: &[u8]) -> Result<(), Exception> {
    if !is_suspect(text) {
        return Ok(());
    }
    let sql = [b"select formatQuerySingleLine('", &escaped(text)[..], b"')"].concat();
    let rewritten = connection.query(&sql, "TSVRaw", &Params::default()).map_err(Exception::from_engine)?;
    let tokens: Vec<Token<'_>> = Tokens::new(&rewritten).collect();
    if brings_settings(&tokens) {
        return Err(Exception::new(READONLY, "Cannot modify settings in readonly mode"));
    }
    match called(&tokens) {
        Some(name) => Err(Exception::new(READONLY, format_args!("Cannot execute query in readonly mode: {name} leads out of the tables"))),
        None => Ok(()),
    }
}

/// Whether a text may name one of them: plainly, or with escapes.
fn is_suspect(text: &[u8]) -> bool {
    let holds = |name: &str| text.windows(name.len()).any(|piece| piece.eq_ignore_ascii_case(name.as_bytes()));
    text.len() > SHORT || text.contains(&b'\\') || holds(SETTINGS) || DENIED.iter().any(|name| holds(name))
}

fn escaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 16);
    for &byte in text {
        if matches!(byte, b'\\' | b'\'') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out
}

/// Whether there is a clause that sets something, of the statement or of a part of it.
fn brings_settings(tokens: &[Token<'_>]) -> bool {
    tokens.windows(3).any(|three| three[0].is(SETTINGS) && three[1].kind != Kind::Sign && three[2].text == b"=")
}

/// The first of the functions that is called, or applied to columns.
fn called(tokens: &[Token<'_>]) -> Option<&'static str> {
    tokens.iter().enumerate().find_map(|(at, token)| {
        let name = DENIED.iter().find(|name| is_named(token, name))?;
        let before = |back: usize| at.checked_sub(back).and_then(|at| tokens.get(at));
        let is_called = tokens.get(at + 1).is_some_and(|next| next.text == b"(");
        let is_applied = before(1).is_some_and(|t| t.is("apply")) || before(2).is_some_and(|t| t.is("apply"));
        (is_called || is_applied).then_some(*name)
    })
}

fn is_named(token: &Token<'_>, name: &str) -> bool {
    let bare = match token.kind {
        Kind::Word => token.text,
        Kind::Quoted if token.text.starts_with(b"'") => return false,
        Kind::Quoted => &token.text[1..token.text.len().max(2) - 1],
        Kind::Sign => return false,
    };
    bare.eq_ignore_ascii_case(name.as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use proptest::prelude::*;

    use super::*;

    fn tokens(text: &str) -> Vec<Token<'_>> {
        Tokens::new(text.as_bytes()).collect()
    }

    #[test]
    fn calls_are_told_from_columns_and_texts() {
        for text in ["SELECT file('x')", "SELECT `file` ('x')", "SELECT * FROM FILE('x')", "SELECT * APPLY file", "SELECT * APPLY(file)"] {
            assert_eq!(called(&tokens(text)), Some("file"), "{text}");
        }
        for text in ["SELECT file, t.file FROM t", "SELECT 'file(1)'", "SELECT profile('x')", "SELECT 1 AS file, (2)", "SELECT `"] {
            assert_eq!(called(&tokens(text)), None, "{text}");
        }
        assert!(is_suspect(b"select FILE") && is_suspect(b"select `f\\x69le`('x')") && !is_suspect("select '闪退'".as_bytes()));
    }

    #[test]
    fn settings_are_told_from_a_table_of_that_name() {
        for text in ["SELECT * FROM (SELECT 1 SETTINGS readonly = 0)", "SELECT 1 settings `a` = 1"] {
            assert!(brings_settings(&tokens(text)) && is_suspect(text.as_bytes()), "{text}");
        }
        for text in ["SELECT value FROM system.settings WHERE name = 'x'", "SELECT settings = 1", "SELECT 'settings a = 1'"] {
            assert!(!brings_settings(&tokens(text)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(file|eval|apply|select|settings|=|`|\"|'|\\(|\\)| |,|\\\\|闪){0,30}") {
            let tokens = tokens(&text);
            called(&tokens);
            brings_settings(&tokens);
            is_suspect(text.as_bytes());
        }
    }
}
