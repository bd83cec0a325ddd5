//! Which of the three platforms a text names.

use schemas::platform::Platform;

/// Of the `platform` of a log message, in any case.
pub(super) fn of_name(platform: &str) -> Platform {
    if platform.eq_ignore_ascii_case("android") {
        Platform::Android
    } else if platform.eq_ignore_ascii_case("ios") {
        Platform::Ios
    } else {
        Platform::Pc
    }
}

/// Of the free text of the app-key dialect's `os_info`: whether Android or iOS is named in it, as a word (a BIOS is not iOS).
pub(super) fn of_os_info(os_info: &str) -> Platform {
    for word in os_info.split(|letter: char| !letter.is_alphanumeric()) {
        let word = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
        if word.eq_ignore_ascii_case("android") {
            return Platform::Android;
        }
        if ["ios", "ipados", "iphone", "ipad"].iter().any(|name| word.eq_ignore_ascii_case(name)) {
            return Platform::Ios;
        }
    }
    Platform::Pc
}

/// The number that stands for it in the records.
pub(super) fn number(platform: Platform) -> i32 {
    i32::from(platform.number())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_any_case_decides() {
        for (name, expected) in
            [("android", 1), ("Android", 1), ("ios", 2), ("iOS", 2), ("windows", 10), ("web", 10), ("鸿蒙", 10), ("", 10)]
        {
            assert_eq!(number(of_name(name)), expected, "{name}");
        }
    }

    #[test]
    fn free_text_names_a_platform_by_a_word() {
        let cases = [
            ("Windows 10 Pro", 10),
            ("Windows-10-10.0.19045-SP0", 10),
            ("macOS-14.4-arm64-arm-64bit", 10),
            ("Linux-5.15-x86_64-with-glibc2.35", 10),
            ("SeaBIOS 1.16", 10),
            ("Android 14", 1),
            ("Linux; android14; 小米", 1),
            ("iOS 17.2", 2),
            ("iPadOS-17.0-arm64", 2),
            ("", 10),
        ];
        for (text, expected) in cases {
            assert_eq!(number(of_os_info(text)), expected, "{text}");
        }
    }
}
