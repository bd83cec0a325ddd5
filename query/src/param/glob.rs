//! A text with `*` for any other text, also none. Matching takes time in proportion to the text, whatever the wildcard is.

/// A wildcard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    /// Before the first and after the last star.
    first: String,
    last: String,
    /// Between stars, none empty.
    middle: Vec<String>,
}

impl Glob {
    /// `None` where the text has no star.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let (first, rest) = text.split_once('*')?;
        let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
        let middle = middle.split('*').filter(|piece| !piece.is_empty()).map(str::to_owned).collect();
        Some(Self { first: first.to_owned(), last: last.to_owned(), middle })
    }

    /// Whether the text is one of those it stands for. The first place of each piece is the best one: it leaves most for those that follow.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let Some(mut rest) = text.strip_prefix(&*self.first).and_then(|rest| rest.strip_suffix(&*self.last)) else { return false };
        for piece in &self.middle {
            match rest.find(&**piece) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn matches(wildcard: &str, text: &str) -> bool {
        Glob::new(wildcard).unwrap().matches(text)
    }

    #[test]
    fn a_star_is_any_text() {
        for (wildcard, text) in [
            ("1.*", "1."),
            ("1.*", "1.2.3"),
            ("*", ""),
            ("**", "x"),
            ("*.0", "3.0"),
            ("3.*.1", "3.0.1"),
            ("a*b*c", "a-b-b-c"),
            ("版*", "版本_1"),
            ("*b*", "abc"),
        ] {
            assert!(matches(wildcard, text), "{wildcard} {text}");
        }
        for (wildcard, text) in
            [("1.*", "11"), ("1.*", "01.2"), ("3.*.1", "3.1"), ("ab*ba", "aba"), ("a*b*c", "acb"), ("*.0", "3.0.1"), ("版*", "本")]
        {
            assert!(!matches(wildcard, text), "{wildcard} {text}");
        }
        assert_eq!(Glob::new("1.0"), None);
    }

    /// What an engine that tries every place would not come to the end of.
    #[test]
    fn no_wildcard_takes_long() {
        assert!(!matches(&("*a".repeat(100) + "*b"), &"a".repeat(256)));
        assert!(matches(&"*a".repeat(100), &"a".repeat(256)));
    }

    /// The definition, letter by letter.
    fn defined(wildcard: &[char], text: &[char]) -> bool {
        match wildcard.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|at| defined(rest, &text[at..])),
            Some((c, rest)) => text.split_first().is_some_and(|(found, after)| found == c && defined(rest, after)),
        }
    }

    proptest! {
        #[test]
        fn it_is_what_the_definition_says(wildcard in "[ab版*]{0,4}\\*[ab版*]{0,4}", text in "[ab版]{0,8}") {
            let letters = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&wildcard, &text), defined(&letters(&wildcard), &letters(&text)));
        }
    }
}
