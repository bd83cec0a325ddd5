//! The shape of a statement: what the shim must know before the engine sees it.

use crate::token::{Kind, Token, Tokens};

/// How a statement is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An insert whose rows follow as data: in the text from `data`, then in the request's body.
    Insert {
        /// End of the statement without its FORMAT or VALUES.
        head: usize,
        /// The named format; `None` while none is named.
        format: Option<String>,
        /// Offset of the first byte of data.
        data: usize,
    },
    /// Gives rows that can be streamed.
    Select,
    /// Everything else.
    Other,
}

/// What a statement's text says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub shape: Shape,
    /// The FORMAT at the end of a statement that is no insert.
    pub format: Option<String>,
    /// INTO OUTFILE or FROM INFILE, which the library would carry out on this machine's files.
    pub uses_files: bool,
    /// WITH TOTALS, which would come in a chunk of its own.
    pub totals: bool,
}

/// Reads a statement's text, which may go on with the data of an insert.
pub fn parse(text: &[u8]) -> Statement {
    let first = Tokens::new(text).find(|t| t.text != b"(" && t.text != b";");
    let plain = |shape, format| Statement { shape, format, uses_files: false, totals: false };
    let Some(first) = first else { return plain(Shape::Other, None) };
    if first.is("insert") {
        return insert(text);
    }
    let tokens: Vec<_> = Tokens::new(text).collect();
    let select = ["select", "with", "from"].iter().any(|w| first.is(w));
    Statement {
        shape: if select { Shape::Select } else { Shape::Other },
        format: format_at_the_end(&tokens),
        uses_files: names_a_file(&tokens),
        totals: tokens.iter().any(|t| t.is("totals")),
    }
}

fn insert(text: &[u8]) -> Statement {
    let mut tokens = Tokens::new(text).skip_while(|t| !t.is("insert")).skip(1).peekable();
    let mut seen = Vec::new();
    skip_target(&mut tokens);
    while let Some(token) = tokens.next() {
        if token.is("select") || token.is("with") && token.depth == 0 {
            let rest: Vec<_> = Tokens::new(text).collect();
            return Statement { shape: Shape::Other, format: None, uses_files: names_a_file(&rest), totals: false };
        }
        let found = match tokens.peek() {
            Some(format) if token.depth == 0 && token.is("format") && format.kind == Kind::Word => {
                Some((lossy(format.text), data_after(text, format.end())))
            }
            _ if token.depth == 0 && token.is("values") => Some(("Values".to_owned(), token.end())),
            _ => None,
        };
        if let Some((format, data)) = found {
            let shape = Shape::Insert { head: token.start, format: Some(format), data };
            return Statement { shape, format: None, uses_files: names_a_file(&seen), totals: false };
        }
        seen.push(token);
    }
    let shape = Shape::Insert { head: text.len(), format: None, data: text.len() };
    Statement { shape, format: None, uses_files: names_a_file(&seen), totals: false }
}

/// Passes INTO, TABLE or FUNCTION, and the name, which may be spelt like a keyword.
fn skip_target<'a>(tokens: &mut std::iter::Peekable<impl Iterator<Item = Token<'a>>>) {
    while tokens.next_if(|t| t.is("into") || t.is("table") || t.is("function")).is_some() {}
    while tokens.next_if(|t| t.kind != Kind::Sign).is_some() && tokens.next_if(|t| t.text == b".").is_some() {}
}

/// Data begins after the format's name, blanks and one line end, as in ClickHouse's parser.
fn data_after(text: &[u8], end: usize) -> usize {
    let blanks = text[end..].iter().take_while(|c| matches!(c, b' ' | b'\t' | 0x0c | b'\r')).count();
    let at = end + blanks;
    if text.get(at) == Some(&b'\n') { at + 1 } else { at }
}

fn format_at_the_end(tokens: &[Token<'_>]) -> Option<String> {
    let at = tokens.iter().rposition(|t| t.depth == 0 && t.is("format"))?;
    let name = tokens.get(at + 1).filter(|t| t.kind == Kind::Word)?;
    let last = tokens.get(at + 2).is_none_or(|t| t.text == b";" || t.is("settings") || t.is("into"));
    last.then(|| lossy(name.text))
}

fn names_a_file(tokens: &[Token<'_>]) -> bool {
    tokens.windows(2).any(|w| w[0].is("into") && w[1].is("outfile") || w[0].is("from") && w[1].is("infile"))
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    /// Head, format and data of an insert.
    fn split(text: &str) -> (&str, Option<String>, &str) {
        match parse(text.as_bytes()).shape {
            Shape::Insert { head, format, data } => (&text[..head], format, &text[data..]),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_insert_is_cut_at_its_format() {
        assert_eq!(split("INSERT INTO t(a, b) FORMAT RowBinary"), ("INSERT INTO t(a, b) ", Some("RowBinary".into()), ""));
        assert_eq!(split("insert into t settings a=1 format CSV \n1,2\n"), ("insert into t settings a=1 ", Some("CSV".into()), "1,2\n"));
        assert_eq!(split("insert into t values (1, 'format x')"), ("insert into t ", Some("Values".into()), " (1, 'format x')"));
        assert_eq!(split("insert into values values (1)").0, "insert into values ");
        assert_eq!(split("/* c */ insert into a.`format` (`values`) format 闪").1, Some("闪".into()));
        assert_eq!(split("insert into t").1, None);
    }

    #[test]
    fn an_insert_of_a_select_is_run_as_it_is() {
        for text in ["insert into t select 1", "insert into t (a) (select 1)", "insert into t with 1 as x select x"] {
            assert_eq!(parse(text.as_bytes()).shape, Shape::Other, "{text}");
        }
    }

    #[test]
    fn the_format_of_a_select_is_its_last_clause() {
        let format = |text: &str| parse(text.as_bytes()).format;
        assert_eq!(format("select 1 format JSON"), Some("JSON".into()));
        assert_eq!(format("select 1 format JSON settings a=1;"), Some("JSON".into()));
        assert_eq!(format("select format('{}', 1)"), None);
        assert_eq!(format("select a as format from t"), None);
        assert_eq!(format("select ' format JSON'"), None);
        assert_eq!(parse(b"(select 1) union all (select 2)").shape, Shape::Select);
    }

    #[test]
    fn files_of_this_machine_are_noticed() {
        assert!(parse(b"select 1 into /* */ outfile 'x'").uses_files);
        assert!(parse(b"(select 1 INTO OUTFILE 'x')").uses_files);
        assert!(parse(b"insert into t from infile 'x' format CSV").uses_files);
        assert!(!parse(b"select 'into outfile'").uses_files);
        assert!(!parse(b"insert into t format CSV\nfrom infile\n").uses_files);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(insert|select|into|format|values|from|'|\\(|\\)| |a|;|闪|\n){0,30}") {
            if let Shape::Insert { head, data, .. } = parse(text.as_bytes()).shape {
                prop_assert!(head <= data && data <= text.len());
            }
        }

        #[test]
        fn any_bytes_are_read(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            parse(&text);
        }
    }
}
