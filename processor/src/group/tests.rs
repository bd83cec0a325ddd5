//! Grouping as a whole: golden fingerprints, what must not matter, what must, and safety.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::frames::location;
use proptest::prelude::*;
use std::fmt::Write as _;
use std::path::Path;

mod fixtures;
mod fuzz;
mod stability;

use fixtures::FIXTURES;

fn crash(stack: &str) -> Subject<'_> {
    Subject { app_id: "shop", platform_id: 1, category: "crash", stack, ..Subject::default() }
}

fn said<'a>(name: &'a str, message: &'a str) -> Subject<'a> {
    Subject { app_id: "shop", category: "error", exp_name: name, exp_message: message, ..Subject::default() }
}

/// A difference here moves reports to other issues: it is a data migration and needs a new version.
#[test]
fn golden_fingerprints() {
    let mut all = String::new();
    for (name, stack) in FIXTURES {
        let grouping = group(&crash(stack));
        let hex = grouping.fingerprint.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        });
        writeln!(
            all,
            "{name}\n  {} {} {} frames\n  {hex}\n  {}",
            grouping.parser,
            grouping.kind.name(),
            grouping.frames,
            grouping.signature
        )
        .unwrap();
        for part in grouping.parts {
            writeln!(all, "    {}: {}", part.kind, part.value).unwrap();
        }
    }
    insta::assert_snapshot!(all);
}

/// Line numbers, addresses, counters of lambdas and proxies: another build, the same bug.
#[test]
fn another_build_is_the_same_issue() {
    let changes = [
        ("java", "Cart.java:12", "Cart.java:48"),
        ("java", "lambda$pay$3", "lambda$pay$7"),
        ("java", "$$Lambda$14/0x0000000800c4", "$$Lambda$92/0x00000008007a"),
        ("java", "cart of user 张三 is empty", "cart of user li.si is empty"),
        ("python", "line 12", "line 99"),
        ("python", "/srv/app/shop", "/home/deploy/7/shop"),
        ("javascript", "app.3f2a91bc.js:1:200", "app.77aa01de.js:1:914"),
        ("csharp", "d__5", "d__9"),
        ("csharp", ":line 40", ":line 77"),
        ("asan", "0x602000000014", "0x60b0000000f4"),
        ("asan", "cart.cc:12:3", "cart.cc:19:8"),
        ("tombstone", "000000000004793e", "00000000000519aa"),
        ("go", "0xc000012345", "0xc0000abcde"),
        ("rust", "h0123456789abcdef", "hfedcba9876543210"),
    ];
    for (name, from, to) in changes {
        let stack = FIXTURES.iter().find(|(known, _)| *known == name).unwrap().1;
        let changed = stack.replace(from, to);
        assert_ne!(stack, changed, "{name} has no {from}");
        assert_eq!(group(&crash(stack)).issue_id, group(&crash(&changed)).issue_id, "{name}: {from} → {to}");
    }
}

#[test]
fn another_place_is_another_issue() {
    let all: Vec<_> = FIXTURES.iter().map(|(_, stack)| group(&crash(stack)).issue_id).collect();
    for (index, issue) in all.iter().enumerate() {
        assert!(!all[..index].contains(issue), "{} shares an issue", FIXTURES[index].0);
    }
    let moved = FIXTURES[0].1.replace("com.shop.Cart.", "com.shop.Basket.");
    assert_ne!(group(&crash(FIXTURES[0].1)).issue_id, group(&crash(&moved)).issue_id);
}

#[test]
fn a_fault_is_where_it_was_met_and_a_throw_between_classes() {
    let issue = |exception: &str, method: &str| {
        let stack = format!("{exception}: x\n\tat com.shop.Cart.{method}(Cart.java:1)\n\tat com.shop.Main.run(Main.java:2)\n");
        group(&crash(&stack)).issue_id
    };
    let fault = "java.lang.NullPointerException";
    assert_ne!(issue(fault, "total"), issue(fault, "discount"));
    let thrown = "java.lang.IllegalStateException";
    assert_eq!(issue(thrown, "total"), issue(thrown, "discount"));
    assert_ne!(issue(thrown, "total"), issue("java.io.IOException", "total"));
}

/// A solver refuses for many reasons in the same words; who asked it knows which.
#[test]
fn a_cause_is_told_apart_by_how_its_effect_opens() {
    let issue = |words: &str| {
        let stack = format!(
            "com.shop.PlanException: {words}\n\tat com.shop.Plan.solve(Plan.java:9)\nCaused by: com.solver.NoSolution: empty\n\t\
             at com.solver.Solver.add(Solver.java:3)\n\tat com.shop.Plan.solve(Plan.java:7)\n"
        );
        group(&crash(&stack)).issue_id
    };
    assert_eq!(issue("No route to: 北京"), issue("No route to: 上海"));
    assert_ne!(issue("No route to: 北京"), issue("Routes collide: 北京, 上海"));
}

