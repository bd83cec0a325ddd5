//! The bounds of everything that is asked: how long a text may be, how many items a list may have. Kept before anything is done with what came, so
//! that reading it takes time in proportion to 64 KiB at most. Rendered into `docs/query-bounds.md` and the OpenAPI document; a
//! parameter of any operation without a bound here fails a test.

use crate::error::Rejection;
use serde_json::Value;
use std::fmt::Write;

/// Bytes of a body; of an operation that takes long texts, its own.
pub const LONGEST_BODY: usize = 64 << 10;
/// Bytes of the key/value pairs of a path, and of a query.
pub const LONGEST_ADDRESS: usize = 32 << 10;
/// Parameters of a request, wherever they stand.
pub const MOST_PARAMETERS: usize = 64;
/// Versions by name; versions by wildcard.
pub const MOST_VERSIONS: usize = 1_000;
pub const MOST_WILDCARDS: usize = 50;

/// Longest text of each kind, in bytes.
const WORD: usize = 32;
const ID: usize = 64;
const NUMBER: usize = 32;
const TEXT: usize = 256;

/// What a parameter may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// One value of at most so many bytes.
    One(usize),
    /// At most so many items of at most so many bytes each: a text with `separator` between them, or, without one, an array, perhaps as JSON in a
    /// text.
    List { most: usize, longest: usize, separator: Option<char> },
}

const fn list(most: usize, longest: usize, separator: Option<char>) -> Bound {
    Bound::List { most, longest, separator }
}

/// By name; one name means the same in every operation.
pub const BOUNDS: &[(&str, Bound)] = &[
    ("appId", Bound::One(ID)),
    ("appVersion", Bound::One(TEXT)),
    ("app_id", Bound::One(ID)),
    ("author", Bound::One(2 * TEXT)),
    ("countryList", list(300, ID, None)),
    ("crashHash", Bound::One(ID)),
    ("date", Bound::One(WORD)),
    ("deviceId", Bound::One(2 * TEXT)),
    ("download_url", Bound::One(2_048)),
    ("end", Bound::One(NUMBER)),
    ("endDate", Bound::One(WORD)),
    ("endHour", Bound::One(WORD)),
    ("errorCode", Bound::One(TEXT)),
    ("exceptionTypeList", list(16, WORD, Some(','))),
    ("force_update", Bound::One(WORD)),
    ("id", Bound::One(NUMBER)),
    ("into", Bound::One(ID)),
    ("issueFirstUploadTimeBeginMillis", Bound::One(NUMBER)),
    ("issueFirstUploadTimeEndMillis", Bound::One(NUMBER)),
    ("issueId", Bound::One(ID)),
    ("issueUploadTimeRelativeMillis", Bound::One(NUMBER)),
    ("issues", list(100, ID, None)),
    ("keyword", Bound::One(TEXT)),
    ("level", Bound::One(NUMBER)),
    ("limit", Bound::One(NUMBER)),
    ("localUserId", Bound::One(ID)),
    ("maxDate", Bound::One(WORD)),
    ("mergeMultipleDatesWithInaccurateResult", Bound::One(WORD)),
    ("mergeMultipleVersionsWithInaccurateResult", Bound::One(WORD)),
    ("minDate", Bound::One(WORD)),
    ("needCountryDimension", Bound::One(WORD)),
    ("page", Bound::One(NUMBER)),
    ("pid", Bound::One(NUMBER)),
    ("platform", Bound::One(TEXT)),
    ("platformId", Bound::One(NUMBER)),
    // Characters are counted where it is read: 20,000 of up to four bytes.
    ("release_notes", Bound::One(80_000)),
    ("requestid", Bound::One(128)),
    ("rollout_percent", Bound::One(NUMBER)),
    ("rows", Bound::One(NUMBER)),
    ("size", Bound::One(NUMBER)),
    ("sortField", Bound::One(WORD)),
    ("sortOrder", Bound::One(WORD)),
    ("start", Bound::One(NUMBER)),
    ("startDate", Bound::One(WORD)),
    ("startHour", Bound::One(WORD)),
    ("status", list(8, WORD, Some(','))),
    ("t", Bound::One(NUMBER)),
    ("tapdBugStatus", Bound::One(WORD)),
    ("topIssueDataType", Bound::One(WORD)),
    ("type", Bound::One(WORD)),
    ("userSceneTagList", list(100, TEXT, None)),
    ("userSecret", Bound::One(TEXT)),
    ("version", list(MOST_VERSIONS, TEXT, Some(';'))),
    ("versionList", list(MOST_VERSIONS, TEXT, None)),
    ("vm", Bound::One(NUMBER)),
];

