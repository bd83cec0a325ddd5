//! Text from outside made safe for a terminal and for a log line: it cannot move the cursor, change a title, reverse the direction of
//! writing or begin a line.

use std::borrow::Cow;
use std::fmt::Write;

/// The text on one line, harmful characters as escapes: `\n`, `\u{1b}`.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_harmful)
}

/// The text with its line ends kept and other harmful characters as escapes.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |character| is_harmful(character) && character != '\n')
}

/// JSON of the same meaning whose strings hold no harmful character unescaped. JSON itself escapes some already; line ends between values
/// stay.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    let is_left = |character| is_harmful(character) && character != '\n';
    if !text.contains(is_left) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match is_left(character) {
            // All of them lie in the basic plane.
            true => drop(write!(shown, "\\u{:04x}", u32::from(character))),
            false => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

/// Control characters (C0, DEL, C1), separators that end a line in some programs, and marks that turn the direction of writing.
pub(crate) fn is_harmful(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escaped(text: &str, is_harmful: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match is_harmful(character) {
            true => shown.extend(character.escape_default()),
            false => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_reaches_the_terminal_as_a_command() {
        let hostile = "a\u{1b}]0;PWNED\u{7}\u{1b}[2J\u{9b}2J\r\n\u{202e}崩溃\t\u{7f}";
        assert_eq!(line(hostile), "a\\u{1b}]0;PWNED\\u{7}\\u{1b}[2J\\u{9b}2J\\r\\n\\u{202e}崩溃\\t\\u{7f}");
        assert_eq!(lines("一\n\u{1b}二\n"), "一\n\\u{1b}二\n");
        assert!(matches!(line("普通 text"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_means_the_same() {
        let value = serde_json::json!({ "错误": "\u{9b}2J\u{1b}[m\u{7f}\u{2028}\u{202e}\"" });
        let (text, pretty) = (value.to_string(), serde_json::to_string_pretty(&value).unwrap());
        for text in [text, pretty] {
            let shown = json(&text);
            assert!(!shown.replace('\n', "").contains(is_harmful), "{shown:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        }
    }

    proptest! {
        #[test]
        fn no_text_keeps_a_harmful_character(text in any::<String>()) {
            prop_assert!(!line(&text).contains(is_harmful));
            let value = serde_json::Value::String(text);
            let text = value.to_string();
            let shown = json(&text);
            prop_assert!(!shown.contains(is_harmful));
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        }
    }
}
