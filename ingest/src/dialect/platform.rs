//! Which of the three platforms a text names.

/// Android.
pub(super) const ANDROID: i32 = 1;
/// iOS and iPadOS.
pub(super) const IOS: i32 = 2;
/// Everything else.
pub(super) const PC: i32 = 10;

/// Of the `platform` of a log message, in any case.
pub(super) fn of_name(platform: &str) -> i32 {
    if platform.eq_ignore_ascii_case("android") {
        ANDROID
    } else if platform.eq_ignore_ascii_case("ios") {
        IOS
    } else {
        PC
    }
}

/// Of the free text of the app-key dialect's `os_info`: whether Android or iOS is named in it, as a word (a BIOS is not iOS).
pub(super) fn of_os_info(os_info: &str) -> i32 {
    for word in os_info.split(|letter: char| !letter.is_alphanumeric()) {
        let word = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
        if word.eq_ignore_ascii_case("android") {
            return ANDROID;
        }
        if ["ios", "ipados", "iphone", "ipad"].iter().any(|name| word.eq_ignore_ascii_case(name)) {
            return IOS;
        }
    }
    PC
}

/// Of a native `platformId`; `None` where it is not one of them.
pub(super) fn of_number(number: i64) -> Option<i32> {
    [ANDROID, IOS, PC].into_iter().find(|known| i64::from(*known) == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_any_case_decides() {
        for (name, expected) in
            [("android", 1), ("Android", 1), ("ios", 2), ("iOS", 2), ("windows", 10), ("web", 10), ("鸿蒙", 10), ("", 10)]
        {
            assert_eq!(of_name(name), expected, "{name}");
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
            assert_eq!(of_os_info(text), expected, "{text}");
        }
    }
}
