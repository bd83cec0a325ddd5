#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;
use std::cmp::Ordering;

fn version(text: &str) -> Version {
    Version::parse(text).unwrap_or_else(|error| unreachable!("{text}: {error}"))
}

#[test]
fn the_order_is_that_of_semantic_versioning_with_a_fourth_number() {
    let ascending = [
        "0.9",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.0.1-rc.1",
        "1.0.0.1",
        "1.0.0.2",
        "1.0.0.10",
        "1.0.1-alpha",
        "1.0.1",
        "1.2",
        "1.10",
        "2",
        "2024.01.05",
        "18446744073709551615",
    ];
    for (at, lower) in ascending.iter().enumerate() {
        assert_eq!(version(lower), version(lower));
        for higher in &ascending[at + 1..] {
            assert!(version(lower) < version(higher), "{lower} < {higher}");
        }
    }
}

#[test]
fn what_means_the_same_is_equal() {
    for same in [
        &["1.0", "1.0.0", "v1.0.0", "V1", "1.0.0.0", "01.00", " 1.0 ", "1.0.0+build.7", "v1+001"][..],
        &["1.2.0-beta", "v1.2-beta", "1.2.0.0-beta+5"],
        &["1.2.3.4", "v1.02.3.4"],
    ] {
        for text in same {
            assert_eq!(version(text), version(same[0]), "{text}");
            assert_eq!(version(text).to_string(), version(same[0]).to_string(), "{text}");
        }
    }
}

#[test]
fn what_is_no_version_is_told_why() {
    for (text, error) in [
        ("", Error::Empty),
        (" \t", Error::Empty),
        ("v", Error::NotANumber),
        ("vv1", Error::NotANumber),
        ("latest", Error::NotANumber),
        ("1..2", Error::NotANumber),
        ("1.2.", Error::NotANumber),
        ("1.x", Error::NotANumber),
        ("1.+2", Error::NotANumber),
        ("+1", Error::NotANumber),
        ("1. 2", Error::NotANumber),
        ("１.０", Error::NotANumber),
        ("18446744073709551616", Error::NotANumber),
        ("-1", Error::NotANumber),
        ("1.2.3.4.5", Error::TooManyNumbers),
        ("1.0-", Error::PreRelease),
        ("1.0-测试", Error::PreRelease),
        ("1.0-a..b", Error::PreRelease),
        ("1.0-01", Error::PreRelease),
        ("1.0+", Error::Build),
        ("1.0+a_b", Error::Build),
    ] {
        assert_eq!(Version::parse(text), Err(error), "{text}");
    }
    assert_eq!(Version::parse(&"1".repeat(LONGEST + 1)), Err(Error::TooLong));
}

fn text() -> impl Strategy<Value = String> {
    let number = prop_oneof![0_u64..4, any::<u64>()];
    let numbers = prop::collection::vec(number, 1..=4);
    (numbers, prop::option::of("(alpha|beta|rc)(\\.[0-9]{1,2})?"), any::<bool>()).prop_map(|(numbers, pre, marked)| {
        let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
        let pre = pre.map(|pre| format!("-{}", pre.replace(".0", ".1"))).unwrap_or_default();
        format!("{}{}{pre}", if marked { "v" } else { "" }, numbers.join("."))
    })
}

proptest! {
    #[test]
    fn the_order_is_total(a in text(), b in text(), c in text()) {
        let (a, b, c) = (version(&a), version(&b), version(&c));
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a == b, a.cmp(&b) == Ordering::Equal);
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
    }

    #[test]
    fn with_three_numbers_it_is_the_librarys_own(a in prop::array::uniform3(0_u64..5), b in prop::array::uniform3(0_u64..5), pre in prop::array::uniform2(prop::option::of("[a-c]{1,2}"))) {
        let write = |numbers: [u64; 3], pre: &Option<String>| {
            let pre = pre.as_ref().map(|pre| format!("-{pre}")).unwrap_or_default();
            format!("{}.{}.{}{pre}", numbers[0], numbers[1], numbers[2])
        };
        let (a, b) = (write(a, &pre[0]), write(b, &pre[1]));
        let theirs = semver::Version::parse(&a).unwrap().cmp_precedence(&semver::Version::parse(&b).unwrap());
        prop_assert_eq!(version(&a).cmp(&version(&b)), theirs);
    }

    #[test]
    fn tolerance_changes_nothing(text in text(), build in "[a-z0-9]{1,5}") {
        let read = version(&text);
        let bare = text.trim_start_matches('v');
        for spelled in [format!("v{bare}"), format!(" {bare}\n"), format!("{bare}+{build}"), format!("0{bare}"), read.to_string()] {
            prop_assert_eq!(&version(&spelled), &read, "{}", spelled);
        }
    }

    #[test]
    fn a_version_is_equal_to_its_text_only(a in text(), b in text()) {
        prop_assert_eq!(version(&a) == version(&b), version(&a).to_string() == version(&b).to_string());
    }

    #[test]
    fn no_text_breaks_the_reader(text in "\\PC{0,24}|[v0-9.+\\-a-c]{0,24}") {
        if let Ok(version) = Version::parse(&text) {
            prop_assert_eq!(Version::parse(&version.to_string()), Ok(version));
        }
    }
}
