//! One statement with its parameters. Its text is a file of SQL with server-side parameters (`{from:DateTime('UTC')}`), so that each file runs by
//! hand as it stands. The comment at its head names the blocks it takes (`-- Blocks: target, range.`), the parameters of its own (`-- Own: most.`)
//! and the projections that must answer it (`-- Projections: trend.`) or do so where they are fewer marks (`-- Preferred projections: issue.`).

use serde::Serialize;
use std::borrow::Cow;
use std::sync::Arc;

/// The hex of a byte that no text in UTF-8 has: a list in which nothing stands.
const NOTHING: &str = "FF";

/// One statement with its parameters.
#[derive(Debug, Clone)]
pub struct Statement {
    sql: &'static str,
    pub(super) parameters: Vec<(&'static str, Value)>,
    /// Lists that may be too long for a parameter: they go into the text.
    lists: Vec<(&'static str, Arc<str>)>,
    pub(super) from_projections: bool,
    pub(super) frugal: bool,
}

/// Ids in hex joined by commas, as a statement takes them; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdList(Arc<str>);

impl IdList {
    /// A list of these ids; a dash where there are none.
    #[must_use]
    pub fn of<T: AsRef<str>>(ids: &[T]) -> Self {
        // Nothing else may stand in the text of a statement.
        let plain = ids.iter().map(AsRef::as_ref).filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let list = plain.collect::<Vec<_>>().join(",");
        Self(if list.is_empty() { "-".into() } else { list.into() })
    }
}

impl Default for IdList {
    fn default() -> Self {
        Self("-".into())
    }
}

/// A group of parameters that several statements take.
pub trait Bind {
    /// Its name in the heads of the files of SQL.
    const BLOCK: &'static str;
    /// The names of its parameters there.
    const NAMES: &'static [&'static str];

    /// The statement with these parameters.
    fn bind(&self, statement: Statement) -> Statement;
}

/// The statement of a file beside the one that names it.
#[macro_export]
macro_rules! sql {
    ($file:literal) => {
        $crate::store::Statement::new(include_str!($file))
    };
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
    /// The statement of a file of SQL, without the comment at its head. One that names projections there must be answerable from them alone; with
    /// `require_projections` the server refuses it otherwise.
    #[must_use]
    pub fn new(file: &'static str) -> Self {
        let (head, sql) = parts(file);
        let from_projections = head.lines().any(|line| line.starts_with("-- Projections: "));
        Self { sql, parameters: Vec::new(), lists: Vec::new(), from_projections, frugal: false }
    }

    /// A statement that reads texts which may be long: by one thread and in small blocks, so that the server holds few of them at a time.
    #[must_use]
    pub fn frugal(self) -> Self {
        Self { frugal: true, ..self }
    }

    /// The statement with the parameters of a block.
    #[must_use]
    pub fn bind(self, block: &impl Bind) -> Self {
        block.bind(self)
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

    /// A parameter of type String: ids in hex joined by commas, a dash where there are none. It may be long.
    #[must_use]
    pub fn ids<T: AsRef<str>>(self, name: &'static str, ids: &[T]) -> Self {
        self.id_list(name, IdList::of(ids))
    }

    /// A parameter of type String: a list of ids that is made already.
    #[must_use]
    pub fn id_list(self, name: &'static str, list: IdList) -> Self {
        self.list(name, list.0)
    }

    /// A parameter of type String: the [`hex`] of texts, joined by commas. It may be long.
    #[must_use]
    pub fn hex_texts(self, name: &'static str, texts: &[String]) -> Self {
        self.list(name, if texts.is_empty() { NOTHING.into() } else { texts.join(",").into() })
    }

    /// The text with its lists in place.
    pub(super) fn text_with_lists(&self) -> Cow<'static, str> {
        let placed = |sql: Cow<'static, str>, (name, list): &(&str, Arc<str>)| {
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

    fn list(mut self, name: &'static str, list: Arc<str>) -> Self {
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

/// The comment at the head of a file, and the statement after it.
fn parts(file: &'static str) -> (&'static str, &'static str) {
    let mut rest = file;
    while let Some(comment) = rest.strip_prefix("--") {
        rest = comment.split_once('\n').map_or("", |(_, after)| after);
    }
    (&file[..file.len() - rest.len()], rest.trim_end())
}

#[cfg(test)]
impl Statement {
    /// The names of the parameters that it has been given.
    pub fn names(&self) -> Vec<&'static str> {
        let lists = self.lists.iter().map(|(name, _)| *name);
        self.parameters.iter().map(|(name, _)| *name).chain(lists).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_leading_comment_goes() {
        assert_eq!(parts("-- a\n-- b\nselect 1 -- c\n"), ("-- a\n-- b\n", "select 1 -- c"));
        assert_eq!(parts("select '--'"), ("", "select '--'"));
        assert_eq!(parts("-- alone"), ("-- alone", ""));
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
        let statement =
            Statement::new("-- Projections: trend.\nselect 1").time("from", 1_700_000_000).flag("all", true).unsigned("vm", 2_u8);
        assert!(statement.from_projections && !Statement::new("-- Blocks: target.\nselect 1").from_projections);
        let expected = [("from", Value::Text("2023-11-14 22:13:20".to_owned())), ("all", Value::Flag(true)), ("vm", Value::Unsigned(2))];
        assert_eq!(statement.parameters, expected);
    }
}
