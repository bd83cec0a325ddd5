#![allow(clippy::unwrap_used)]
use super::*;
use crate::group::{Subject, explain, group, group_with};
use schemas::grouping::PartKind;

const STACK: &str = "java.lang.IllegalStateException: 磁盘 7 已满\n\tat com.shop.audit.Audit.note(Audit.java:1)\n\tat com.shop.Cart.total(Cart.java:41)\n\tat org.vendor.Sdk.call(Sdk.java:3)\n\tat com.shop.Main.run(Main.java:9)";

fn subject(app_id: &str) -> Subject<'_> {
    Subject {
        app_id,
        category: "crash",
        exp_name: "java.lang.IllegalStateException",
        exp_message: "磁盘 7 已满",
        stack: STACK,
        ..Subject::default()
    }
}

fn grouping(text: &str) -> Grouping {
    toml::from_str(text).unwrap()
}

fn rules(text: &str) -> Rules {
    Rules::new(&grouping(text)).unwrap()
}

fn parts(rules: &Rules, subject: &Subject<'_>) -> Vec<(PartKind, String)> {
    group_with(subject, rules).parts.into_iter().map(|part| (part.kind, part.value)).collect()
}

fn values(kind: PartKind, values: &[&str]) -> Vec<(PartKind, String)> {
    values.iter().map(|value| (kind, (*value).to_owned())).collect()
}

#[test]
fn the_first_rule_that_fits_decides_and_default_composes() {
    let rules = rules(
        "[[rules]]\napp = 'a'\nwhen.type = '*.IllegalStateException'\nwhen.frame = 'com.shop.Cart.*'\nfingerprint = ['cart', '{{ type }}: {{message}}']\n\
         [[rules]]\nname = 'disk'\nwhen.message = '*磁盘*满'\nfingerprint = ['{{ default }}', 'disk at {{ frame }}']",
    );
    assert_eq!(parts(&rules, &subject("a")), values(PartKind::Rule, &["cart", "java.lang.IllegalStateException: 磁盘 <num> 已满"]));
    let other = group_with(&subject("b"), &rules);
    let default = group(&subject("b"));
    assert_eq!((other.parts.len(), &other.parts[..default.parts.len()]), (default.parts.len() + 1, &default.parts[..]));
    assert_eq!(
        (other.basis.as_str(), other.parts.last().map(|part| part.value.as_str())),
        ("rule disk", Some("disk at com.shop.audit.Audit.note"))
    );
    assert!(other.signature.starts_with("disk at com.shop.audit.Audit.note | IllegalStateException"), "{}", other.signature);
}

#[test]
fn a_rule_is_stronger_than_the_client_and_the_client_than_the_wish() {
    let own = ["mine".to_owned()];
    let subject = Subject { client_fingerprint: &own, ..subject("a") };
    let wish = "[[apps]]\ngroup_by = 'type'\n";
    assert_eq!(parts(&rules(wish), &subject), values(PartKind::Client, &["mine"]));
    let rule = "[[rules]]\nwhen.type = '*State*'\nfingerprint = ['{{ default }}', 'theirs']";
    let found = parts(&rules(&format!("{wish}{rule}")), &subject);
    assert_eq!(found, [values(PartKind::Client, &["mine"]), values(PartKind::Rule, &["theirs"])].concat());
}

#[test]
fn frames_are_looked_at_as_the_app_says() {
    let rules =
        rules("[[apps]]\napp = 'a'\nin_app = ['org.vendor.']\nirrelevant = ['com.shop.audit.*', '*.Main.run']\ngroup_by = 'frames'");
    let explanation = explain(&subject("a"), &rules);
    let seen: Vec<_> = explanation.frames.iter().map(|frame| (frame.name.as_str(), frame.class, frame.counts)).collect();
    assert_eq!(seen, [("com.shop.Cart.total", "app", true), ("org.vendor.Sdk.call", "app", true)]);
    assert_eq!((explanation.grouping.basis.as_str(), explanation.grouping.parts.len()), ("group_by frames", 4));
    assert_eq!(group_with(&subject("b"), &rules).parts, group(&subject("b")).parts, "another app is not touched");
    let (own, usual) = (group_with(&subject("a"), &rules), group(&subject("a")));
    assert_eq!((own.stack_hash, own.app_stack_hash), (usual.stack_hash, usual.app_stack_hash), "the other hashes know no project");
}

