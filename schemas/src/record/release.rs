//! `release`: a version of an app that clients may be told to install.

use super::{Codec, Record};
use crate::version::Version;
use serde::{Deserialize, Serialize};

/// One release, or its end. Times are Unix milliseconds. Field by field: `avro/release.1.avsc`.
///
/// The topic is compacted: the newest record of a key holds. A release ends by a record that says so and not by a tombstone, which the
/// log forgets after a day: a reader that was away longer would go on offering what was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    pub app_id: String,
    /// Lower case; never with a `|`.
    pub platform: String,
    /// As published.
    pub version: String,
    #[serde(default)]
    pub withdrawn: bool,
    #[serde(default)]
    pub download_url: String,
    #[serde(default)]
    pub release_notes: String,
    #[serde(default)]
    pub force_update: bool,
    /// 0 to 100.
    #[serde(default = "everyone")]
    pub rollout_percent: i32,
    pub published_at: i64,
}

fn everyone() -> i32 {
    100
}

impl Release {
    /// The end of a release.
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
        }
    }
}

impl Record for Release {
    const TOPIC: &'static str = "releases";
    const SCHEMAS: &'static [&'static str] = &[include_str!("../../avro/release.1.avsc")];

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
