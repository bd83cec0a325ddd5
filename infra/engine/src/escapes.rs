//! What a read-only account may call: functions that are known to compute from their arguments and the tables alone, and nothing else.
//! The library itself lets every account read files, ask other servers or run texts as statements, some of it even in a read-only session;
//! and a subquery may bring settings along, which it takes without looking at `readonly`.
//!
//! What is not on the list is refused, so a function that a new version of the engine brings is refused until somebody has looked at it.
//! The engine's own parser decides, not ours: a text in which the two could differ is written anew by it, without comments, heredocs,
//! escapes and typographic quotes, and then looked at.

use crate::exception::{Exception, READONLY};
use crate::library::{Connection, Params};
use crate::token::{Kind, Token, Tokens};
use std::collections::HashSet;
use std::sync::LazyLock;

/// Functions and aggregate functions of the engine that this version is made for, in lower case: of its categories of plain computation
/// all, of the others those that tell nothing of the machine, of its files or of other servers.
static HARMLESS: LazyLock<HashSet<&str>> = LazyLock::new(|| include_str!("harmless.txt").split_whitespace().collect());

/// Functions of this project (`schemas/clickhouse/functions/`): only an account that may write can make one.
const OURS: [&str; 4] = ["version_chosen", "country_chosen", "device_chosen", "shown_as"];

/// Table functions that make rows of their arguments or of a subquery, which is looked at like the rest.
const TABLES: [&str; 10] =
    ["numbers", "numbers_mt", "zeros", "zeros_mt", "generateseries", "generate_series", "generaterandom", "values", "view", "primes"];

/// Words before a parenthesis that call nothing: keywords, and types in a cast or a parameter.
#[rustfmt::skip]
const NO_CALLS: [&str; 79] = [
    "all", "and", "any", "apply", "array", "as", "asof", "between", "by", "case", "columns", "cross", "cube", "describe", "distinct", "else", "except",
    "exists", "explain", "fill", "filter", "final", "from", "full", "global", "group", "having", "ilike", "in", "inner", "intersect", "interval", "is",
    "join", "like", "limit", "not", "offset", "on", "or", "order", "outer", "over", "prewhere", "qualify", "replace", "rollup", "sample", "select",
    "sets", "table", "then", "union", "using", "when", "where", "window", "with",
    "aggregatefunction", "char", "datetime", "datetime64", "decimal", "dynamic", "enum", "enum16", "enum8", "fixedstring", "json", "lowcardinality",
    "map", "nested", "nullable", "simpleaggregatefunction", "string", "time64", "tuple", "varchar", "variant",
];

/// What can stand behind the name of an aggregate function and changes how it is fed, not what it does.
const COMBINATORS: [&str; 15] = [
    "simplestate",
    "ordefault",
    "distinct",
    "resample",
    "foreach",
    "argmax",
    "argmin",
    "ornull",
    "tuple",
    "merge",
    "state",
    "array",
    "null",
    "map",
    "if",
];

/// A longer text is not searched but goes to the engine's parser at once, which has a bound of its own.
const SHORT: usize = 256 * 1024;
/// The word before settings.
const SETTINGS: &str = "settings";

/// Refuses a statement of a read-only account that calls anything else or brings settings along.
pub fn refuse(connection: &mut Connection, text: &[u8]) -> Result<(), Exception> {
    if is_plain(text) {
        let tokens: Vec<Token<'_>> = Tokens::new(text).collect();
        if !brings_settings(&tokens) && called(&tokens).is_none() {
            return Ok(());
        }
    }
    let sql = [b"select formatQuerySingleLine('", &escaped(text)[..], b"')"].concat();
    let rewritten = connection.query(&sql, "TSVRaw", &Params::default()).map_err(Exception::from_engine)?;
    let tokens: Vec<Token<'_>> = Tokens::new(&rewritten).collect();
    if brings_settings(&tokens) {
        return Err(Exception::new(READONLY, "Cannot modify settings in readonly mode"));
    }
    match called(&tokens) {
        Some(name) => {
            let name = String::from_utf8_lossy(name).escape_debug().to_string();
            let message = format_args!("Cannot execute query in readonly mode: {name} may lead out of the tables");
            Err(Exception::new(READONLY, message))
        }
        None => Ok(()),
    }
}

/// Whether our look at a text sees what the engine's does: nothing in it is a comment, an escape, a quoted name or a quote of another kind.
fn is_plain(text: &[u8]) -> bool {
    let holds = |sign: &[u8]| text.windows(sign.len()).any(|piece| piece == sign);
    let is_odd = |byte: &u8| !byte.is_ascii() || b"\\$#`\"".contains(byte);
    text.len() <= SHORT && !text.iter().any(is_odd) && !holds(b"--") && !holds(b"/*")
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

/// The first name that is called, or applied to columns, and is not known to be harmless.
fn called<'a>(tokens: &[Token<'a>]) -> Option<&'a [u8]> {
    tokens.iter().enumerate().find_map(|(at, token)| {
        let name = name(token)?;
        let before = |back: usize| at.checked_sub(back).and_then(|at| tokens.get(at));
        let is_called = tokens.get(at + 1).is_some_and(|next| next.text == b"(");
        let is_applied = before(1).is_some_and(|t| t.is("apply"))
            || (before(2).is_some_and(|t| t.is("apply")) && before(1).is_some_and(|t| t.text == b"("));
        let is_keyword = token.kind == Kind::Word && NO_CALLS.iter().any(|word| name.eq_ignore_ascii_case(word.as_bytes()));
        ((is_called && !is_keyword) || is_applied).then_some(name).filter(|name| !is_harmless(name))
    })
}

