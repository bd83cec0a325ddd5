//! Why two reports do or do not share an issue: the first part in which they differ, then both frame by frame.

use super::explanation::{Explanation, ShownFrame, explain};
use super::line::{fingerprint_of, id_of, read, subject_of};
use crate::fingerprint::Part;
use crate::project::Rules;
use std::fmt::Write;

/// Compares two lines of JSON and says it in words.
///
/// # Errors
/// A line is not a report.
pub fn difference(a: &str, b: &str, rules: &Rules) -> Result<String, &'static str> {
    let (a, b) = (read(a)?, read(b)?);
    let (own_a, own_b) = (fingerprint_of(&a), fingerprint_of(&b));
    let (subject_a, subject_b) = (subject_of(&a, &own_a), subject_of(&b, &own_b));
    let (left, right) = (explain(&subject_a, rules), explain(&subject_b, rules));
    let mut out = String::new();
    for (name, id, explanation) in [("A", id_of(&a), &left), ("B", id_of(&b), &right)] {
        let grouping = &explanation.grouping;
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{name}: {id} issue {} by {}: {}", const_hex::encode(grouping.issue_id), grouping.basis, grouping.signature);
    }
    let apart = [
        ("app", subject_a.app_id.to_owned(), subject_b.app_id.to_owned()),
        ("platform", subject_a.platform_id.to_string(), subject_b.platform_id.to_string()),
        ("category", subject_a.category.to_owned(), subject_b.category.to_owned()),
    ];
    let apart = apart.into_iter().find(|(_, a, b)| a != b);
    let _ = match (apart, left.grouping.issue_id == right.grouping.issue_id) {
        (Some((what, a, b)), _) => writeln!(out, "two issues: {what} {a} and {b} never share one"),
        (None, true) => writeln!(out, "one issue: all {} parts are the same", left.grouping.parts.len()),
        (None, false) => writeln!(out, "two issues: {}", first_difference(&left.grouping.parts, &right.grouping.parts)),
    };
    parts(&mut out, &left.grouping.parts, &right.grouping.parts);
    messages(&mut out, &left, &right);
    frames(&mut out, &left.frames, &right.frames);
    Ok(out)
}

fn first_difference(a: &[Part], b: &[Part]) -> String {
    let said = |part: Option<&Part>| part.map_or_else(|| "nothing".to_owned(), |part| format!("{} {}", part.kind, part.value));
    let at = (0..a.len().max(b.len())).find(|at| a.get(*at) != b.get(*at)).unwrap_or_default();
    format!("part {} is {} in A and {} in B", at + 1, said(a.get(at)), said(b.get(at)))
}

fn parts(out: &mut String, a: &[Part], b: &[Part]) {
    out.push_str("\nparts of the fingerprint\n");
    for at in 0..a.len().max(b.len()) {
        match (a.get(at), b.get(at)) {
            (Some(a), Some(b)) if a == b => row(out, '=', a.kind.name(), &a.value),
            (a, b) => {
                a.iter().for_each(|part| row(out, '-', part.kind.name(), &part.value));
                b.iter().for_each(|part| row(out, '+', part.kind.name(), &part.value));
            }
        }
    }
}

fn messages(out: &mut String, a: &Explanation, b: &Explanation) {
    if a.message.is_empty() && b.message.is_empty() {
        return;
    }
    out.push_str("\nform of the message\n");
    if a.message == b.message {
        return row(out, '=', "", &a.message);
    }
    row(out, '-', "", &a.message);
    row(out, '+', "", &b.message);
}

/// Both stacks as one list: frames of both, of A alone, of B alone; those that count have a star.
fn frames(out: &mut String, a: &[ShownFrame], b: &[ShownFrame]) {
    if a.is_empty() && b.is_empty() {
        return;
    }
    out.push_str("\nframes, innermost first (* counts)\n");
    let mark = |frame: &ShownFrame| format!("{}{}", frame.class, if frame.counts { "*" } else { "" });
    for (sign, frame) in aligned(a, b) {
        row(out, sign, &mark(frame), &frame.name);
    }
}

/// The longest list of frames that both have in this order, and what is beside it. Stacks are shown to 128 frames, so its square is small.
fn aligned<'a>(a: &'a [ShownFrame], b: &'a [ShownFrame]) -> Vec<(char, &'a ShownFrame)> {
    let mut common = vec![vec![0_u16; b.len() + 1]; a.len() + 1];
    for at in (0..a.len()).rev() {
        for to in (0..b.len()).rev() {
            common[at][to] = match a[at].name == b[to].name {
                true => common[at + 1][to + 1] + 1,
                false => common[at + 1][to].max(common[at][to + 1]),
            };
        }
    }
    let (mut at, mut to, mut list) = (0, 0, Vec::with_capacity(a.len() + b.len()));
    while at < a.len() && to < b.len() {
        if a[at].name == b[to].name {
            list.push(('=', &a[at]));
            (at, to) = (at + 1, to + 1);
        } else if common[at + 1][to] >= common[at][to + 1] {
            list.push(('-', &a[at]));
            at += 1;
        } else {
            list.push(('+', &b[to]));
            to += 1;
        }
    }
    list.extend(a[at..].iter().map(|frame| ('-', frame)));
    list.extend(b[to..].iter().map(|frame| ('+', frame)));
    list
}

fn row(out: &mut String, sign: char, kind: &str, value: &str) {
    let value = value.replace('\n', " ");
    let _ = match kind {
        "" => writeln!(out, "  {sign} {value}"),
        kind => writeln!(out, "  {sign} {kind:<8} {value}"),
    };
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn report(category: &str, frames: &[&str]) -> String {
        let stack: String = frames.iter().map(|frame| format!("\n\tat {frame}(A.java:1)")).collect();
        let stack = format!("java.lang.IllegalStateException: 订单 7{stack}");
        serde_json::json!({"id": frames.len(), "category": category, "callStack": stack}).to_string()
    }

    fn said(a: &str, b: &str) -> String {
        difference(a, b, &Rules::default()).unwrap()
    }

    #[test]
    fn it_names_the_first_part_that_differs_and_lists_the_frames() {
        let (a, b) = (
            report("crash", &["com.shop.Cart.total", "com.shop.Main.run"]),
            report("crash", &["com.shop.Pay.pay", "com.shop.Main.run", "com.shop.Z.z"]),
        );
        let text = said(&a, &b);
        assert!(text.contains("two issues: part 3 is class com.shop.Cart in A and class com.shop.Pay in B"), "{text}");
        for line in [
            "  - app*     com.shop.Cart.total",
            "  + app*     com.shop.Pay.pay",
            "  = app*     com.shop.Main.run",
            "  + app*     com.shop.Z.z",
            "  = 订单 <num>",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn it_says_what_two_reports_of_one_issue_share_and_what_never_does() {
        let stack = ["com.shop.Cart.total"];
        assert!(said(&report("crash", &stack), &report("crash", &stack)).contains("one issue: all 3 parts are the same"));
        assert!(said(&report("crash", &stack), &report("anr", &stack)).contains("two issues: category crash and anr never share one"));
        assert_eq!(difference("{}", "x", &Rules::default()), Err("the line is no JSON"));
    }
}
