//! The releases that are offered: the topic `releases`, folded. The order in which keys come does not matter, only that of each key.

use crate::record::{self, Release};
use crate::version::{self, Version};
use std::collections::BTreeMap;

/// Bytes of all releases together, above which no further one is taken: what the services that keep them in memory stand.
pub const MOST_BYTES: usize = 64 << 20;
/// What a release costs besides its texts.
const OVERHEAD: usize = 512;

/// By app, platform and version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    apps: BTreeMap<String, BTreeMap<String, BTreeMap<Version, Release>>>,
    bytes: usize,
}

/// Why a record changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no release.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// Its version is none.
    #[error("the version: {0}")]
    Version(#[from] version::Error),
    /// A tombstone whose key is not `app|platform|version`.
    #[error("a tombstone of no release")]
    Key,
    /// There is no room for it.
    #[error("{MOST_BYTES} bytes of releases are the most that is kept")]
    Full,
}

impl Catalogue {
    /// Takes one record of the topic. An empty payload is a tombstone: nothing writes those, but the log has them and hands may.
    ///
    /// # Errors
    /// It changed nothing.
    pub fn take(&mut self, key: &[u8], payload: &[u8]) -> Result<(), Error> {
        if payload.is_empty() {
            return self.forget(key);
        }
        self.apply(record::decode(payload)?)
    }

    /// A release is published, published anew or withdrawn.
    ///
    /// # Errors
    /// Its version is none, or there is no room for it.
    pub fn apply(&mut self, release: Release) -> Result<(), Error> {
        let version = Version::parse(&release.version)?;
        if release.withdrawn {
            self.remove(&release.app_id, &release.platform, &version);
            return Ok(());
        }
        if !self.has_room(&release) {
            return Err(Error::Full);
        }
        self.remove(&release.app_id, &release.platform, &version);
        self.bytes += size(&release);
        let platforms = self.apps.entry(release.app_id.clone()).or_default();
        platforms.entry(release.platform.clone()).or_default().insert(version, release);
        Ok(())
    }

    /// Whether a release may be published besides what there is.
    #[must_use]
    pub fn has_room(&self, release: &Release) -> bool {
        self.bytes + size(release) <= MOST_BYTES
    }

    /// The release of a version, however either is spelled.
    #[must_use]
    pub fn find(&self, app_id: &str, platform: &str, version: &Version) -> Option<&Release> {
        self.apps.get(app_id)?.get(platform)?.get(version)
    }

    /// An app's releases: platforms in the order of their names, versions newest first.
    pub fn of_app<'a>(&'a self, app_id: &str) -> impl Iterator<Item = &'a Release> + use<'a> {
        let platforms = self.apps.get(app_id).into_iter().flat_map(BTreeMap::values);
        platforms.flat_map(|versions| versions.values().rev())
    }

    /// Those above a version, newest first.
    pub fn above<'a>(
        &'a self,
        app_id: &str,
        platform: &str,
        version: &Version,
    ) -> impl Iterator<Item = (&'a Version, &'a Release)> + use<'a> {
        use std::ops::Bound::{Excluded, Unbounded};
        let versions = self.apps.get(app_id).and_then(|platforms| platforms.get(platform));
        versions.into_iter().flat_map({
            let version = version.clone();
            move |versions| versions.range((Excluded(version.clone()), Unbounded)).rev()
        })
    }

    fn forget(&mut self, key: &[u8]) -> Result<(), Error> {
        let key = std::str::from_utf8(key).map_err(|_| Error::Key)?;
        let mut parts = key.rsplitn(3, '|');
        let (Some(version), Some(platform), Some(app_id)) = (parts.next(), parts.next(), parts.next()) else { return Err(Error::Key) };
        self.remove(app_id, platform, &Version::parse(version)?);
        Ok(())
    }

    fn remove(&mut self, app_id: &str, platform: &str, version: &Version) {
        let Some(platforms) = self.apps.get_mut(app_id) else { return };
        let Some(versions) = platforms.get_mut(platform) else { return };
        if let Some(release) = versions.remove(version) {
            self.bytes -= size(&release);
        }
        if versions.is_empty() {
            platforms.remove(platform);
        }
        if platforms.is_empty() {
            self.apps.remove(app_id);
        }
    }
}

