//! The rules of all projects, compiled.

use super::glob::Glob;
use super::{AppGrouping, GroupBy, GroupingConfig, ServerRule};
use crate::fingerprint::{self, Evidence, Hash64, NamedFrame, Part, Policy};
use crate::frames::classify::Class;
use schemas::grouping::PartKind;
use std::collections::{BTreeSet, HashMap};

const MAX_APPS: usize = 1_000;
const MAX_RULES: usize = 1_000;
const MAX_PATTERNS: usize = 200;
const MAX_VALUES: usize = 8;
const MAX_TEXT_BYTES: usize = 256;
/// Bytes of a message, and frames of a stack, that patterns look at.
const MAX_MESSAGE_BYTES: usize = 4_096;
const MAX_FRAMES: usize = 256;
/// Frames that count for `group_by = "frames"`.
const ALL_FRAMES: usize = 64;

/// The compiled rules of all projects. The default has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    apps: HashMap<String, App>,
    rules: Vec<Rule>,
    stamp: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct App {
    in_app: Vec<String>,
    irrelevant: Vec<Glob>,
    group_by: GroupBy,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    name: String,
    app: String,
    exception: Option<Glob>,
    message: Option<Glob>,
    frame: Option<Glob>,
    fingerprint: Vec<String>,
}

/// The parts of a fingerprint, and what decided them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub parts: Vec<Part>,
    /// Texts that a rule or the client set, in order, `{{ default }}` among them.
    pub own: Vec<String>,
    /// What decided: the name of a rule, `client`, `group_by …`, or the kinds of the parts.
    pub basis: String,
}

impl Rules {
    /// Compiles what is configured.
    ///
    /// # Errors
    /// All mistakes, one a line.
    pub fn new(grouping: &GroupingConfig) -> Result<Self, Vec<String>> {
        let mut wrong = Vec::new();
        check(grouping, &mut wrong);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let globs = |patterns: &[String]| patterns.iter().map(|pattern| Glob::new(pattern)).collect();
        let app = |app: &AppGrouping| {
            let compiled = App { in_app: app.in_app.clone(), irrelevant: globs(&app.irrelevant), group_by: app.group_by };
            (app.app.clone(), compiled)
        };
        Ok(Self {
            apps: grouping.apps.iter().map(app).collect(),
            rules: grouping.rules.iter().enumerate().map(|(place, rule)| Rule::new(place, rule)).collect(),
            stamp: stamp(grouping),
        })
    }

    /// A number of the rules: equal for equal rules, 0 where there are none.
    #[must_use]
    pub fn stamp(&self) -> u32 {
        self.stamp
    }

    /// Removes frames that the project ignores, and marks those that it calls its own.
    pub fn sort(&self, app_id: &str, frames: &mut Vec<NamedFrame<'_>>) {
        let Some(app) = self.app(app_id) else { return };
        frames.retain(|frame| !app.irrelevant.iter().any(|pattern| pattern.fits(frame.name)));
        for frame in frames.iter_mut().filter(|frame| frame.class != Class::Skip) {
            if app.in_app.iter().any(|beginning| frame.name.starts_with(beginning.as_str())) {
                frame.class = Class::App;
            }
        }
    }

    /// Decides the fingerprint by a rule, the client, the app's `group_by`, or the default. `message` is the message as it was sent.
    #[must_use]
    pub fn decide(&self, app_id: &str, message: &str, client: &[String], evidence: &Evidence<'_>, policy: Policy) -> Decision {
        let usual = self.without_rules(app_id, client, evidence, policy);
        let fits = |rule: &&Rule| rule.fits(app_id, message, evidence);
        let Some(rule) = self.rules.iter().find(fits) else { return usual };
        let top = fingerprint::top(evidence, policy);
        let value = |wanted: &str| match wanted {
            "type" => Some(evidence.exception),
            "message" => Some(evidence.message),
            "frame" => Some(top.first().map_or("", |frame| frame.name)),
            _ => None,
        };
        let own: Vec<String> = rule.fingerprint.iter().map(|text| filled(text, value)).collect();
        let parts = fingerprint::compose(PartKind::Rule, &own, usual.parts);
        Decision { parts, own, basis: format!("rule {}", rule.name) }
    }

