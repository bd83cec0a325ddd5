//! Credentials as users write them, right and wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use std::os::unix::fs::PermissionsExt;

const WHOLE: &str = r#"
[[apps]]
id = "a1b2c3d4e5"
sentry_project = 1
name = "演示"
key = "534a235d30f13cac"
default = true
device_secrets = ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
[[apps]]
id = "second"
key = "0123456789abcdef"
device_secrets = ["any text", "the old one"]
device_cipher = "aes-256-cbc"
device_required = true
reports_per_minute = 5
app_reports_per_minute = 0
app_reports_per_day = 1000
allowed_origins = ["https://*.shop.example"]
[[users]]
id = "10001"
key = "bec5b56d-7ae7-43f7-8763-51580aed5fa2"
name = "Analyst"
apps = ["a1b2c3d4e5"]
[[users]]
id = "10002"
key = "cec5b56d-7ae7-43f7-8763-51580aed5fa2"
apps = ["*"]
[[admins]]
token = "0123456789abcdef0123456789abcdef"
[[admins]]
token = "abcdef0123456789abcdef0123456789"
apps = ["second"]
"#;

fn load(text: &str) -> Result<Credentials, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.toml");
    std::fs::write(&path, text).unwrap();
    Credentials::load(&path)
}

/// The error of the whole document with `from` replaced by `to`.
fn error_with(from: &str, to: &str) -> String {
    assert!(WHOLE.contains(from), "{from}");
    let message = load(&WHOLE.replacen(from, to, 1)).expect_err(to).to_string();
    assert!(message.contains("credentials.toml: "), "{message}");
    message
}

#[test]
fn a_whole_document_answers_every_question() {
    let credentials = load(WHOLE).unwrap();
    let app = credentials.app_by_key("534a235d30f13cac").unwrap();
    assert_eq!((app.id.as_str(), app.name.as_str()), ("a1b2c3d4e5", "演示"));
    assert_eq!(credentials.default_app(), Some(app));
    assert_eq!(credentials.app_by_sentry_project(1), Some(app));
    assert_eq!(credentials.app_by_id("a1b2c3d4e5"), Some(app));
    assert_eq!(app.device_cipher, Cipher::Aes256Gcm);
    let second = credentials.app_by_id("second").unwrap();
    assert_eq!(second.device_cipher, Cipher::Aes256Cbc);
    assert!(second.device_required && !second.default && second.sentry_project.is_none());
    assert_eq!((second.reports_per_minute, second.app_reports_per_minute, second.app_reports_per_day), (Some(5), Some(0), Some(1000)));
    assert!(app.allows_origin("https://any.example") && second.allows_origin("https://a.shop.example"));
    assert!(!second.allows_origin("https://any.example") && credentials.allows_origin("https://any.example"));
    assert!(credentials.app_by_key("534a235d30f13cad").is_none());
    assert!(credentials.app_by_sentry_project(2).is_none());
    let (one, all) = (credentials.user("10001").unwrap(), credentials.user("10002").unwrap());
    assert!(one.may_see("a1b2c3d4e5") && !one.may_see("second") && all.may_see("second"));
    assert!(credentials.user("10003").is_none());
    let (first, all) = credentials.admin("0123456789abcdef0123456789abcdef").unwrap();
    let (other, one) = credentials.admin("abcdef0123456789abcdef0123456789").unwrap();
    assert_eq!((first, other), (0, 1));
    assert!(all.may_see("second") && all.may_see("a1b2c3d4e5") && one.may_see("second") && !one.may_see("a1b2c3d4e5"));
    assert!(credentials.admin("0123456789abcdef0123456789abcdee").is_none() && credentials.admin("").is_none());
}

#[test]
fn wrong_entries_are_named_and_keys_not_shown() {
    for (from, to, expected) in [
        ("\"second\"", "\"a1b2c3d4e5\"", "apps[1].id: `a1b2c3d4e5` is the same"),
        ("0123456789abcdef\"", "534a235d30f13cac\"", "apps[1].key is the same"),
        ("key = \"534a235d30f13cac\"", "key = \"短的\"", "apps[0].key: expected 8 to 128"),
        ("key = \"534a235d30f13cac\"", "key = \"has a blank\"", "apps[0].key: expected"),
        ("a1b2c3d4e5", "a/b", "apps[0].id: expected 1 to 64"),
        ("aes-256-cbc", "rot13", "aes-256-gcm"),
        ("device_required = true", "default = true", "only one app can be the default"),
        ("device_secrets = [\"any text\", \"the old one\"]", "", "has no device_secrets"),
        ("AAAAAAAAAAAA", "AAAA", "apps[0].device_secrets[0]: aes-256-gcm expects"),
        ("id = \"second\"", "id = \"second\"\nsentry_project = 1", "apps[1].sentry_project: 1"),
        ("10002", "10001", "users[1].id: `10001`"),
        ("[\"a1b2c3d4e5\"]", "[\"gone\"]", "users[0].apps: there is no app `gone`"),
        ("[\"second\"]", "[\"gone\"]", "admins[1].apps: there is no app `gone`"),
        ("token = \"0123456789abcdef0123456789abcdef\"", "token = \"short\"", "admins[0].token"),
        ("default = true", "defualt = true", "unknown field `defualt`"),
        ("[[admins]]", "[[operators]]", "unknown field `operators`"),
        ("\nreports_per_minute = 5", "\nreports_per_minute = -5", "line 15: apps[1].reports_per_minute: invalid value, expected u32"),
        ("[\"https://*.shop.example\"]", "[\"*\", \"shop.example\"]", "apps[1].allowed_origins[1]: expected"),
        ("[\"https://*.shop.example\"]", "[\"https://shop.example/\"]", "apps[1].allowed_origins[0]: expected"),
        ("[\"https://*.shop.example\"]", "[\"https://*\"]", "apps[1].allowed_origins[0]: expected"),
        ("[\"https://*.shop.example\"]", "[\"https://a.example:443\"]", "leave the scheme's own port out"),
    ] {
        let message = error_with(from, to);
        assert!(message.contains(expected), "{message}");
        assert!(!message.contains("534a235d") && !message.contains("bec5b56d"), "{message}");
    }
}

