//! Cutting of text that is too long, between characters only.

use super::bounds::MARKS;

/// Bytes of the longest character.
const LONGEST_LETTER: usize = 4;

/// Cuts `text` to at most `limit` bytes; true if it was longer.
pub(crate) fn cut(text: &mut String, limit: usize) -> bool {
    if text.len() <= limit {
        return false;
    }
    let end = beginning(text, limit).len();
    text.truncate(end);
    true
}

/// Cuts a text and, if it was longer, notes the field's name.
pub(crate) fn cut_marked(name: &str, text: &mut String, limit: usize, truncated: &mut Vec<String>) {
    if cut(text, limit) {
        mark(name, truncated);
    }
}

/// Notes the name of a field that was cut, once.
pub(crate) fn mark(name: &str, truncated: &mut Vec<String>) {
    if truncated.len() < MARKS && !truncated.iter().any(|known| known == name) {
        truncated.push(name.to_owned());
    }
}

/// The beginning of a text, at most `limit` bytes.
pub(crate) fn beginning(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A copy that is to be cut to `limit` and marked: no longer than it takes to see that there is more.
pub(crate) fn copied(text: &str, limit: usize) -> String {
    beginning(text, limit.saturating_add(LONGEST_LETTER)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chinese_text_is_cut_between_characters() {
        for (limit, left) in [(0, ""), (1, ""), (2, ""), (3, "崩"), (4, "崩"), (5, "崩"), (6, "崩溃"), (7, "崩溃")] {
            let mut text = "崩溃".to_owned();
            assert_eq!(cut(&mut text, limit), limit < 6, "{limit}");
            assert_eq!(text, left, "{limit}");
        }
    }

    #[test]
    fn only_what_was_cut_is_marked() {
        let mut truncated = Vec::new();
        cut_marked("message", &mut "界".repeat(3), 9, &mut truncated);
        cut_marked("stack", &mut "界".repeat(3), 8, &mut truncated);
        assert_eq!(truncated, ["stack"]);
    }

    proptest! {
        #[test]
        fn what_is_left_is_the_longest_prefix_that_fits(text in "\\PC{0,40}", limit in 0_usize..60) {
            let mut left = text.clone();
            cut(&mut left, limit);
            prop_assert!(left.len() <= limit && text.starts_with(&left));
            let next = text[left.len()..].chars().next();
            prop_assert!(next.is_none_or(|next| left.len() + next.len_utf8() > limit));
        }
    }
}