/// The bound of a parameter.
#[must_use]
pub fn of(name: &str) -> Option<Bound> {
    BOUNDS.iter().find(|(known, _)| *known == name).map(|(_, bound)| *bound)
}

/// The value, where it is within the bound of its name; a list that is JSON in a text is taken out of it. What no operation knows passes: nobody
/// looks at it.
///
/// # Errors
/// The name and its bound.
pub fn kept(name: &str, value: Value) -> Result<Value, Rejection> {
    let Some(bound) = of(name) else { return Ok(value) };
    let value = match bound {
        Bound::List { separator: None, .. } => unwrapped(value),
        Bound::List { .. } | Bound::One(_) => value,
    };
    match is_within(&value, bound) {
        true => Ok(value),
        false => Err(Rejection::parameter(name, bound.expected())),
    }
}

/// An array that stands as JSON in a text.
fn unwrapped(value: Value) -> Value {
    let array = value.as_str().filter(|text| text.trim_start().starts_with('[')).and_then(|text| serde_json::from_str(text).ok());
    array.filter(Value::is_array).unwrap_or(value)
}

/// Values of another kind than the bound's are refused where they are read.
fn is_within(value: &Value, bound: Bound) -> bool {
    match (value, bound) {
        (Value::String(text), Bound::One(longest) | Bound::List { longest, separator: None, .. }) => text.len() <= longest,
        (Value::String(text), Bound::List { most, longest, separator: Some(separator) }) => {
            text.split(separator).take(most + 1).enumerate().all(|(at, item)| at < most && item.len() <= longest)
        }
        (Value::Array(items), Bound::List { most, longest, .. }) => {
            items.len() <= most && items.iter().all(|item| item.as_str().is_none_or(|text| text.len() <= longest))
        }
        _ => true,
    }
}

impl Bound {
    /// What is expected, for people.
    #[must_use]
    pub fn expected(self) -> String {
        match self {
            Self::One(longest) => format!("expected at most {longest} bytes"),
            Self::List { most, longest, .. } => format!("expected at most {most} items of at most {longest} bytes each"),
        }
    }
}

/// Writes the bounds into an OpenAPI document, at everything that is asked. Gives the names that have none.
pub fn describe(document: &mut Value) -> Vec<String> {
    let mut unbounded = Vec::new();
    let mut bodies = Vec::new();
    let operations = document["paths"].as_object_mut().into_iter().flatten().filter_map(|(_, item)| item.as_object_mut());
    for (_, operation) in operations.flatten() {
        let asked = operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten();
        for parameter in asked.filter(|parameter| parameter["in"] == "query") {
            let name = parameter["name"].as_str().unwrap_or_default().to_owned();
            bounded(&name, &mut parameter["schema"], &mut unbounded);
        }
        bodies.extend(blocks(&operation["requestBody"]["content"]["application/json"]["schema"]));
    }
    for body in bodies {
        let properties = document.pointer_mut(&format!("/components/schemas/{body}/properties")).and_then(Value::as_object_mut);
        for (name, schema) in properties.into_iter().flatten() {
            bounded(name, schema, &mut unbounded);
        }
    }
    unbounded.sort_unstable();
    unbounded.dedup();
    unbounded
}

/// The names of the schemas that a body consists of.
#[must_use]
pub fn blocks(schema: &Value) -> Vec<String> {
    let one = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()).map(str::to_owned);
    let parts = schema["allOf"].as_array().into_iter().flatten().flat_map(blocks);
    one.into_iter().chain(parts).collect()
}

fn bounded(name: &str, schema: &mut Value, unbounded: &mut Vec<String>) {
    match of(name) {
        Some(Bound::One(longest)) => schema["maxLength"] = longest.into(),
        Some(Bound::List { most, longest, .. }) if schema["items"].is_object() => {
            schema["maxItems"] = most.into();
            schema["items"]["maxLength"] = longest.into();
            // A list may be JSON in a text.
            schema["maxLength"] = LONGEST_BODY.into();
        }
        Some(Bound::List { .. }) => schema["maxLength"] = LONGEST_BODY.into(),
        None => unbounded.push(name.to_owned()),
    }
}

