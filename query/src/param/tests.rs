#![allow(clippy::unwrap_used)]
use super::*;
use crate::config::Config;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

/// 2023-12-08 13:45 in +08:00.
pub const NOW: i64 = 1_702_014_300_000;
/// Midnight of that day.
pub const TODAY: i64 = 1_701_964_800;

/// A block of these fields, checked at [`NOW`] with the default settings.
pub fn checked<B: Block>(fields: Value) -> Result<B, String> {
    let fields = serde_json::from_value(fields).map_err(|error| error.to_string())?;
    B::check(fields, &Context { settings: &Settings::from(&Config::default()), now: NOW }).map_err(|error| error.to_string())
}

/// Blocks of these fields.
pub fn checked_all<P: super::Parameters>(fields: Value) -> Result<P, String> {
    let context = Context { settings: &Settings::from(&Config::default()), now: NOW };
    P::read(&given(&fields.to_string()), &context).map_err(|error| error.to_string())
}

/// The parameters of a body.
pub fn given(body: &str) -> RequestParameters {
    of("", "", body)
}

fn of(tail: &str, query: &str, body: &str) -> RequestParameters {
    RequestParameters::of(tail, query, body.as_bytes()).unwrap()
}

fn target(parameters: &RequestParameters) -> Result<Target, String> {
    let settings = Settings::from(&Config::default());
    <Target as super::Parameters>::read(parameters, &Context { settings: &settings, now: NOW }).map_err(|error| error.to_string())
}

#[test]
fn all_three_styles_say_the_same() {
    let expected = Target { app: "a1".to_owned(), platform: 10 };
    for (tail, query, body) in [
        ("", "", r#"{"appId":"a1","platformId":10}"#),
        ("", "", r#"{"appId":"a1","platformId":"10"}"#),
        ("", "appId=a1&platformId=10", ""),
        ("/appId/a1/platformId/10", "fsn=x", ""),
        ("/appId/a1/platformId/10/", "", "  "),
        ("/platformId/10", "", r#"{"appId":"a1","platformId":1}"#),
        ("/platformId/platformId", "", r#"{"appId":"a1","pid":"10"}"#),
        ("/platformId/10/signature", "appId=a1", ""),
        ("", "appId%09=a1&pid=10", ""),
    ] {
        assert_eq!(target(&of(tail, query, body)), Ok(expected.clone()), "{tail} {query} {body}");
    }
}

#[test]
fn what_comes_first_holds_and_nothing_is_nothing() {
    let parameters = of("/a/1", "a=2&b=3&c=&e=%E4%B8%AD", r#"{"a":4,"b":5,"c":6,"d":null}"#);
    assert_eq!(Value::Object(parameters.0), json!({"a": "1", "b": "3", "e": "中", "c": 6}));
}

#[test]
fn values_are_decoded_after_the_path_is_cut() {
    let parameters = of("/version/1%2F2/name/%E4%BD%A0%E5%A5%BD", "", "");
    assert_eq!(parameters.text("version").as_deref(), Some("1/2"));
    assert_eq!(parameters.text("name").as_deref(), Some("你好"));
}

#[test]
fn a_bad_parameter_is_named() {
    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[allow(dead_code)]
    struct Wanted {
        start_date: Text,
        vm: Option<Integer>,
    }
    let error = of("", "", r#"{"vm":"many","startDate":"x"}"#).read::<Wanted>().unwrap_err();
    assert_eq!(error, Rejection::parameter("vm", "expected a whole number"));
    let error = of("", "", r#"{"startDate":""}"#).read::<Wanted>().unwrap_err();
    assert_eq!(error, Rejection::parameter("startDate", "missing"));
    assert_eq!(target(&of("", "appId=a", "")).unwrap_err(), "platformId: missing");
    assert_eq!(target(&of("", "platformId=1", "")).unwrap_err(), "appId: missing");
    assert_eq!(target(&of("", "appId=a&platformId=3", "")).unwrap_err(), "platformId: expected 1, 2 or 10");
}

#[test]
fn a_body_must_be_an_object() {
    for body in ["[]", "{", "1", "{\"a\":True}", "\u{feff}"] {
        assert!(matches!(RequestParameters::of("", "", body.as_bytes()), Err(Rejection::Unreadable(_))), "{body}");
    }
    assert!(matches!(RequestParameters::of("", "", &[0xff, 0xfe]), Err(Rejection::Unreadable(_))));
}

#[test]
fn counts_stay_within_their_bounds() {
    let count = |asked| count("rows", asked, 10, 100);
    assert_eq!(count(None).unwrap(), 10);
    assert_eq!(count(Some(Integer(0))).unwrap(), 10);
    assert_eq!(count(Some(Integer(7))).unwrap(), 7);
    assert_eq!(count(Some(Integer(i64::MAX))).unwrap(), 100);
    assert!(count(Some(Integer(-1))).is_err());
}

proptest! {
    #[test]
    fn path_query_and_body_say_the_same(pairs in proptest::collection::btree_map("[a-zA-Z]{1,8}", "[a-z0-9.*中文 +%/&=]{1,8}", 0..5)) {
        let pairs: Vec<_> = pairs.into_iter().filter(|(name, value)| !value.trim().is_empty() && name != value).collect();
        let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let tail: String = pairs.iter().map(|(name, value)| format!("/{name}/{}", escape(value))).collect();
        let query: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
        let object: Map<String, Value> = pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let expected = RequestParameters(object.clone());
        prop_assert_eq!(&of(&tail, "", ""), &expected);
        prop_assert_eq!(&of("", &query.join("&"), ""), &expected);
        prop_assert_eq!(&of("", "", &Value::Object(object).to_string()), &expected);
    }

    #[test]
    fn no_request_breaks_the_reader(tail in ".{0,40}", query in ".{0,40}", body in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(parameters) = RequestParameters::of(&tail, &query, &body) {
            let _ = target(&parameters);
        }
    }
}
