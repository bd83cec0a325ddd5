//! A release, as administrators name one and as they publish one.

use super::{Block, Context, Flag, Integer, Text};
use crate::error::{Error, invalid};
use schemars::JsonSchema;
use schemas::record::Release;
use schemas::version::Version;
use serde::Deserialize;

/// Longest notes, in characters of any script.
const NOTES_LIMIT: usize = 20_000;
/// Longest address, in bytes.
const URL_LIMIT: usize = 2_048;
/// Longest name of a platform, in characters.
const PLATFORM_LIMIT: usize = 64;

/// How a [`NewRelease`] is spelled.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "NewRelease")]
pub struct NewReleaseFields {
    /// Id of the app, as in the credentials.
    app_id: Text,
    /// Platform: windows, linux, darwin or any other name, in any case.
    platform: Text,
    /// Version: one to four numbers, then perhaps a pre-release, as in 1.0, v1.2.3, 1.2.3.4, 1.2.0-beta.1.
    version: Text,
    /// Address of the download, http or https.
    download_url: Text,
    /// What is new in it; empty where absent.
    release_notes: Option<Text>,
    /// Whether callers with a lower version must install this one or one above it; false where absent.
    force_update: Option<Flag>,
    /// Share of the devices that it is offered to, 0 to 100; 100 where absent.
    rollout_percent: Option<Integer>,
}

/// How a [`ReleaseKey`] is spelled.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "ReleaseKey")]
pub struct ReleaseKeyFields {
    /// Id of the app, as in the credentials.
    app_id: Text,
    /// Platform of the release, in any case.
    platform: Text,
    /// Version of the release, however it is spelled: 1.0 is v1.0.0.
    version: Text,
}

/// A release that is to be published.
#[derive(Debug, Clone)]
pub struct NewRelease(pub Release);

/// A release that is published.
#[derive(Debug, Clone)]
pub struct ReleaseKey {
    pub app_id: String,
    pub platform: String,
    pub version: Version,
}

impl Block for ReleaseKey {
    type Fields = ReleaseKeyFields;

    fn check(fields: ReleaseKeyFields, _: &Context<'_>) -> Result<Self, Error> {
        let version = version(&fields.version)?;
        Ok(Self { app_id: fields.app_id.0, platform: platform(&fields.platform)?, version })
    }
}

impl Block for NewRelease {
    type Fields = NewReleaseFields;

    fn check(fields: NewReleaseFields, context: &Context<'_>) -> Result<Self, Error> {
        let release_notes = fields.release_notes.unwrap_or_default().0;
        if release_notes.chars().count() > NOTES_LIMIT {
            return Err(invalid("release_notes", format!("expected at most {NOTES_LIMIT} characters")));
        }
        version(&fields.version)?;
        let percent = fields.rollout_percent.unwrap_or(Integer(100)).0;
        let rollout_percent = i32::try_from(percent).ok().filter(|percent| (0..=100).contains(percent));
        Ok(Self(Release {
            app_id: fields.app_id.0,
            platform: platform(&fields.platform)?,
            version: fields.version.0,
            withdrawn: false,
            download_url: url(fields.download_url.0)?,
            release_notes,
            force_update: fields.force_update.unwrap_or_default().0,
            rollout_percent: rollout_percent.ok_or_else(|| invalid("rollout_percent", "expected 0 to 100"))?,
            published_at: context.now,
            mac: String::new(),
        }))
    }
}

/// A version as clients are compared by.
///
/// # Errors
/// It is not a version.
fn version(text: &str) -> Result<Version, Error> {
    Version::parse(text).map_err(|error| invalid("version", error.to_string()))
}

/// A platform in lower case, as clients are compared by.
///
/// # Errors
/// It is too long, or not a name.
fn platform(text: &str) -> Result<String, Error> {
    let name = text.trim().to_lowercase();
    let is_name = (1..=PLATFORM_LIMIT).contains(&name.chars().count()) && !name.contains(|c: char| c == '|' || c.is_control());
    match is_name {
        true => Ok(name),
        false => Err(invalid("platform", format!("expected a name such as windows, at most {PLATFORM_LIMIT} characters, no |"))),
    }
}

fn url(text: String) -> Result<String, Error> {
    if text.len() > URL_LIMIT {
        return Err(invalid("download_url", format!("expected at most {URL_LIMIT} bytes")));
    }
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let is_web = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let is_one = is_web && !host.is_empty() && !host.starts_with(':') && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    match is_one {
        true => Ok(text),
        false => Err(invalid("download_url", "expected an address that begins with http:// or https://")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn checked(changes: Value) -> Result<Release, String> {
        let mut body = json!({"app_id": "a", "platform": "Windows", "version": "v1.2", "download_url": "https://example.com/a.exe"});
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        crate::param::tests::checked::<NewRelease>(body).map(|NewRelease(release)| release)
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let release = checked(json!({})).unwrap();
        assert_eq!((release.platform.as_str(), release.version.as_str()), ("windows", "v1.2"));
        assert_eq!((release.force_update, release.rollout_percent, release.published_at), (false, 100, crate::param::tests::NOW));
        let spelled = checked(json!({"force_update": "true", "rollout_percent": "30", "release_notes": "修复"})).unwrap();
        assert_eq!((spelled.force_update, spelled.rollout_percent, spelled.release_notes.as_str()), (true, 30, "修复"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (changes, message) in [
            (json!({"version": "latest"}), "version: expected one to four numbers"),
            (json!({"version": "1.2.3.4.5"}), "version: it has more than four"),
            (json!({"platform": "a|b"}), "platform: expected"),
            (json!({"platform": "平".repeat(65)}), "platform: expected"),
            (json!({"rollout_percent": 101}), "rollout_percent: expected 0 to 100"),
            (json!({"rollout_percent": -1}), "rollout_percent: expected 0 to 100"),
            (json!({"release_notes": "注".repeat(20_001)}), "release_notes: expected at most 20000 characters"),
            (json!({"download_url": format!("https://a/{}", "x".repeat(2_048))}), "download_url: expected at most 2048 bytes"),
        ] {
            let error = checked(changes.clone()).unwrap_err();
            assert!(error.starts_with(message), "{changes}: {error}");
        }
        assert!(checked(json!({"release_notes": "注".repeat(20_000), "platform": "平".repeat(64)})).is_ok());
    }

    #[test]
    fn an_address_is_one_of_the_web() {
        for good in ["http://a", "HTTPS://example.com:8443/下载/安装包.exe?v=1#x", "https://u:p@[::1]/a"] {
            assert!(checked(json!({"download_url": good})).is_ok(), "{good}");
        }
        for bad in [
            "ftp://a/b",
            "example.com/a",
            "https://",
            "https:///a",
            "http://:80/",
            "javascript:alert(1)",
            "http://a b/",
            "http://a/\u{0}",
            "file:///etc/passwd",
            "https://u@/",
        ] {
            assert!(checked(json!({"download_url": bad})).is_err(), "{bad}");
        }
    }
}
