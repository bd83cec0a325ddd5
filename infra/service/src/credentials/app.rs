//! A tenant's application: its keys, its limits, and the web origins whose pages may send for it.

use super::exposed;
use crate::config::{Secret, Size};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// Stands for every web origin in [`App::allowed_origins`].
pub const ANY_ORIGIN: &str = "*";

/// A tenant's application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// The app's id, `appId` of the OpenAPI: 1 to 64 letters, digits, `-` or `_`.
    pub id: String,
    /// The number that Sentry's client libraries name in `{project}`; each app has one of its own. Without it they cannot send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentry_project: Option<u64>,
    /// A name for people.
    #[serde(default)]
    pub name: String,
    /// The app key, 8 to 128 visible ASCII characters: `app_key`, `X-App-Key` and `sentry_key` of the protocols. It is in every client, so it is
    /// public. A key belongs to one app; clients with a key that was replaced are answered 401.
    #[serde(serialize_with = "exposed")]
    pub key: Secret<String>,
    /// Whether reports of protocols that name no app belong to this one. At most one app is the default.
    #[serde(default)]
    pub default: bool,
    /// Secrets of the device channel (`docs/device-channel.md`). All of them open reports, the first seals replies. For `aes-256-gcm` each is
    /// the Base64 of 32 bytes.
    #[serde(default, serialize_with = "all_exposed", skip_serializing_if = "Vec::is_empty")]
    pub device_secrets: Vec<Secret<String>>,
    /// Cipher of the device channel: `aes-256-gcm`, or `aes-256-cbc`, which existing devices use and which has no integrity.
    #[serde(default)]
    pub device_cipher: Cipher,
    /// Whether plain reports are refused, in every dialect. Connections have no sealed form and pass.
    #[serde(default)]
    pub device_required: bool,
    /// Reports of one device per minute, at each address for itself; where a dialect names no device, of an address (IPv6: its /64).
    /// 0 = no limit; absent = the limit of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports_per_minute: Option<u32>,
    /// Reports from one address per minute, whatever devices they name; starts are limited apart from reports, by their count. 0 = no limit;
    /// absent = the limit of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_reports_per_minute: Option<u32>,
    /// Bytes of reports and connections from one address per minute, such as `"64MiB"`. 0 = no limit; absent = the limit of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_bytes_per_minute: Option<Size>,
    /// Reports and connections of the whole app per minute; starts count by their number. 0 = no limit; absent = the limit of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_reports_per_minute: Option<u32>,
    /// Bytes of reports and connections of the whole app per minute. 0 = no limit; absent = the limit of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_bytes_per_minute: Option<Size>,
    /// Reports and connections of the whole app per UTC day, counted by each edge since its start. What the log did not take is given back.
    /// 0 = no limit; absent = the limit of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_reports_per_day: Option<u32>,
    /// Web origins whose pages may send: `https://shop.example`, `https://*.shop.example` (its subdomains), `null` (pages
    /// without an origin) or `*`, every page. An empty list allows no page. Requests without a header `Origin` are not concerned.
    #[serde(default = "any_origin", skip_serializing_if = "is_any_origin")]
    pub allowed_origins: Vec<String>,
}

/// How the device channel is sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Cipher {
    /// With integrity.
    #[default]
    #[serde(rename = "aes-256-gcm")]
    Aes256Gcm,
    /// What existing devices use; without integrity.
    #[serde(rename = "aes-256-cbc")]
    Aes256Cbc,
}

impl App {
    /// Whether pages of a web origin, as browsers name it in `Origin`, may send.
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.allowed_origins.iter().any(|allowed| covers(allowed, origin))
    }
}

impl Default for App {
    /// An entry of the file with no keys set. Id and key are missing: every app needs its own.
    fn default() -> Self {
        Self {
            id: String::new(),
            sentry_project: None,
            name: String::new(),
            key: Secret::default(),
            default: false,
            device_secrets: Vec::new(),
            device_cipher: Cipher::default(),
            device_required: false,
            reports_per_minute: None,
            address_reports_per_minute: None,
            address_bytes_per_minute: None,
            app_reports_per_minute: None,
            app_bytes_per_minute: None,
            app_reports_per_day: None,
            allowed_origins: any_origin(),
        }
    }
}

fn covers(allowed: &str, origin: &str) -> bool {
    let Some((scheme, domain)) = allowed.split_once("://*.") else {
        return allowed == ANY_ORIGIN || allowed.eq_ignore_ascii_case(origin);
    };
    let Some((of_scheme, host)) = origin.split_once("://") else { return false };
    let below = host.len().checked_sub(domain.len()).and_then(|at| host.split_at_checked(at));
    let is_below = |(name, rest): (&str, &str)| name.len() > 1 && name.ends_with('.') && rest.eq_ignore_ascii_case(domain);
    of_scheme.eq_ignore_ascii_case(scheme) && below.is_some_and(is_below)
}

fn any_origin() -> Vec<String> {
    vec![ANY_ORIGIN.to_owned()]
}

fn is_any_origin(origins: &[String]) -> bool {
    origins == [ANY_ORIGIN]
}

fn all_exposed<S: Serializer>(secrets: &[Secret<String>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(secrets.iter().map(Secret::expose))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_whole_or_a_subdomain() {
        let app = |origins: &[&str]| App { allowed_origins: origins.iter().map(|&origin| origin.to_owned()).collect(), ..App::default() };
        let shop = app(&["https://shop.example", "https://*.shop.example", "http://localhost:3000"]);
        for origin in
            ["https://shop.example", "HTTPS://Shop.Example", "https://a.shop.example", "https://a.b.shop.example", "http://localhost:3000"]
        {
            assert!(shop.allows_origin(origin), "{origin}");
        }
        for origin in [
            "http://shop.example",
            "https://evilshop.example",
            "https://.shop.example",
            "https://shop.example.evil",
            "https://a.shop.example:8443",
            "http://a.shop.example",
            "http://localhost",
            "https://店.example",
            "null",
            "*",
            "",
        ] {
            assert!(!shop.allows_origin(origin), "{origin}");
        }
        assert!(App::default().allows_origin("https://anywhere.example") && App::default().allows_origin("null"));
        assert!(app(&["null"]).allows_origin("null") && !app(&[]).allows_origin("null"));
    }
}