#[test]
fn a_malformed_file_says_the_line_and_not_its_content() {
    let message = error_with("key = \"534a235d30f13cac\"", "key = \"534a235d30f13cac");
    assert!(message.contains("line 6") && !message.contains("534a"), "{message}");
}

#[test]
fn a_key_without_quotes_is_not_shown() {
    const KEY: &str = "1234567890123456";
    for (from, to, expected) in [
        ("key = \"534a235d30f13cac\"", "key = 1234567890123456", "line 6: apps[0].key: expected a text in quotes"),
        ("key = \"534a235d30f13cac\"", "key = [\"1234567890123456\"]", "line 6: apps[0].key: expected a text in quotes"),
        ("key = \"534a235d30f13cac\"", "key = 1234567890123456x", "line 6: "),
        ("[\"any text\", \"the old one\"]", "\"1234567890123456\"", "apps[1].device_secrets: invalid type, expected a sequence"),
        ("[\"any text\", \"the old one\"]", "[1234567890123456]", "apps[1].device_secrets[0]: expected a text in quotes"),
        ("aes-256-cbc", "1234567890123456", "apps[1].device_cipher: unknown variant, expected `aes-256-gcm` or `aes-256-cbc`"),
        ("[\"a1b2c3d4e5\"]", "1234567890123456", "users[0].apps: invalid type, expected a sequence"),
        ("token = \"0123456789abcdef0123456789abcdef\"", "token = 1234567890123456", "admins[0].token: expected a text in quotes"),
    ] {
        let message = error_with(from, to);
        assert!(message.contains(expected) && !message.contains(KEY), "{message}");
    }
}

#[test]
fn a_file_that_others_can_read_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.toml");
    std::fs::write(&path, WHOLE).unwrap();
    for (mode, noticed) in [(0o600, None), (0o400, None), (0o640, Some(0o640)), (0o604, Some(0o604)), (0o644, Some(0o644))] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(exposure(&path), noticed, "{mode:o}");
        assert!(Credentials::load(&path).is_ok(), "an installation that worked goes on");
    }
}

#[test]
fn generated_credentials_are_random_and_survive_their_file() {
    let generated = Credentials::generate().unwrap();
    assert_ne!(generated, Credentials::generate().unwrap());
    assert_eq!(generated.apps[0].key.expose().len(), 16);
    assert_eq!(generated.users[0].key.expose().len(), 36);
    assert!(generated.users[0].may_see(&generated.apps[0].id));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.toml");
    generated.create(&path).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(Credentials::load(&path).unwrap(), generated);
    assert!(generated.create(&path).is_err(), "an existing file is never overwritten");
}

#[test]
fn debug_text_shows_no_key() {
    let credentials = load(WHOLE).unwrap();
    let shown = format!("{:?} {:?}", credentials.apps, credentials.users);
    assert!(!shown.contains("534a235d") && !shown.contains("bec5b56d"), "{shown}");
    assert!(!format!("{credentials:?}").contains("534a235d"));
}

#[test]
fn a_reload_replaces_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.toml");
    std::fs::write(&path, WHOLE).unwrap();
    let keyring = Keyring::open(&path).unwrap();
    let (other, before) = (keyring.clone(), keyring.current());
    std::fs::write(&path, WHOLE.replace("10002", "10077")).unwrap();
    keyring.reload().unwrap();
    assert!(other.current().user("10077").is_some() && before.user("10002").is_some());
    std::fs::write(&path, "[[apps]]\n").unwrap();
    assert!(keyring.reload().is_err());
    assert!(keyring.current().user("10077").is_some());
}

#[test]
fn a_release_key_vouches_for_what_it_signed() {
    let key = "k".repeat(32);
    let credentials = Credentials::default().signing(key.as_str().into()).unwrap();
    let read: Credentials = toml::from_str(&credentials.to_toml()).unwrap();
    assert_eq!(read, credentials);
    let mac = read.release_mac("发布".as_bytes()).unwrap();
    assert!(read.vouches_for("发布".as_bytes(), &mac));
    assert!(!read.vouches_for("发布 ".as_bytes(), &mac) && !read.vouches_for("发布".as_bytes(), ""));
    let other = Credentials::default().signing("o".repeat(32).into()).unwrap();
    assert!(!other.vouches_for("发布".as_bytes(), &mac));
    assert_eq!(Credentials::default().release_mac(b""), None);
    assert!(!Credentials::default().vouches_for(b"", ""), "without a key nothing is vouched for");
    let short: Result<Credentials, _> = toml::from_str("release_key = 'short'");
    assert!(short.unwrap_err().message().contains("release_key: expected 32"));
    assert!(Credentials::generate().unwrap().release_key.is_some() && !format!("{credentials:?}").contains(&key));
}