/// The page of the documentation.
#[must_use]
pub fn page() -> String {
    let mut page = format!(
        "# What may be asked\n\n\
         Above a bound the answer is a business error 400 that names the parameter and the bound; a body above its bound is a 413. Bytes are those of UTF-8.\n\
         This page is rendered from `query/src/param/bounds.rs` and compared with it by a test; `maxLength` and `maxItems` of the OpenAPI document come\n\
         from there as well.\n\n\
         A request has at most {MOST_PARAMETERS} parameters, a path's key/value pairs and a query at most {} KiB each, a body {} KiB (one that publishes a\n\
         release 256 KiB). Of the versions in `version` or `versionList` at most {MOST_WILDCARDS} may be wildcards. These are matched against the versions that\n\
         the app has in the range, of which there may be 50,000 (longer than 256 bytes: no wildcard means them); all wildcards together may mean 2,000.\n\n\
         | parameter | items | bytes of each | between items |\n|---|---|---|---|\n",
        LONGEST_ADDRESS >> 10,
        LONGEST_BODY >> 10,
    );
    for (name, bound) in BOUNDS {
        let _ = match bound {
            Bound::One(longest) => writeln!(page, "| `{name}` | | {longest} | |"),
            Bound::List { most, longest, separator } => {
                let separator = separator.map_or_else(|| "JSON".to_owned(), |separator| format!("`{separator}`"));
                writeln!(page, "| `{name}` | {most} | {longest} | {separator} |")
            }
        };
    }
    page.push_str(ANSWERS);
    page
}

const ANSWERS: &str = "\n## What an answer holds\n\n\
    Lists cut long texts, at a character; `crashDoc` and `/v1/admin/log/message/error/detail` have them whole. In `crashList` a report names in\n\
    `truncated` what was cut of it.\n\n\
    | in lists | characters |\n|---|---|\n| `callStack` | 4,096 |\n| `expMessage`, `exceptionMessage`, `message` | 1,024 |\n\
    | `expName`, `exceptionName`, `keyStack`, `userAgent` | 512 |\n| ids of devices, users and sessions | 256 |\n| a version and every other text | 128 |\n\n\
    An issue lists its 100 latest versions; its counts are those of all. `/v1/admin/stats/active` lists the 10,000 versions with the most devices.\n\
    A user has so many statements at once, and so many more that wait, as `[query.limits]` of `docs/configuration.md` says. Above: 429 with\n\
    `Retry-After`; where no permit comes in time, 503 with `Retry-After`.\n";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    /// The longest value that a bound takes, in every spelling, and one that is a byte or an item too long.
    fn edges(bound: Bound) -> (Vec<Value>, Vec<Value>) {
        match bound {
            Bound::One(longest) => (vec![json!("x".repeat(longest))], vec![json!("x".repeat(longest + 1))]),
            Bound::List { most, longest, separator } => {
                let items = |most: usize, longest: usize| vec!["x".repeat(longest); most];
                let spelled = |most: usize, longest: usize| {
                    let items = items(most, longest);
                    let text = separator.map_or_else(|| json!(items).to_string(), |separator| items.join(&separator.to_string()));
                    vec![json!(items), json!(text)]
                };
                (spelled(most, longest), [spelled(most + 1, 1), spelled(1, longest + 1)].concat())
            }
        }
    }

    #[test]
    fn every_bound_is_kept_in_every_spelling_and_named_above() {
        for (name, bound) in BOUNDS {
            let (within, above) = edges(*bound);
            for value in within {
                assert!(kept(name, value).is_ok(), "{name}");
            }
            for value in above {
                let refused = kept(name, value).unwrap_err().to_string();
                assert_eq!(refused, format!("{name}: {}", bound.expected()));
            }
        }
    }

    #[test]
    fn names_are_sorted_and_there_once() {
        assert!(BOUNDS.is_sorted_by(|(a, _), (b, _)| a < b), "{BOUNDS:?}");
    }

    #[test]
    fn a_new_parameter_without_a_bound_is_told() {
        let mut document = json!({"paths": {"/x": {"post": {"parameters": [{"in": "query", "name": "appId", "schema": {}}, {"in": "query", "name": "fresh", "schema": {}}],
            "requestBody": {"content": {"application/json": {"schema": {"allOf": [{"$ref": "#/components/schemas/Body_X"}]}}}}}}},
            "components": {"schemas": {"Body_X": {"properties": {"versionList": {"items": {}}, "newList": {}}}}}});
        assert_eq!(describe(&mut document), ["fresh", "newList"]);
        assert_eq!(document["components"]["schemas"]["Body_X"]["properties"]["versionList"]["maxItems"], 1000);
        assert_eq!(document["paths"]["/x"]["post"]["parameters"][0]["schema"]["maxLength"], 64);
    }

    /// `AFTERSHOCK_RENEW_OPENAPI=1` writes the page again.
    #[test]
    fn the_page_is_what_the_code_says() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/query-bounds.md");
        if std::env::var_os("AFTERSHOCK_RENEW_OPENAPI").is_some() {
            std::fs::write(file, page()).unwrap();
        }
        assert!(
            std::fs::read_to_string(file).unwrap_or_default() == page(),
            "docs/query-bounds.md is out of date: AFTERSHOCK_RENEW_OPENAPI=1"
        );
    }
}
