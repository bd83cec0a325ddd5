use super::*;
use crate::group::Subject;
use crate::project::Rules;
use proptest::prelude::*;

fn profile(message: &str, frames: &[&str]) -> Profile {
    let stack: String = frames.iter().map(|frame| format!("\n\tat com.shop.{frame}.run(A.java:1)")).collect();
    let stack = if frames.is_empty() { String::new() } else { format!("java.lang.IllegalStateException: {message}{stack}") };
    Profile::of(&Subject { category: "crash", exp_message: message, stack: &stack, ..Subject::default() }, &Rules::default()).1
}

#[test]
fn what_is_rare_and_near_the_top_counts_more() {
    let all = [
        profile("购物车 空", &["Cart", "Pay", "Main"]),
        profile("购物车 空", &["Cart", "Other", "Main"]),
        profile("购物车 空", &["Deep", "Pay", "Main"]),
        profile("", &["Some", "Thing", "Main"]),
        profile("", &["Any", "Body", "Main"]),
    ];
    let rarity = Rarity::of(&all);
    let of = |other: usize| similarity(&all[0], &all[other], &rarity);
    assert!(of(1) > of(2) && of(2) > of(3), "{} {} {}", of(1), of(2), of(3));
    let near = nearest(&all, 2, 0.0);
    assert_eq!(near[0].iter().map(|near| near.other).collect::<Vec<_>>(), [1, 2]);
    assert!(nearest(&all, 2, 0.99).iter().all(Vec::is_empty));
}

#[test]
fn frames_that_moved_are_still_paired_and_what_shares_nothing_is_not() {
    let (a, b, c) = (profile("", &["A", "B", "C"]), profile("", &["X", "A", "B", "C"]), profile("", &["U", "V"]));
    let rarity = Rarity::of(&[a.clone(), b.clone(), c.clone()]);
    assert!(similarity(&a, &b, &rarity) > 0.6);
    // The type is all they share.
    assert!(similarity(&a, &c, &rarity) <= 1.0 / 7.0 + 1e-9);
    assert_eq!(similarity(&Profile::default(), &Profile::default(), &rarity), 0.0);
}

#[test]
fn long_stacks_take_no_longer_than_their_length() {
    let of = |frames: usize| {
        let token = |place: usize| Token { name: place as u64 % 7, weight: 1.0 };
        Profile { exception: 1, frames: (0..frames).map(token).collect(), words: Vec::new() }
    };
    let timed = |frames: usize| {
        let (a, rarity) = (of(frames), Rarity::default());
        let run = |_| {
            let begun = std::time::Instant::now();
            assert!(similarity(&a, &a, &rarity) > 0.99);
            begun.elapsed().as_secs_f64()
        };
        (0..5).map(run).fold(f64::INFINITY, f64::min)
    };
    // Sixteen times as long: sixteen times the time, with room for caches; squared it were 256 times.
    let (short, long) = (timed(4_000), timed(64_000));
    assert!(long < short * 100.0, "{short} s and {long} s");
}

proptest! {
    #[test]
    fn it_is_symmetric_bounded_and_one_for_equals(
        a in proptest::collection::vec("[A-F]", 0..12), b in proptest::collection::vec("[A-F]", 0..12),
        said in "[a-e ]{0,12}", heard in "[a-e ]{0,12}",
    ) {
        let names = |frames: &[String]| frames.to_vec();
        let (a, b) = (names(&a), names(&b));
        let a = profile(&said, &a.iter().map(String::as_str).collect::<Vec<_>>());
        let b = profile(&heard, &b.iter().map(String::as_str).collect::<Vec<_>>());
        let rarity = Rarity::of(&[a.clone(), b.clone()]);
        let (there, back) = (similarity(&a, &b, &rarity), similarity(&b, &a, &rarity));
        prop_assert!((there - back).abs() < 1e-9);
        prop_assert!((0.0..=1.0).contains(&there));
        if a.tokens().next().is_some() {
            prop_assert!((similarity(&a, &a, &rarity) - 1.0).abs() < 1e-9);
        }
    }
}