#[test]
fn an_issue_is_what_the_app_wishes_it_to_be() {
    let of = |group_by: &str, subject: &Subject<'_>| parts(&rules(&format!("[[apps]]\ngroup_by = '{group_by}'")), subject).split_off(1);
    let named = values(PartKind::Type, &["java.lang.IllegalStateException"]);
    assert_eq!(of("type", &subject("a")), named);
    assert_eq!(of("message", &subject("a")), [named.clone(), values(PartKind::Message, &["磁盘 <num> 已满"])].concat());
    assert_eq!(of("top_frame", &subject("a")), [named, values(PartKind::Frame, &["com.shop.audit.Audit.note"])].concat());
    let bare = Subject { app_id: "a", category: "error", exp_message: "坏了", ..Subject::default() };
    for group_by in ["type", "top_frame", "frames", "default"] {
        assert_eq!(of(group_by, &bare), values(PartKind::Message, &["坏了"]), "{group_by}: where there is none, the default");
    }
}

#[test]
fn the_stamp_tells_rules_apart_and_none_has_none() {
    assert_eq!(Rules::default().stamp(), 0);
    assert_eq!(rules("").stamp(), 0);
    let (a, b) = ("[[apps]]\ngroup_by = 'type'", "[[apps]]\ngroup_by = 'message'");
    assert_eq!(rules(a).stamp(), rules(a).stamp());
    assert_ne!(rules(a).stamp(), rules(b).stamp());
}

#[test]
fn what_cannot_be_meant_is_said() {
    let long = "x".repeat(300);
    for (text, says) in [
        ("[[rules]]\nfingerprint = ['x']", "holds for every report"),
        ("[[rules]]\nwhen.type = '**'\nfingerprint = ['x']", "holds for every report"),
        ("[[rules]]\nwhen.type = 'E'", "has no fingerprint"),
        ("[[rules]]\nwhen.type = 'E'\nfingerprint = ['']", "is empty"),
        ("[[rules]]\nwhen.type = 'E'\nfingerprint = ['{{ user }}']", "{{ user }} is none of"),
        ("[[rules]]\nwhen.type = 'E'\nfingerprint = ['a {{ default }}']", "{{ default }} is none of"),
        (
            "[[rules]]\nwhen.type = 'E'\nfingerprint = ['a']\n[[rules]]\napp = 'a'\nwhen.type = 'E'\nwhen.frame = 'f'\nfingerprint = ['b']",
            "2: can never decide, rule 1",
        ),
        ("[[rules]]\nwhen.message = 'a\\nb'\nfingerprint = ['x']", ""),
        ("[[apps]]\napp = 'a'\n[[apps]]\napp = 'a'", "there are two"),
        ("[[apps]]\nin_app = ['com.shop.*']", "has a star"),
        ("[[apps]]\nirrelevant = ['*']", "leaves no frame"),
        ("[[apps]]\nin_app = [' a']", "blanks at its ends"),
        (&format!("[[apps]]\nin_app = ['{long}']"), "longer than 256"),
    ] {
        let wrong = Rules::new(&grouping(text)).err().unwrap_or_default().join("\n");
        assert!(wrong.contains(says) && (wrong.is_empty() == says.is_empty()), "{text}: {wrong}");
    }
    for text in ["[[rules]]\nwhen.tpe = 'E'\nfingerprint = ['a']", "[[apps]]\ngroup_by = 'frame'", "[[rule]]"] {
        assert!(toml::from_str::<Grouping>(text).is_err(), "{text}");
    }
}
