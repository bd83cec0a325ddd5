//! Halves of surrogate pairs that stand alone in JSON escapes.
//!
//! JavaScript and Java clients cut texts in the middle of a pair and then escape the half that is left. No text can hold
//! it, and a crash report is worth more than a character: it becomes U+FFFD.

/// The text with every lone half replaced; `None` where there is none.
pub(super) fn mend(json: &str) -> Option<String> {
    let mut mended: Option<String> = None;
    let mut kept = 0;
    let mut at = 0;
    while let Some(found) = json[at..].find('\\') {
        let start = at + found;
        let Some(unit) = unit_at(json, start) else {
            // Any other escape is a backslash and one ASCII character; where it is not, the JSON is broken anyway.
            at = if json.is_char_boundary(start + 2) { start + 2 } else { start + 1 };
            if at > json.len() {
                break;
            }
            continue;
        };
        at = start + 6;
        match unit {
            0xD800..=0xDBFF if unit_at(json, at).is_some_and(|next| (0xDC00..=0xDFFF).contains(&next)) => at += 6,
            0xD800..=0xDFFF => {
                let text = mended.get_or_insert_with(|| String::with_capacity(json.len()));
                text.push_str(&json[kept..start]);
                text.push_str("\\ufffd");
                kept = at;
            }
            _ => {}
        }
    }
    let mut mended = mended?;
    mended.push_str(&json[kept..]);
    Some(mended)
}

/// The UTF-16 unit of an escape `\uXXXX` that starts at `start`.
fn unit_at(json: &str, start: usize) -> Option<u32> {
    let digits = json.get(start..start + 6)?.strip_prefix("\\u")?;
    if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) { u32::from_str_radix(digits, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lone_halves_are_replaced_and_pairs_stay() {
        let cases = [
            (r#""\ud83d""#, Some(r#""\ufffd""#)),
            (r#""\ude00x\uD83D\uDE00""#, Some(r#""\ufffdx\uD83D\uDE00""#)),
            (r#""\ud83d\ud83d\ude00""#, Some(r#""\ufffd\ud83d\ude00""#)),
            (r#""\ud83d\ude00""#, None),
            (r#""\\ud83d""#, None),
            (r#""中\n\"文""#, None),
            ("\\", None),
            ("\\中", None),
            ("\\u", None),
            ("\\ud83", None),
        ];
        for (json, expected) in cases {
            assert_eq!(mend(json).as_deref(), expected, "{json}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_mended_once_and_for_all(json in "(\\\\|u|d8|dc00|中|\"|3d){0,24}") {
            if let Some(mended) = mend(&json) {
                prop_assert_eq!(mend(&mended), None);
            }
        }
    }
}
