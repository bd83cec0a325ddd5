//! Which release a client is told to install: a pure function, so that every edge gives the same answer for the same releases.

use schemas::catalogue::Catalogue;
use schemas::digest::rollout_place;
use schemas::record::{Record, Release};
use schemas::version::Version;

/// A client that asks for an update: what it has installed and where it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateRequest {
    /// The installed version, as sent.
    pub current_version: String,
    /// The installed version, parsed.
    pub current: Version,
    /// In lower case; empty where the client did not say.
    pub platform: String,
    /// Empty where the client did not say.
    pub machine_id: String,
}

/// A release that is newer than the installed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Update<'a> {
    /// The release.
    pub release: &'a Release,
    /// Whether it must be installed: it says so, or one between it and the installed one does, which it stands in for.
    pub force_update: bool,
}

/// The highest release above the installed one that the client may have; `None` without one, and for an unknown platform.
#[must_use]
pub fn find<'a>(catalogue: &'a Catalogue, app_id: &str, request: &UpdateRequest) -> Option<Update<'a>> {
    let reaches = |release: &Release| is_reached(release, &request.machine_id);
    let newer = catalogue.above(app_id, &request.platform, &request.current);
    let mut newer = newer.filter(|(version, _)| is_for(version, &request.current)).map(|(_, release)| release);
    let release = newer.find(|release| reaches(release))?;
    // The others lie between: the client could have had those before. The roll-out is a hash, so it is looked at last.
    Some(Update { release, force_update: release.force_update || newer.any(|skipped| skipped.force_update && reaches(skipped)) })
}

/// A pre-release is for those who have an earlier one of the same numbers: `1.2.0-beta.2` for `1.2.0-beta.1`. Everyone else gets releases.
fn is_for(version: &Version, current: &Version) -> bool {
    !version.is_pre_release() || (current.is_pre_release() && version.has_numbers_of(current))
}

