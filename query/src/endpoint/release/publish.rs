//! `POST /v1/admin/releases`: a version that clients are told to install.

use crate::app_key::{Refusal, Reply};
use crate::authenticate::Gate;
use crate::error::{Error, invalid};
use crate::param::{Flag, Integer, Parameters, Text};
use crate::releases::{Published, Releases};
use chrono::Utc;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use schemas::record::Release;
use schemas::version::Version;
use serde::Deserialize;
use service::http::{Endpoint, Json, Method, Request, Response};

/// Longest notes, in characters of any script.
const NOTES_LIMIT: usize = 20_000;
/// Longest address, in bytes.
const URL_LIMIT: usize = 2_048;
/// Longest name of a platform, in characters.
const PLATFORM_LIMIT: usize = 64;

/// Publishes.
pub struct ReleasePublish {
    pub gate: Gate,
    pub releases: Releases,
}

/// The request, not yet read.
pub struct Wish(Request);

/// What is published.
#[derive(Debug, Deserialize, JsonSchema)]
struct Wanted {
    /// Id of the app.
    app_id: Text,
    /// windows, linux, darwin or any other, in any case.
    platform: Text,
    /// One to four numbers, then perhaps a pre-release: 1.0, v1.2.3, 1.2.3.4, 1.2.0-beta.1.
    version: Text,
    /// http or https.
    download_url: Text,
    /// What is new; empty where absent.
    release_notes: Option<Text>,
    /// Whether callers with a lower version must install this one or one above it; false where absent.
    force_update: Option<Flag>,
    /// Share of the devices that it is offered to, 0 to 100; 100 where absent.
    rollout_percent: Option<Integer>,
}

impl service::http::Input for Wish {
    fn from_request(request: Request) -> Result<Self, Response> {
        Ok(Self(request))
    }

    fn schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<Wanted>())
    }
}

impl Endpoint for ReleasePublish {
    const METHODS: &'static [Method] = &[Method::POST];
    const PATH: &'static str = "/v1/admin/releases";
    const SUMMARY: &'static str = "Publish a release, or publish it anew (Bearer)";
    const TAG: &'static str = "admin";
    const BODY_LIMIT: usize = 256 << 10;
    type Input = Wish;
    type Output = Json<Reply<Published>>;
    type Error = Refusal;

    async fn call(&self, Wish(request): Wish) -> Result<Json<Reply<Published>>, Refusal> {
        let operator = self.gate.admin(&request)?;
        let wanted: Wanted = Parameters::gather(&request, Self::PATH)?.read()?;
        let release = wanted.checked(Utc::now().timestamp_millis())?;
        operator.permit(&release.app_id)?;
        self.gate.known(&release.app_id)?;
        Ok(Json(Reply::ok(self.releases.publish(release).await?)))
    }
}

impl Wanted {
    fn checked(self, now: i64) -> Result<Release, Error> {
        let release_notes = self.release_notes.unwrap_or_default().0;
        if release_notes.chars().count() > NOTES_LIMIT {
            return Err(invalid("release_notes", format!("expected at most {NOTES_LIMIT} characters")));
        }
        version(&self.version)?;
        let percent = self.rollout_percent.unwrap_or(Integer(100)).0;
        let rollout_percent = i32::try_from(percent).ok().filter(|percent| (0..=100).contains(percent));
        Ok(Release {
            app_id: self.app_id.0,
            platform: platform(&self.platform)?,
            version: self.version.0,
            withdrawn: false,
            download_url: url(self.download_url.0)?,
            release_notes,
            force_update: self.force_update.unwrap_or_default().0,
            rollout_percent: rollout_percent.ok_or_else(|| invalid("rollout_percent", "expected 0 to 100"))?,
            published_at: now,
            mac: String::new(),
        })
    }
}

/// A version as clients are compared by.
///
/// # Errors
/// It is none.
pub fn version(text: &str) -> Result<Version, Error> {
    Version::parse(text).map_err(|error| invalid("version", error.to_string()))
}

/// A platform in lower case, as clients are compared by.
///
/// # Errors
/// Too long, or no name.
pub fn platform(text: &str) -> Result<String, Error> {
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
        let wanted: Wanted = serde_json::from_value(body).map_err(|error| error.to_string())?;
        wanted.checked(5).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let release = checked(json!({})).unwrap();
        assert_eq!((release.platform.as_str(), release.version.as_str()), ("windows", "v1.2"));
        assert_eq!((release.force_update, release.rollout_percent, release.published_at), (false, 100, 5));
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
