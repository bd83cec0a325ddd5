//! Patterns in which `*` stands for any text.

/// A pattern, cut at its stars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    first: String,
    middle: Vec<String>,
    /// The text after the last star; `None` where the pattern has no star.
    last: Option<String>,
}

impl Glob {
    pub fn new(pattern: &str) -> Self {
        let mut parts = pattern.split('*').map(str::to_owned);
        let first = parts.next().unwrap_or_default();
        let mut middle: Vec<String> = parts.collect();
        let last = middle.pop();
        middle.retain(|part| !part.is_empty());
        Self { first, middle, last }
    }

    /// Whether the pattern fits the whole text. It takes one pass: each part is searched after the part before, without going back.
    pub fn fits(&self, text: &str) -> bool {
        let Some(last) = &self.last else { return text == self.first };
        let Some(rest) = text.strip_prefix(self.first.as_str()) else { return false };
        let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
        for part in &self.middle {
            let Some(at) = rest.find(part.as_str()) else { return false };
            rest = &rest[at + part.len()..];
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, with all its backtracking.
    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|skipped| by_definition(rest, &text[skipped..])),
            Some((letter, rest)) => text.first() == Some(letter) && by_definition(rest, &text[1..]),
        }
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, fits) in [
            ("*.SQLException", "java.sql.SQLException", true),
            ("com.shop.*", "com.shopping.Cart", false),
            ("*磁盘*满*", "写入失败: 磁盘 7 已满", true),
            ("a*a", "a", false),
            ("**", "", true),
            ("exact", "exactly", false),
        ] {
            assert_eq!(Glob::new(pattern).fits(text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let (pattern, text) = ("a*".repeat(128), "a".repeat(200_000) + "b");
        let begun = std::time::Instant::now();
        assert!(Glob::new(&pattern).fits(&text));
        assert!(!Glob::new(&(pattern + "c")).fits(&text));
        assert!(begun.elapsed() < std::time::Duration::from_secs(1));
    }

    proptest! {
        #[test]
        fn it_is_what_the_definition_says(pattern in "[ab*中]{0,8}", text in "[ab中]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(Glob::new(&pattern).fits(&text), by_definition(&chars(&pattern), &chars(&text)));
        }
    }
}