    fn without_rules(&self, app_id: &str, client: &[String], evidence: &Evidence<'_>, policy: Policy) -> Decision {
        let set = self.app(app_id).and_then(|app| by_setting(app.group_by, evidence).map(|parts| (parts, app.group_by)));
        let (default, basis) = match set {
            Some((parts, group_by)) => (parts, format!("group_by {}", name(group_by))),
            None => {
                let parts = fingerprint::decide(evidence, policy);
                let basis = kinds(&parts);
                (parts, basis)
            }
        };
        let parts = fingerprint::of_client(client, default);
        let basis = if parts.iter().any(|part| part.kind == PartKind::Client) { "client".to_owned() } else { basis };
        Decision { parts, own: client.to_vec(), basis }
    }

    fn app(&self, app_id: &str) -> Option<&App> {
        if self.apps.is_empty() {
            return None;
        }
        self.apps.get(app_id).or_else(|| self.apps.get(""))
    }
}

impl Rule {
    fn new(place: usize, rule: &ServerRule) -> Self {
        let glob = |pattern: &str| (!pattern.is_empty()).then(|| Glob::new(pattern));
        Self {
            name: if rule.name.is_empty() { (place + 1).to_string() } else { rule.name.clone() },
            app: rule.app.clone(),
            exception: glob(&rule.when.exception),
            message: glob(&rule.when.message),
            frame: glob(&rule.when.frame),
            fingerprint: rule.fingerprint.clone(),
        }
    }

    fn fits(&self, app_id: &str, message: &str, evidence: &Evidence<'_>) -> bool {
        let fits = |glob: &Option<Glob>, text: &str| glob.as_ref().is_none_or(|glob| glob.fits(text));
        let frames = || evidence.frames.iter().take(MAX_FRAMES);
        (self.app.is_empty() || self.app == app_id)
            && fits(&self.exception, evidence.exception)
            && fits(&self.message, crate::frames::location::head(message, MAX_MESSAGE_BYTES))
            && self.frame.as_ref().is_none_or(|glob| frames().any(|frame| glob.fits(frame.name)))
    }
}

fn by_setting(group_by: GroupBy, evidence: &Evidence<'_>) -> Option<Vec<Part>> {
    let mut parts = vec![Part::new(PartKind::Kind, evidence.kind.name())];
    if !evidence.exception.is_empty() {
        parts.push(Part::new(PartKind::Type, evidence.exception));
    }
    let named = parts.len();
    let frames = |most: usize| {
        let policy = Policy { fault_frames: most, thrown_frames: most, poor_frames: most, ..Policy::default() };
        fingerprint::top(evidence, policy).into_iter().map(|frame| Part::new(PartKind::Frame, frame.name))
    };
    match group_by {
        GroupBy::Default => return None,
        GroupBy::Type => return (named > 1).then_some(parts),
        GroupBy::Message if evidence.message.is_empty() => {}
        GroupBy::Message => parts.push(Part::new(PartKind::Message, evidence.message)),
        GroupBy::TopFrame => parts.extend(frames(1)),
        GroupBy::Frames => parts.extend(frames(ALL_FRAMES)),
    }
    (parts.len() > named).then_some(parts)
}

/// A text with its variables replaced, except `{{ default }}`, which composition replaces.
fn filled<'a>(text: &str, value: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, behind)) = after.split_once("}}") else { break };
        out.push_str(before);
        match value(name.trim()) {
            Some(value) => out.push_str(value),
            None => out.push_str(&format!("{{{{{name}}}}}")),
        }
        rest = behind;
    }
    out + rest
}

/// The kinds of the parts, without repetitions.
fn kinds(parts: &[Part]) -> String {
    let mut kinds: Vec<&str> = parts.iter().map(|part| part.kind).filter(|kind| *kind != PartKind::Kind).map(PartKind::name).collect();
    kinds.dedup();
    if kinds.is_empty() { "kind".to_owned() } else { kinds.join(", ") }
}

fn name(group_by: GroupBy) -> &'static str {
    match group_by {
        GroupBy::Default => "default",
        GroupBy::Type => "type",
        GroupBy::Message => "message",
        GroupBy::TopFrame => "top_frame",
        GroupBy::Frames => "frames",
    }
}