#[test]
fn a_failed_test_is_its_class_and_what_its_author_wrote() {
    let issue = |exception: &str, class: &str, words: &str| {
        let stack = format!(
            "{exception}: {words}\n\tat org.junit.Assert.fail(Assert.java:1)\n\tat com.shop.{class}.total(A.java:2)\n\t\
             at java.lang.reflect.Method.invoke(Method.java:3)\n\tat com.runner.tests.Runner.run(R.java:4)\n"
        );
        group(&crash(&stack)).issue_id
    };
    let one = issue("java.lang.AssertionError", "CartTest", "total is wrong expected:<1> but was:<2>");
    assert_eq!(one, issue("org.junit.ComparisonFailure", "CartTest", "total is wrong expected:<7> but was:<9>"));
    assert_ne!(one, issue("java.lang.AssertionError", "CartTest", "cart is empty"));
    assert_ne!(issue("java.lang.AssertionError", "CartTest", "unexpected price"), issue("java.lang.AssertionError", "CartTest", "un"));
    assert_ne!(one, issue("java.lang.AssertionError", "TestPay", "total is wrong expected:<1> but was:<2>"));
}

#[test]
fn a_read_and_a_write_out_of_bounds_are_two_faults() {
    let issue = |fault: &str, access: &str| {
        let stack = format!(
            "==1==ERROR: AddressSanitizer: {fault} on address 0x60 at pc 0x4\n{access} of size 4\n    #0 0x4d in shop::pay(int) /src/a.cc:1:3\n"
        );
        group(&crash(&stack)).issue_id
    };
    assert_eq!(issue("heap-buffer-overflow", "READ"), issue("unknown-crash", "READ"));
    assert_ne!(issue("heap-buffer-overflow", "READ"), issue("heap-buffer-overflow", "WRITE"));
}

#[test]
fn crash_anr_and_error_never_share_an_issue() {
    let stack = FIXTURES[0].1;
    let of = |category| group(&Subject { category, ..crash(stack) }).issue_id;
    assert!(of("crash") != of("anr") && of("anr") != of("error") && of("crash") != of("error"));
    let other_app = group(&Subject { app_id: "bank", ..crash(stack) }).issue_id;
    assert_ne!(other_app, of("crash"));
}

#[test]
fn a_message_without_a_stack_groups_by_its_form() {
    let a = group(&said("PayError", "订单 20260102 支付失败: 用户 10086 余额不足 (code 51)"));
    let b = group(&said("PayError", "订单 20260733 支付失败: 用户 10010 余额不足 (code 51)"));
    let c = group(&said("PayError", "订单 20260102 支付失败: 用户 10086 余额不足 (code 91)"));
    assert_eq!(a.issue_id, b.issue_id);
    assert_ne!(a.issue_id, c.issue_id, "the code is the point");
    assert_eq!(a.kind, Kind::Exception);
    assert_eq!(group(&said("", "已断开")).kind, Kind::Message);
}

#[test]
fn how_a_program_ended_is_its_kind() {
    let kind = |stack: &str| group(&crash(stack)).kind;
    let frames = "#0 0x1 in pay /src/a.c:1\n#1 0x2 in main /src/a.c:2\n";
    assert_eq!(kind(&format!("signal 6 (SIGABRT), code -6\nbacktrace:\n{frames}")), Kind::Abort);
    assert_eq!(kind(&format!("shop: a.c:1: pay: Assertion `cart != 0' failed.\n{frames}")), Kind::Abort);
    assert_eq!(kind("INFO: task shop:12 blocked for more than 140 seconds.\nCall Trace:\n shop_close+0x1/0x2\n"), Kind::Hang);
    assert_eq!(
        kind("fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive]:\nmain.main()\n\t/a.go:1 +0x1\n"),
        Kind::Hang
    );
    assert_eq!(kind(&format!("signal 11 (SIGSEGV), code 1\nbacktrace:\n{frames}")), Kind::Native);
}

