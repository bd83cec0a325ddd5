//! One statement with its parameters: a file of SQL with server-side parameters (`{from:DateTime('UTC')}`), so that each runs by hand as it stands.

use serde::Serialize;
use std::borrow::Cow;

/// The hex of a byte that no text in UTF-8 has: a list in which nothing stands.
const NOTHING: &str = "FF";

/// One statement with its parameters.
#[derive(Debug, Clone)]
pub struct Statement {
    sql: &'static str,
    pub(super) parameters: Vec<(&'static str, Value)>,
    /// Lists that may be too long for a parameter: they go into the text.
    lists: Vec<(&'static str, String)>,
    pub(super) from_projections: bool,
    pub(super) frugal: bool,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Unsigned(u64),
    Flag(bool),
    Texts(Vec<String>),
    Integers(Vec<i64>),
}

impl Statement {
    /// `sql` without its leading comment.
    #[must_use]
    pub fn new(sql: &'static str) -> Self {
        Self { sql: without_comment(sql), parameters: Vec::new(), lists: Vec::new(), from_projections: false, frugal: false }
    }

    /// A statement that must be answerable from projections alone; with `require_projections` the server refuses it otherwise.
    #[must_use]
    pub fn from_projections(sql: &'static str) -> Self {
        Self { from_projections: true, ..Self::new(sql) }
    }

    /// A statement that reads texts which may be long: by one thread and in small blocks, so that the server holds few of them at a time.
    #[must_use]
    pub fn frugal(self) -> Self {
        Self { frugal: true, ..self }
    }

    /// A parameter of type String.
    #[must_use]
    pub fn text(self, name: &'static str, value: impl Into<String>) -> Self {
        self.with(name, Value::Text(value.into()))
    }

    /// A parameter of a signed type.
    #[must_use]
    pub fn integer(self, name: &'static str, value: impl Into<i64>) -> Self {
        self.with(name, Value::Integer(value.into()))
    }

    /// A parameter of an unsigned type.
    #[must_use]
    pub fn unsigned(self, name: &'static str, value: impl Into<u64>) -> Self {
        self.with(name, Value::Unsigned(value.into()))
    }

    /// A parameter of type Bool.
    #[must_use]
    pub fn flag(self, name: &'static str, value: bool) -> Self {
        self.with(name, Value::Flag(value))
    }

    /// A parameter of type Array(String).
    #[must_use]
    pub fn texts(self, name: &'static str, values: &[String]) -> Self {
        self.with(name, Value::Texts(values.to_vec()))
    }

    /// A parameter of type Array(Int64).
    #[must_use]
    pub fn integers(self, name: &'static str, values: &[i64]) -> Self {
        self.with(name, Value::Integers(values.to_vec()))
    }

    /// A parameter of type String: ids in hex joined by commas, a dash where there is none. It may be long.
    #[must_use]
    pub fn ids<T: AsRef<str>>(self, name: &'static str, ids: &[T]) -> Self {
        // Nothing else may stand in the text of a statement.
        let plain = ids.iter().map(AsRef::as_ref).filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let list = plain.collect::<Vec<_>>().join(",");
        self.list(name, if list.is_empty() { "-".to_owned() } else { list })
    }

    /// A parameter of type String: the [`hex`] of texts, joined by commas. It may be long.
    #[must_use]
    pub fn hex_texts(self, name: &'static str, texts: &[String]) -> Self {
        self.list(name, if texts.is_empty() { NOTHING.to_owned() } else { texts.join(",") })
    }

    /// The text with its lists in place.
    pub(super) fn text_with_lists(&self) -> Cow<'static, str> {
        let placed = |sql: Cow<'static, str>, (name, list): &(&str, String)| {
            Cow::Owned(sql.replace(&format!("{{{name}:String}}"), &format!("'{list}'")))
        };
        self.lists.iter().fold(Cow::Borrowed(self.sql), placed)
    }

    /// A parameter of type DateTime('UTC'); `seconds` is Unix time.
    #[must_use]
    pub fn time(self, name: &'static str, seconds: i64) -> Self {
        self.with(name, Value::Text(crate::zone::sql_time(seconds)))
    }

    fn with(mut self, name: &'static str, value: Value) -> Self {
        self.parameters.push((name, value));
        self
    }

    fn list(mut self, name: &'static str, list: String) -> Self {
        self.lists.push((name, list));
        self
    }
}

/// The bytes of a text as hex digits.
#[must_use]
pub fn hex(text: &str) -> String {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 });
    text.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn without_comment(sql: &'static str) -> &'static str {
    let mut rest = sql;
    while let Some(comment) = rest.strip_prefix("--") {
        rest = comment.split_once('\n').map_or("", |(_, after)| after);
    }
    rest.trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_leading_comment_goes() {
        assert_eq!(without_comment("-- a\n-- b\nselect 1 -- c\n"), "select 1 -- c");
        assert_eq!(without_comment("select '--'"), "select '--'");
        assert_eq!(without_comment("-- alone"), "");
    }

    #[test]
    fn lists_of_ids_go_into_the_text_and_nothing_else_does() {
        let list = |ids: &[&str]| Statement::new("select {a:String}, {b:String}").ids("a", ids).text_with_lists().into_owned();
        assert_eq!(list(&["0F", "1E"]), "select '0F,1E', {b:String}");
        assert_eq!(list(&["0F", "' or 1", "崩溃", ""]), "select '0F', {b:String}");
        assert_eq!(list(&[]), "select '-', {b:String}");
    }

    #[test]
    fn lists_of_texts_are_hex_whatever_stands_in_them() {
        let list = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| hex(text)).collect();
            Statement::new("select {a:String}").hex_texts("a", &texts).text_with_lists().into_owned()
        };
        assert_eq!(list(&["1.0", "'\\\n"]), "select '312E30,275C0A'");
        assert_eq!(list(&["版"]), "select 'E78988'");
        assert_eq!(list(&[]), "select 'FF'");
    }

    #[test]
    fn parameters_keep_their_kind() {
        let statement = Statement::from_projections("select 1").time("from", 1_700_000_000).flag("all", true).unsigned("vm", 2_u8);
        assert!(statement.from_projections);
        let expected = [("from", Value::Text("2023-11-14 22:13:20".to_owned())), ("all", Value::Flag(true)), ("vm", Value::Unsigned(2))];
        assert_eq!(statement.parameters, expected);
    }
}
