//! The releases that are offered, folded from the topic `releases`. Only the order of the records of one key matters.
//!
//! Only genuine records count; the caller says which records are genuine. Of one release the record that was published last counts, so a recorded
//! record that is appended again changes nothing. For this reason withdrawn releases stay here, without their texts.

use crate::record::{self, Release};
use crate::version::{self, Version};
use std::collections::BTreeMap;

/// The most bytes that all releases may have together, because edges and query services keep them in memory. Further releases are refused.
pub const MOST_BYTES: usize = 64 << 20;
/// Bytes that a release takes in memory besides its texts.
const OVERHEAD: usize = 512;

/// The releases by app, platform and version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    apps: BTreeMap<String, BTreeMap<String, BTreeMap<Version, Release>>>,
    bytes: usize,
    refused: u64,
}

/// Why a record was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The record is not a release.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// The version cannot be read.
    #[error("the version: {0}")]
    Version(#[from] version::Error),
    /// There is no room for the release.
    #[error("{MOST_BYTES} bytes of releases are the most that is kept")]
    Full,
}

impl Catalogue {
    /// Folds one record of the topic. A record that is not genuine is counted and changes nothing: a forged withdrawal does not end an update. A
    /// tombstone (an empty payload) cannot be signed, so it changes nothing either.
    ///
    /// # Errors
    /// The record was refused and changed nothing.
    pub fn take(&mut self, payload: &[u8], is_genuine: impl Fn(&Release) -> bool) -> Result<(), Error> {
        let release = match payload {
            [] => None,
            payload => Some(record::decode(payload)?).filter(is_genuine),
        };
        match release {
            Some(release) => self.apply(release),
            None => {
                self.refused += 1;
                Ok(())
            }
        }
    }

    /// How many records were not genuine.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Publishes a release, replaces it or withdraws it. A record that is older than the known one changes nothing.
    ///
    /// # Errors
    /// The version cannot be read, or there is no room.
    pub fn apply(&mut self, release: Release) -> Result<(), Error> {
        let version = Version::parse(&release.version)?;
        if self.published_at(&release.app_id, &release.platform, &version).is_some_and(|known| known > release.published_at) {
            return Ok(());
        }
        if !release.withdrawn && !self.has_room(&release) {
            return Err(Error::Full);
        }
        self.remove(&release.app_id, &release.platform, &version);
        self.bytes += size(&release);
        let platforms = self.apps.entry(release.app_id.clone()).or_default();
        platforms.entry(release.platform.clone()).or_default().insert(version, release);
        Ok(())
    }

    /// Whether there is room for the release.
    #[must_use]
    pub fn has_room(&self, release: &Release) -> bool {
        self.bytes + size(release) <= MOST_BYTES
    }

    /// The release of a version. Versions that are equal in order are the same, however they are spelled.
    #[must_use]
    pub fn find(&self, app_id: &str, platform: &str, version: &Version) -> Option<&Release> {
        self.held(app_id, platform, version).filter(|release| !release.withdrawn)
    }

    /// When a version was last published or withdrawn. A record that replaces it must be later.
    #[must_use]
    pub fn published_at(&self, app_id: &str, platform: &str, version: &Version) -> Option<i64> {
        self.held(app_id, platform, version).map(|release| release.published_at)
    }

    fn held(&self, app_id: &str, platform: &str, version: &Version) -> Option<&Release> {
        self.apps.get(app_id)?.get(platform)?.get(version)
    }

    /// An app's releases: platforms in the order of their names, versions newest first.
    pub fn of_app<'a>(&'a self, app_id: &str) -> impl Iterator<Item = &'a Release> + use<'a> {
        let platforms = self.apps.get(app_id).into_iter().flat_map(BTreeMap::values);
        platforms.flat_map(|versions| versions.values().rev()).filter(|release| !release.withdrawn)
    }

    /// An app's releases on a platform above a version, newest first.
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
            move |versions| versions.range((Excluded(version.clone()), Unbounded)).rev().filter(|(_, release)| !release.withdrawn)
        })
    }

    fn remove(&mut self, app_id: &str, platform: &str, version: &Version) {
        let versions = self.apps.get_mut(app_id).and_then(|platforms| platforms.get_mut(platform));
        if let Some(release) = versions.and_then(|versions| versions.remove(version)) {
            self.bytes -= size(&release);
        }
    }
}

