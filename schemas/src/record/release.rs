//! `release`: a version of an app that clients may be told to install.

use super::{Codec, Record};
use crate::version::Version;
use serde::{Deserialize, Serialize};

/// One release, or its withdrawal. Times are Unix milliseconds. The fields are described in `avro/release.2.avsc`.
///
/// The topic is compacted: the log keeps the newest record of a key. A release is withdrawn by a record and not by a tombstone, because the log
/// forgets tombstones after a day: a reader that was away for longer would go on offering the release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    pub app_id: String,
    /// Name of the platform in lower case, without `|`.
    pub platform: String,
    /// The version as it was published.
    pub version: String,
    #[serde(default)]
    pub withdrawn: bool,
    #[serde(default)]
    pub download_url: String,
    #[serde(default)]
    pub release_notes: String,
    #[serde(default)]
    pub force_update: bool,
    /// Share of the devices that are told of the release, 0 to 100.
    #[serde(default = "everyone")]
    pub rollout_percent: i32,
    pub published_at: i64,
    /// MAC of [`Release::covered`], in hexadecimal; empty where the record is not signed.
    #[serde(default)]
    pub mac: String,
}

fn everyone() -> i32 {
    100
}

impl Release {
    /// The record that withdraws this release.
    #[must_use]
    pub fn end(self, now: i64) -> Self {
        let Self { app_id, platform, version, .. } = self;
        Self {
            app_id,
            platform,
            version,
            withdrawn: true,
            download_url: String::new(),
            release_notes: String::new(),
            force_update: false,
            rollout_percent: 0,
            published_at: now,
            mac: String::new(),
        }
    }

    /// The bytes that the MAC covers: every other field, each text after its length, so that no part of one field can be moved into another.
    #[must_use]
    pub fn covered(&self) -> Vec<u8> {
        let Self { app_id, platform, version, withdrawn, download_url, release_notes, force_update, rollout_percent, published_at, mac: _ } =
            self;
        let mut bytes = b"aftershock release 1\n".to_vec();
        for text in [app_id, platform, version, download_url, release_notes] {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes.extend_from_slice(&[u8::from(*withdrawn), u8::from(*force_update)]);
        bytes.extend_from_slice(&rollout_percent.to_be_bytes());
        bytes.extend_from_slice(&published_at.to_be_bytes());
        bytes
    }
}

impl Record for Release {
    const TOPIC: &'static str = "releases";
    const SCHEMAS: &'static [&'static str] = &[include_str!("../../avro/release.1.avsc"), include_str!("../../avro/release.2.avsc")];

    /// `app|platform|version`: `1.0`, `v1.0.0` and `1.0.0.0` are the same release. Versions and platforms hold no `|`, so no two
    /// releases share a key.
    fn key(&self) -> Vec<u8> {
        let version = Version::parse(&self.version).map_or_else(|_| self.version.clone(), |version| version.to_string());
        format!("{}|{}|{version}", self.app_id, self.platform).into_bytes()
    }

    fn codec() -> &'static Codec {
        static CODEC: Codec = Codec::new();
        &CODEC
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release() -> Release {
        Release {
            app_id: "a".to_owned(),
            platform: "windows".to_owned(),
            version: "1.0".to_owned(),
            withdrawn: false,
            download_url: "https://example.com/安装包".to_owned(),
            release_notes: String::new(),
            force_update: false,
            rollout_percent: 100,
            published_at: 1,
            mac: String::new(),
        }
    }

    #[test]
    fn every_field_and_every_border_is_covered() {
        let all = [
            release(),
            Release { app_id: "b".to_owned(), ..release() },
            Release { platform: "linux".to_owned(), ..release() },
            Release { version: "1.1".to_owned(), ..release() },
            Release { withdrawn: true, ..release() },
            Release { download_url: "https://example.com/安装".to_owned(), release_notes: "包".to_owned(), ..release() },
            Release { release_notes: "x".to_owned(), ..release() },
            Release { force_update: true, ..release() },
            Release { rollout_percent: 99, ..release() },
            Release { published_at: 2, ..release() },
            Release { app_id: "aw".to_owned(), platform: "indows".to_owned(), ..release() },
        ];
        let covered: std::collections::HashSet<Vec<u8>> = all.iter().map(Release::covered).collect();
        assert_eq!(covered.len(), all.len());
        assert_eq!(Release { mac: "f00".to_owned(), ..release() }.covered(), release().covered(), "all but itself");
    }
}
