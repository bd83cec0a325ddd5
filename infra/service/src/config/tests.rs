//! What a configuration reader owes its reader: the value, or the place and what was expected.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use serde::Deserialize;
use std::io::Write;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Whole {
    credentials: String,
    processor: Processor,
    kafka: Kafka,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Processor {
    slice: Slice,
    workers: u32,
    proxies: Vec<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Slice {
    linger: Span,
    bytes: Size,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Kafka {
    password: Secret<String>,
    properties: BTreeMap<String, String>,
}

impl Default for Slice {
    fn default() -> Self {
        Slice { linger: Span::seconds(1), bytes: Size::mib(16) }
    }
}

fn load_text(text: &str, variables: &[(&str, &str)]) -> Result<Whole, Error> {
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    load_path(Some(file.path()), variables)
}

fn load_path(file: Option<&Path>, variables: &[(&str, &str)]) -> Result<Whole, Error> {
    let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    load(file, owned.collect::<Vec<_>>().into_iter())
}

fn message(text: &str, variables: &[(&str, &str)]) -> String {
    load_text(text, variables).expect_err("an error").to_string()
}

#[test]
fn nothing_given_is_the_defaults() {
    assert_eq!(load_path(None, &[("PATH", "/bin")]).unwrap(), Whole::default());
}

#[test]
fn environment_wins_over_file_and_file_over_default() {
    let file = "[processor]\nworkers = 3\n[processor.slice]\nlinger = \"5s\"\nbytes = 4096\n";
    let loaded = load_text(file, &[("AFTERSHOCK__PROCESSOR__SLICE__LINGER", "2s"), ("AFTERSHOCK_PROCESSOR__WORKERS", "9")]);
    let processor = loaded.unwrap().processor;
    assert_eq!(processor.workers, 3);
    assert_eq!(processor.slice, Slice { linger: Span::seconds(2), bytes: Size::kib(4) });
}

#[test]
fn environment_values_take_the_shape_their_key_wants() {
    let whole = load_path(
        None,
        &[
            ("AFTERSHOCK__KAFKA__PASSWORD", "012345"),
            ("AFTERSHOCK__KAFKA__PROPERTIES__LINGER", "5"),
            ("AFTERSHOCK__PROCESSOR__WORKERS", "7"),
            ("AFTERSHOCK__PROCESSOR__PROXIES", r#"["10.0.0.0/8", "::1/128"]"#),
            ("AFTERSHOCK__CREDENTIALS", "密钥/credentials.toml\n[kafka]"),
        ],
    )
    .unwrap();
    assert_eq!(whole.kafka.password.expose(), "012345");
    assert_eq!(whole.kafka.properties["linger"], "5");
    assert_eq!(whole.processor.workers, 7);
    assert_eq!(whole.processor.proxies, ["10.0.0.0/8", "::1/128"]);
    assert_eq!(whole.credentials, "密钥/credentials.toml\n[kafka]");
}

#[test]
fn an_unknown_key_is_named_with_its_place() {
    let text = message("[processor.slice]\nlingr = \"5s\"\n", &[]);
    assert!(text.contains(".toml: processor.slice.lingr: unknown field `lingr`, expected"), "{text}");
    let text = message("", &[("AFTERSHOCK__PROCESSOR__SLICE__LINGR", "5s")]);
    assert!(text.contains("AFTERSHOCK__PROCESSOR__SLICE__LINGR"), "{text}");
    assert!(text.contains("unknown field `lingr`"), "{text}");
    assert!(message("wrong = 1", &[]).contains("unknown field `wrong`"));
}

#[test]
fn a_wrong_value_says_what_was_expected() {
    let text = message("[processor.slice]\nlinger = 5\n", &[]);
    assert!(text.contains("processor.slice.linger: expected a length of time"), "{text}");
    let text = message("[processor]\nworkers = \"many\"\n", &[]);
    assert!(text.contains("processor.workers") && text.contains("expected u32"), "{text}");
    let text = message("", &[("AFTERSHOCK__PROCESSOR__WORKERS", "many")]);
    assert!(text.contains("variable AFTERSHOCK__PROCESSOR__WORKERS: processor.workers"), "{text}");
}

#[test]
fn a_broken_file_is_named() {
    let text = message("[processor\n", &[]);
    assert!(text.contains(".toml is not valid TOML") && text.contains("line 1"), "{text}");
    let missing = load_path(Some(Path::new("no/such/file.toml")), &[]).expect_err("an error");
    assert!(missing.to_string().contains("no/such/file.toml"), "{missing}");
}

#[test]
fn no_error_shows_a_secret() {
    const KEY: &str = "1234567890123456";
    for file in [
        format!("[kafka]\npassword = {KEY}\n"),
        format!("[kafka]\npassword = [\"{KEY}\"]\n"),
        format!("[kafka]\npassword = x{KEY}\n"),
        format!("[kafka]\npassword = \"{KEY}\n"),
        format!("[kafka]\nproperties = \"{KEY}, expected a map\"\n"),
        format!("[kafka]\nproperties = {{ 'sasl.password' = {KEY} }}\n"),
        format!("kafka = \"{KEY}\"\n"),
    ] {
        let text = message(&file, &[]);
        assert!(!text.contains(KEY) && (text.contains("kafka") || text.contains("line 2")), "{text}");
    }
    for variable in ["AFTERSHOCK__KAFKA__PROPERTIES", "AFTERSHOCK__KAFKA"] {
        let text = message("", &[(variable, KEY)]);
        assert!(!text.contains(KEY) && text.contains(variable), "{text}");
    }
}

#[test]
fn a_variable_must_name_a_key() {
    assert!(message("", &[("AFTERSHOCK__", "1")]).contains("AFTERSHOCK__"));
    assert!(message("", &[("AFTERSHOCK__A____B", "1")]).contains("empty part"));
    let text = message("credentials = \"x\"", &[("AFTERSHOCK__CREDENTIALS__FILE", "y")]);
    assert!(text.contains("`credentials` is a value"), "{text}");
}