/// Whether a function is on the list, or is an aggregate function of it with combinators.
fn is_harmless(name: &[u8]) -> bool {
    let Ok(name) = std::str::from_utf8(name) else { return false };
    let lower = name.to_ascii_lowercase();
    let mut rest = lower.as_str();
    loop {
        if HARMLESS.contains(rest) || TABLES.contains(&rest) || OURS.contains(&rest) {
            return true;
        }
        match COMBINATORS.iter().find_map(|combinator| rest.strip_suffix(combinator)) {
            Some(shorter) => rest = shorter,
            None => return false,
        }
    }
}

/// The name that a token is, without quotes; none of a text or a sign.
fn name<'a>(token: &Token<'a>) -> Option<&'a [u8]> {
    match token.kind {
        Kind::Word => Some(token.text),
        Kind::Quoted if token.text.starts_with(b"'") => None,
        Kind::Quoted => Some(&token.text[1..token.text.len().max(2) - 1]),
        Kind::Sign => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    fn tokens(text: &str) -> Vec<Token<'_>> {
        Tokens::new(text.as_bytes()).collect()
    }

    #[test]
    fn calls_are_told_from_columns_and_texts() {
        for text in ["SELECT file('x')", "SELECT `file` ('x')", "SELECT * FROM FILE('x')", "SELECT * APPLY file", "SELECT * APPLY(file)"] {
            assert!(called(&tokens(text)).is_some_and(|name| name.eq_ignore_ascii_case(b"file")), "{text}");
        }
        for text in ["SELECT file, t.file FROM t", "SELECT 'file(1)'", "SELECT 1 AS file, (2)", "SELECT `", "SELECT * APPLY(sum)"] {
            assert_eq!(called(&tokens(text)), None, "{text}");
        }
        for text in [
            "SELECT profile('x')",
            "SELECT reverseDNSQuery('a')",
            "SELECT * FROM newInNextVersion('x')",
            "SELECT fileIf(1)",
            "SELECT If(1)",
            "SELECT 闪退(1)",
        ] {
            assert_eq!(called(&tokens(text)).is_some(), text != "SELECT If(1)", "{text}");
        }
        let ordinary = "WITH a AS (SELECT sumIf(x, y > 1) FROM (SELECT 1) WHERE x IN (1, 2) AND (y OR NOT (z))) \
             SELECT uniqExactMergeStateIf(u, 1), count(), {p:Array(String)}, CAST(x AS Nullable(String)), x OVER (PARTITION BY y) FROM numbers(5) \
             LEFT JOIN (SELECT 1) USING (a) GROUP BY GROUPING SETS ((a), (b)) HAVING (1) LIMIT (1) UNION ALL (SELECT 2)";
        assert_eq!(called(&tokens(ordinary)).map(String::from_utf8_lossy), None);
    }

    #[test]
    fn a_text_is_plain_where_it_can_be_read_in_one_way() {
        assert!(is_plain(b"select 'a' from t where x = {a:String}"));
        for text in [
            "select `a`",
            "select \"a\"",
            "select 'a\\'",
            "select $a$ x $a$",
            "select 1 -- x",
            "select 1 /* x */",
            "select \u{201c}a\u{201d}",
            "# x",
        ] {
            assert!(!is_plain(text.as_bytes()), "{text}");
        }
    }

    /// Every statement that this project asks by the read-only account.
    #[test]
    fn our_own_statements_pass() {
        fn files(dir: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
            for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
                match entry.path() {
                    path if path.is_dir() => files(&path, found),
                    path if path.extension().is_some_and(|end| end == "sql") => found.push(path),
                    _ => {}
                }
            }
        }
        let mut found = Vec::new();
        files(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../query/src"), &mut found);
        assert!(found.len() > 15, "{}", found.len());
        for file in found {
            let text = std::fs::read_to_string(&file).unwrap();
            assert_eq!(called(&tokens(&text)).map(String::from_utf8_lossy), None, "{}", file.display());
        }
    }

    #[test]
    fn settings_are_told_from_a_table_of_that_name() {
        for text in ["SELECT * FROM (SELECT 1 SETTINGS readonly = 0)", "SELECT 1 settings `a` = 1"] {
            assert!(brings_settings(&tokens(text)), "{text}");
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
            is_plain(text.as_bytes());
        }
    }
}