#[test]
fn the_depth_of_a_recursion_is_chance() {
    let stack = |depth: usize| {
        let loops = "\tat com.shop.Tree.walk(Tree.java:5)\n\tat com.shop.Tree.visit(Tree.java:9)\n".repeat(depth);
        format!("java.lang.StackOverflowError\n{loops}\tat com.shop.Main.main(Main.java:3)\n")
    };
    let (short, long) = (group(&crash(&stack(40))), group(&crash(&stack(511))));
    assert_eq!(short.issue_id, long.issue_id);
    assert_eq!(short.kind, Kind::StackOverflow);
    let shifted = stack(60).replacen("\tat com.shop.Tree.walk(Tree.java:5)\n", "", 1);
    assert_eq!(short.issue_id, group(&crash(&shifted)).issue_id);
}

#[test]
fn what_the_report_did_not_name_is_read_from_the_stack() {
    let grouping = group(&crash("java.lang.IllegalStateException: 购物车为空\n\tat com.shop.Cart.total(Cart.java:12)\n"));
    assert_eq!(grouping.exp_name, "java.lang.IllegalStateException");
    assert_eq!(grouping.exp_message, "购物车为空");
    assert_eq!(grouping.key_frame, "com.shop.Cart.total");
    assert_eq!(grouping.signature, "IllegalStateException | com.shop.Cart.total");
    assert!(!grouping.is_system_stack);
}

#[test]
fn a_signature_is_cut_at_a_character() {
    let long = "购物车".repeat(400);
    let grouping = group(&said(&long, ""));
    assert!(grouping.signature.len() <= 500 && grouping.signature.len() > 490);
}

#[test]
fn a_megabyte_takes_linear_time() {
    let frame = "\tat com.shop.Cart.total(Cart.java:12)\n";
    let hostile = [
        frame.repeat(30_000),
        "a".repeat(1 << 20),
        "(".repeat(1 << 20),
        "<".repeat(1 << 20),
        "x\n".repeat(1 << 19),
        format!("{}Exception\n{}", "a".repeat(1 << 19), "x\n".repeat(1 << 18)),
        "Error: \"'\" 1 ".repeat(80_000),
        "#0 0x1 in f(\n".repeat(80_000),
        "Caused by: a.BError\n\t... 9 more\n".repeat(30_000),
        "[1][".repeat(1 << 18),
    ];
    let start = std::time::Instant::now();
    for text in &hostile {
        let grouping = group(&crash(text));
        assert!(grouping.frames <= crate::frames::MAX_FRAMES);
        let message = group(&said(text, text));
        assert!(message.exp_message.len() <= 4_096);
    }
    // Quadratic time would be hours here; the bound only tells the two apart on any machine.
    assert!(start.elapsed().as_secs() < 60);
}

proptest! {
    #[test]
    fn never_panics_on_any_text(stack in "\\PC{0,400}", name in "\\PC{0,40}", message in "\\PC{0,120}") {
        let subject = Subject { exp_name: &name, exp_message: &message, ..crash(&stack) };
        let grouping = group(&subject);
        prop_assert!(grouping.signature.len() <= 500);
        prop_assert_eq!(group(&subject), grouping);
    }

    /// Fixtures cut and spliced at random: close to stacks, but none.
    #[test]
    fn never_panics_on_near_stacks(pieces in proptest::collection::vec((0..FIXTURES.len(), any::<usize>(), 0..200_usize), 1..8)) {
        let mut text = String::new();
        for (index, start, length) in pieces {
            let whole = FIXTURES[index].1;
            let from = location::head(whole, start % whole.len()).len();
            let to = location::head(whole, from + length).len();
            text.push_str(&whole[from..to.max(from)]);
        }
        prop_assert!(group(&crash(&text)).signature.len() <= 500);
    }

    #[test]
    fn numbers_in_a_message_do_not_matter(a in 0..u32::MAX, b in 0..u32::MAX) {
        let of = |n: u32| group(&said("", &format!("order {n} of 用户{n} lost after {n} ms at 0x{n:08x}"))).issue_id;
        prop_assert_eq!(of(a), of(b));
    }
}

/// Every text of the shared folder of real reports, where that is at hand.
#[test]
fn every_real_text_goes_through() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/grouping"));
    let Ok(sets) = std::fs::read_dir(folder) else {
        eprintln!("skipped: no folder of real reports beside the workspace");
        return;
    };
    let mut reports = 0;
    for set in sets {
        let text = std::fs::read_to_string(set.unwrap().path().join("dev.input.jsonl")).unwrap_or_default();
        for report in text.lines() {
            let answer = line(report, &crate::project::Rules::default());
            assert!(!answer.contains(r#""error":"#) && answer.contains(r#""issue":""#), "{answer}");
            reports += 1;
        }
    }
    assert!(reports > 0);
}