fn size(release: &Release) -> usize {
    let Release { app_id, platform, version, download_url, release_notes, .. } = release;
    OVERHEAD + [app_id, platform, version, download_url, release_notes].iter().map(|text| text.len()).sum::<usize>()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::record::Record;
    use proptest::prelude::*;

    fn release(app_id: &str, platform: &str, version: &str) -> Release {
        Release {
            app_id: app_id.to_owned(),
            platform: platform.to_owned(),
            version: version.to_owned(),
            withdrawn: false,
            download_url: format!("https://example.com/{version}"),
            release_notes: "说明".to_owned(),
            force_update: false,
            rollout_percent: 100,
            published_at: 1,
        }
    }

    fn versions(catalogue: &Catalogue, app_id: &str) -> Vec<String> {
        catalogue.of_app(app_id).map(|release| format!("{} {}", release.platform, release.version)).collect()
    }

    #[test]
    fn the_newest_record_of_a_key_holds() {
        let mut catalogue = Catalogue::default();
        for release in
            [release("a", "windows", "1.0"), release("a", "windows", "1.10"), release("a", "linux", "1.2"), release("b", "linux", "9")]
        {
            catalogue.apply(release).unwrap();
        }
        let again = Release { force_update: true, ..release("a", "windows", "v1.0.0") };
        catalogue.take(&again.key(), &record::encode(&again).unwrap()).unwrap();
        assert_eq!(versions(&catalogue, "a"), ["linux 1.2", "windows 1.10", "windows v1.0.0"]);
        let one = Version::parse("1").unwrap();
        assert!(catalogue.find("a", "windows", &one).is_some_and(|found| found.force_update));
        let above: Vec<String> = catalogue.above("a", "windows", &one).map(|(version, _)| version.to_string()).collect();
        assert_eq!(above, ["1.10.0"]);
        catalogue.apply(again.end(2)).unwrap();
        catalogue.take(b"a|windows|1.10.0", b"").unwrap();
        assert_eq!(versions(&catalogue, "a"), ["linux 1.2"]);
        catalogue.apply(release("a", "linux", "1.2").end(2)).unwrap();
        catalogue.apply(release("b", "linux", "9").end(2)).unwrap();
        assert_eq!(catalogue, Catalogue::default(), "nothing is left behind");
    }

    #[test]
    fn what_is_no_release_changes_nothing() {
        let mut catalogue = Catalogue::default();
        for (key, payload) in [(&b"a|b|1"[..], &b"{}"[..]), (b"no key", b""), (b"a|b|latest", b""), (b"\xff|b|1", b"")] {
            assert!(catalogue.take(key, payload).is_err());
        }
        assert!(catalogue.apply(release("a", "b", "latest")).is_err());
        assert_eq!(catalogue, Catalogue::default());
    }

    #[test]
    fn memory_is_bounded() {
        let mut catalogue = Catalogue::default();
        let large = |version: usize| Release { release_notes: "长".repeat(1 << 20), ..release("a", "b", &version.to_string()) };
        let taken = (0..100).filter(|version| catalogue.apply(large(*version)).is_ok()).count();
        assert_eq!(taken, MOST_BYTES / size(&large(0)));
        assert!(matches!(catalogue.apply(large(100)), Err(Error::Full)));
        catalogue.apply(large(0).end(2)).unwrap();
        assert!(catalogue.apply(large(100)).is_ok(), "room again");
    }

    proptest! {
        #[test]
        fn the_sum_of_bytes_is_that_of_what_is_there(steps in prop::collection::vec((0_u8..3, 0_u8..5, any::<bool>()), 0..60)) {
            let mut catalogue = Catalogue::default();
            for (platform, version, end) in steps {
                let release = release("a", &format!("p{platform}"), &version.to_string());
                catalogue.apply(if end { release.end(2) } else { release }).unwrap();
            }
            prop_assert_eq!(catalogue.bytes, catalogue.of_app("a").map(size).sum::<usize>());
        }
    }
}
