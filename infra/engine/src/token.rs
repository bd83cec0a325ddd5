//! Cuts SQL into words, as far as the shim must look into a statement: past strings, quoted names and comments.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A keyword, name or number without quotes.
    Word,
    /// A string or a quoted name.
    Quoted,
    /// One character of anything else.
    Sign,
}

/// A token and where it lies.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    pub kind: Kind,
    pub text: &'a [u8],
    /// Offset of its first byte.
    pub start: usize,
    /// Open parentheses before it.
    pub depth: usize,
}

impl Token<'_> {
    /// Whether it is this keyword, in any case.
    pub fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword.as_bytes())
    }

    /// Offset after its last byte.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// The tokens of a text, which need not be UTF-8: an insert may carry its rows behind it.
#[derive(Clone)]
pub struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Tokens<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    /// Passes white space and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let length = match rest {
                [c, ..] if c.is_ascii_whitespace() || *c == 0x0b => 1,
                [b'-', b'-', ..] | [b'#', b' ' | b'!', ..] => rest.iter().position(|&c| c == b'\n').unwrap_or(rest.len()),
                [b'/', b'*', body @ ..] => body.windows(2).position(|w| w == b"*/").map_or(rest.len(), |n| n + 4),
                _ => return,
            };
            self.at += length;
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip();
        let rest = self.rest();
        let first = *rest.first()?;
        let depth = self.depth;
        let (kind, length) = match first {
            b'\'' | b'"' | b'`' => (Kind::Quoted, quoted(rest, first)),
            c if is_word(c) => (Kind::Word, rest.iter().position(|&c| !is_word(c)).unwrap_or(rest.len())),
            _ => (Kind::Sign, 1),
        };
        match first {
            b'(' | b'[' | b'{' => self.depth += 1,
            b')' | b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        let start = self.at;
        self.at += length;
        Some(Token { kind, text: &rest[..length], start, depth })
    }
}

fn is_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_' || c == b'$' || c >= 0x80
}

/// Length of a quoted token: the quote is escaped by a backslash or by doubling (two tokens then, which is the same here).
fn quoted(text: &[u8], quote: u8) -> usize {
    let mut escaped = false;
    for (at, &c) in text.iter().enumerate().skip(1) {
        match c {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        Tokens::new(text.as_bytes()).map(|t| String::from_utf8_lossy(t.text).into_owned()).collect()
    }

    #[test]
    fn comments_and_strings_are_passed() {
        assert_eq!(words("select /* format x */ 'it\\'s -- 闪退' -- end\n, `a``b`"), ["select", "'it\\'s -- 闪退'", ",", "`a`", "`b`"]);
        assert_eq!(words("/* open"), Vec::<String>::new());
        assert_eq!(words("'open"), ["'open"]);
    }

    #[test]
    fn depth_counts_open_parentheses() {
        let depths: Vec<_> = Tokens::new(b"a (b [c]) d )").filter(|t| t.kind == Kind::Word).map(|t| t.depth).collect();
        assert_eq!(depths, [0, 1, 2, 0]);
    }

    proptest! {
        #[test]
        fn tokens_tile_any_text(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut last = 0;
            for token in Tokens::new(&text) {
                prop_assert!(token.start >= last && token.end() <= text.len() && !token.text.is_empty());
                last = token.end();
            }
        }
    }
}