fn stamp(grouping: &GroupingConfig) -> u32 {
    if *grouping == GroupingConfig::default() {
        return 0;
    }
    let mut hash = Hash64::default();
    // Text in, text out: it cannot fail.
    hash.add(&serde_json::to_string(grouping).unwrap_or_default());
    ((hash.value() >> 32) as u32).max(1)
}

fn check(grouping: &GroupingConfig, wrong: &mut Vec<String>) {
    let mut require = |holds: bool, otherwise: String| {
        if !holds {
            wrong.push(otherwise);
        }
    };
    require(grouping.apps.len() <= MAX_APPS, format!("[[processor.grouping.apps]]: more than {MAX_APPS}"));
    require(grouping.rules.len() <= MAX_RULES, format!("[[processor.grouping.rules]]: more than {MAX_RULES}"));
    let mut named = BTreeSet::new();
    for app in &grouping.apps {
        let whose = if app.app.is_empty() { "every app".to_owned() } else { format!("app {}", app.app) };
        let place = format!("[[processor.grouping.apps]] of {whose}");
        require(named.insert(&app.app), format!("{place}: there are two"));
        for (key, list) in [("in_app", &app.in_app), ("irrelevant", &app.irrelevant)] {
            require(list.len() <= MAX_PATTERNS, format!("{place}: {key} has more than {MAX_PATTERNS} entries"));
            list.iter().for_each(|text| require(sound(text), format!("{place}: {key} {} {UNSOUND}", shown(text))));
        }
        for text in app.in_app.iter().filter(|text| text.contains('*')) {
            require(false, format!("{place}: in_app {} has a star: it is a beginning, and matches none", shown(text)));
        }
        for text in app.irrelevant.iter().filter(|text| text.chars().all(|letter| letter == '*')) {
            require(false, format!("{place}: irrelevant {} leaves no frame", shown(text)));
        }
    }
    rules(&grouping.rules, &mut require);
}

fn rules(rules: &[ServerRule], require: &mut impl FnMut(bool, String)) {
    for (at, rule) in rules.iter().enumerate() {
        let place = format!(
            "[[processor.grouping.rules]] {}{}",
            at + 1,
            if rule.name.is_empty() { String::new() } else { format!(" ({})", rule.name) }
        );
        let given = rule.when.patterns().into_iter().filter(|(_, pattern)| !pattern.is_empty());
        let telling = given.clone().any(|(_, pattern)| pattern.chars().any(|letter| letter != '*'));
        require(telling, format!("{place}: its `when` holds for every report; `group_by` of an app is for that"));
        for (key, pattern) in given {
            require(sound(pattern), format!("{place}: when.{key} {} {UNSOUND}", shown(pattern)));
        }
        let values = &rule.fingerprint;
        require(!values.is_empty(), format!("{place}: has no fingerprint"));
        require(values.len() <= MAX_VALUES, format!("{place}: its fingerprint has more than {MAX_VALUES} values"));
        for value in values {
            require(sound(value), format!("{place}: fingerprint {} {UNSOUND}", shown(value)));
            if let Some(name) = unknown(value) {
                require(false, format!("{place}: {{{{ {name} }}}} is none of default (alone), type, message, frame"));
            }
        }
        if let Some(before) = rules[..at].iter().position(|before| covers(before, rule)) {
            require(false, format!("{place}: can never decide, rule {} comes first and fits whatever it fits", before + 1));
        }
    }
}

const UNSOUND: &str = "is empty, longer than 256 bytes or has control characters or blanks at its ends";

fn sound(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_TEXT_BYTES && text.trim() == text && !text.chars().any(char::is_control)
}

fn shown(text: &str) -> String {
    format!("{:?}", crate::frames::location::head(text, 60))
}

/// A variable that does not exist, or a `default` that is not alone in its text.
fn unknown(value: &str) -> Option<String> {
    let alone = fingerprint::is_default(value);
    let names = value.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap_or(rest).trim());
    names.filter(|name| !alone && !["type", "message", "frame"].contains(name)).map(str::to_owned).next()
}

/// Whether `before` fits every report that `after` fits, as far as equal patterns show.
fn covers(before: &ServerRule, after: &ServerRule) -> bool {
    let mut pairs = before.when.patterns().into_iter().zip(after.when.patterns());
    (before.app.is_empty() || before.app == after.app) && pairs.all(|((_, a), (_, b))| a.is_empty() || a == b)
}