fn size(release: &Release) -> usize {
    let Release { app_id, platform, version, download_url, release_notes, mac, .. } = release;
    OVERHEAD + [app_id, platform, version, download_url, release_notes, mac].iter().map(|text| text.len()).sum::<usize>()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
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
            mac: String::new(),
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
        catalogue.take(&record::encode(&again).unwrap(), |_| true).unwrap();
        assert_eq!(versions(&catalogue, "a"), ["linux 1.2", "windows 1.10", "windows v1.0.0"]);
        let one = Version::parse("1").unwrap();
        assert!(catalogue.find("a", "windows", &one).is_some_and(|found| found.force_update));
        let above: Vec<String> = catalogue.above("a", "windows", &one).map(|(version, _)| version.to_string()).collect();
        assert_eq!(above, ["1.10.0"]);
        catalogue.apply(again.end(2)).unwrap();
        assert_eq!(versions(&catalogue, "a"), ["linux 1.2", "windows 1.10"]);
        catalogue.apply(release("a", "windows", "v1").end(3)).unwrap();
        assert_eq!(catalogue.published_at("a", "windows", &one), Some(3));
        assert!(
            catalogue.find("a", "windows", &one).is_none() && catalogue.above("a", "windows", &Version::parse("0.1").unwrap()).count() == 1
        );
    }

    #[test]
    fn an_older_record_of_a_release_changes_nothing() {
        let mut catalogue = Catalogue::default();
        let at = |published_at, url: &str| Release { published_at, download_url: url.to_owned(), ..release("a", "b", "1") };
        catalogue.apply(at(5, "five")).unwrap();
        catalogue.apply(at(4, "four")).unwrap();
        catalogue.apply(at(1, "one").end(4)).unwrap();
        assert_eq!(catalogue.of_app("a").map(|release| release.download_url.as_str()).collect::<Vec<_>>(), ["five"]);
        catalogue.apply(at(5, "five").end(6)).unwrap();
        catalogue.apply(at(5, "five")).unwrap();
        assert_eq!(catalogue.of_app("a").count(), 0, "what was withdrawn does not come back by its old record");
        catalogue.apply(at(7, "seven")).unwrap();
        assert_eq!(catalogue.of_app("a").count(), 1);
    }

    #[test]
    fn what_is_not_genuine_is_counted_and_changes_nothing() {
        let mut catalogue = Catalogue::default();
        let genuine = |release: &Release| release.mac == "good";
        let signed = |release: Release| record::encode(&Release { mac: "good".to_owned(), ..release }).unwrap();
        catalogue.take(&signed(release("a", "b", "1")), genuine).unwrap();
        let before = versions(&catalogue, "a");
        for payload in
            [record::encode(&release("a", "b", "2")).unwrap(), record::encode(&release("a", "b", "1").end(9)).unwrap(), Vec::new()]
        {
            catalogue.take(&payload, genuine).unwrap();
        }
        assert_eq!((versions(&catalogue, "a"), catalogue.refused()), (before, 3));
        catalogue.take(&signed(release("a", "b", "1").end(9)), genuine).unwrap();
        assert_eq!(versions(&catalogue, "a"), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_release_changes_nothing() {
        let mut catalogue = Catalogue::default();
        for payload in [&b"{}"[..], b"\xc3\x01", &[0xff; 40]] {
            assert!(catalogue.take(payload, |_| true).is_err());
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
                catalogue.apply(if end { release.end(1) } else { release }).unwrap();
            }
            let held = catalogue.apps.values().flat_map(BTreeMap::values).flat_map(BTreeMap::values);
            prop_assert_eq!(catalogue.bytes, held.map(size).sum::<usize>());
        }
    }
}