/// A partial roll-out reaches a device by its place; who names no device is reached last, by the full one.
fn is_reached(release: &Release, machine_id: &str) -> bool {
    match release.rollout_percent {
        100.. => true,
        percent => !machine_id.is_empty() && i32::from(rollout_place(&release.key(), machine_id)) < percent,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn release(version: &str) -> Release {
        Release {
            app_id: "a".to_owned(),
            platform: "windows".to_owned(),
            version: version.to_owned(),
            withdrawn: false,
            download_url: format!("https://example.com/{version}"),
            release_notes: String::new(),
            force_update: false,
            rollout_percent: 100,
            published_at: 1,
            mac: String::new(),
        }
    }

    fn catalogue(releases: &[Release]) -> Catalogue {
        let mut catalogue = Catalogue::default();
        releases.iter().for_each(|release| catalogue.apply(release.clone()).unwrap());
        catalogue
    }

    fn asked(current: &str, machine_id: &str) -> UpdateRequest {
        let (current_version, current) = (current.to_owned(), Version::parse(current).unwrap());
        UpdateRequest { current_version, current, platform: "windows".to_owned(), machine_id: machine_id.to_owned() }
    }

    fn answer(releases: &[Release], current: &str, machine_id: &str) -> Option<(String, bool)> {
        let catalogue = catalogue(releases);
        find(&catalogue, "a", &asked(current, machine_id)).map(|update| (update.release.version.clone(), update.force_update))
    }

    fn offered(version: &str, force: bool) -> Option<(String, bool)> {
        Some((version.to_owned(), force))
    }

    #[test]
    fn the_highest_above_the_installed_one_is_offered() {
        let releases = [release("1.9"), release("v1.10"), release("1.2.3.4")];
        assert_eq!(answer(&releases, "1.0", ""), offered("v1.10", false));
        assert_eq!(answer(&releases, "1.9.5", ""), offered("v1.10", false));
        for none in ["1.10", "v1.10.0.0", "2.0", "1.10.0.1"] {
            assert_eq!(answer(&releases, none, ""), None, "{none}");
        }
        assert_eq!(answer(&releases[2..], "1.2.3.3", ""), offered("1.2.3.4", false));
        assert_eq!(find(&catalogue(&releases), "b", &asked("1.0", "")), None, "another app");
        let on_a_mac = UpdateRequest { platform: "darwin".to_owned(), ..asked("1.0", "") };
        assert_eq!(find(&catalogue(&releases), "a", &on_a_mac), None, "another platform");
    }

    #[test]
    fn a_forced_one_forces_those_above_it() {
        let forced = |version| Release { force_update: true, ..release(version) };
        let releases = [release("1.1"), forced("1.2"), release("1.3")];
        assert_eq!(answer(&releases, "1.0", ""), offered("1.3", true));
        assert_eq!(answer(&releases, "1.1", ""), offered("1.3", true));
        assert_eq!(answer(&releases, "1.2", ""), offered("1.3", false), "installed already");
        let nobody = Release { rollout_percent: 0, ..forced("1.2.1") };
        assert_eq!(answer(&[nobody, release("1.3")], "1.2", "m"), offered("1.3", false), "what nobody is offered forces nobody");
    }

    #[test]
    fn pre_releases_are_for_those_who_have_one() {
        let releases = [release("1.2.0-beta.1"), release("1.2.0-beta.2"), release("1.3.0-alpha")];
        assert_eq!(answer(&releases, "1.1", ""), None);
        assert_eq!(answer(&releases, "1.2.0-beta.1", ""), offered("1.2.0-beta.2", false));
        assert_eq!(answer(&releases, "1.2.0-beta.2", ""), None, "one of other numbers is another matter");
        let all = [&releases[..], &[release("1.2.0")]].concat();
        assert_eq!(answer(&all, "1.2.0-beta.1", ""), offered("1.2.0", false));
        assert_eq!(answer(&all, "1.1", ""), offered("1.2.0", false));
    }

    #[test]
    fn a_partial_roll_out_reaches_its_share() {
        let at = |percent| [release("1.1"), Release { rollout_percent: percent, ..release("1.2") }];
        let reached =
            |percent| (0..2_000).filter(|device| answer(&at(percent), "1.0", &format!("设备-{device}")) == offered("1.2", false)).count();
        assert_eq!((reached(0), reached(100)), (0, 2_000));
        assert!((500..700).contains(&reached(30)), "{}", reached(30));
        assert_eq!(answer(&at(99), "1.0", ""), offered("1.1", false), "who names no device gets the one below");
        assert_eq!(answer(&at(100), "1.0", ""), offered("1.2", false));
    }

    proptest! {
        #[test]
        fn who_is_reached_stays_reached(device in "\\PC{1,12}", percents in prop::array::uniform2(0_i32..=100)) {
            let is_reached_at = |percent| is_reached(&Release { rollout_percent: percent, ..release("2.0") }, &device);
            let (less, more) = (percents[0].min(percents[1]), percents[0].max(percents[1]));
            prop_assert!(!is_reached_at(less) || is_reached_at(more));
            let spelled = Release { rollout_percent: less, ..release("v2") };
            prop_assert_eq!(is_reached(&spelled, &device), is_reached_at(less), "however the version is spelled");
        }

        #[test]
        fn an_offer_is_newer_and_there_is_none_better(versions in prop::collection::vec("[0-3]\\.[0-3](-[ab])?", 0..8), current in "[0-3]\\.[0-3](-[ab])?") {
            let releases: Vec<Release> = versions.iter().map(|version| release(version)).collect();
            let held = catalogue(&releases);
            let request = asked(&current, "");
            match find(&held, "a", &request) {
                Some(update) => {
                    let offered = Version::parse(&update.release.version).unwrap();
                    prop_assert!(offered > request.current);
                    let better = versions.iter().map(|version| Version::parse(version).unwrap()).filter(|version| *version > offered);
                    prop_assert!(better.into_iter().all(|version| !is_for(&version, &request.current)));
                }
                None => prop_assert!(versions.iter().map(|version| Version::parse(version).unwrap()).all(|version| version <= request.current || !is_for(&version, &request.current))),
            }
        }
    }
}
