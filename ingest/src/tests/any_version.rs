//! Whatever is asked of `version/check`: an answer that keeps its promises, or a refusal; and whatever is read as a version has its place.
//!
//! Mutations of well-formed bytes from a seed, so a failure can be repeated. `AFTERSHOCK_FUZZ` says how many executions (a few thousand
//! unless told), `AFTERSHOCK_FUZZ_SEED` where they begin: `AFTERSHOCK_FUZZ=2000000 cargo test -p ingest --lib any_version -- --nocapture`.
#![allow(clippy::print_stdout)]

use super::{key_in, received};
use crate::dialect::version_check;
use crate::releases::reply;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use schemas::catalogue::Catalogue;
use schemas::record::Release;
use schemas::version::Version;

const BODIES: [&str; 5] = [
    r#"{"app_key":"534a235d30f13cac","current_version":"1.2.3.4","platform":"windows","machine_id":"8F0A-机器"}"#,
    r#"{"app_key": "534a235d30f13cac", "current_version": "v1.2.0-beta.1+build.7", "platform": "Windows"}"#,
    r#"{"current_version":"1.0","platform":"windows","machine_id":"\u673a\ud800","extra":[[{"a":1e9}]]}"#,
    r#"{"platform":null,"current_version":"18446744073709551615.0.0.1","current_version":"01.00"}"#,
    "\u{feff}{\"current_version\":\"2024.01.05\",\"platform\":\"linux\"}",
];
const VERSIONS: [&str; 9] = [
    "1.0",
    "v1.2.3",
    "1.2.3.4",
    "1.2.0-beta.11",
    "1.0.0-rc.1+x-y.007",
    "V18446744073709551615.1",
    "01.002.0003.0004",
    "2-a--.b",
    "1.0.0-0",
];
const PIECES: [&str; 14] = [".", "-", "+", "v", "0", "9", "\"", "\\", "{", "[", "版", "\u{0}", "\\ud800", "1.2.3.4"];

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn executions() -> u64 {
    number("AFTERSHOCK_FUZZ").unwrap_or(5_000)
}

fn random() -> StdRng {
    StdRng::seed_from_u64(number("AFTERSHOCK_FUZZ_SEED").unwrap_or(1))
}

/// One to four changes: a bit, a cut, a piece put in, a run taken out or doubled, the end of another seed.
fn mutate(random: &mut StdRng, bytes: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..random.random_range(1..=4) {
        let at = random.random_range(0..=bytes.len());
        let end = bytes.len().min(at + random.random_range(1..=16));
        match random.random_range(0..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
            1 => bytes.truncate(at),
            2 => drop(bytes.splice(at..at, PIECES[random.random_range(0..PIECES.len())].bytes())),
            3 => drop(bytes.drain(at..end)),
            4 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            _ => {
                bytes.truncate(at);
                bytes.extend_from_slice(&other[random.random_range(0..=other.len())..]);
            }
        }
    }
}

fn catalogue() -> Catalogue {
    let mut catalogue = Catalogue::default();
    for (version, percent, force_update) in
        [("1.1", 100, false), ("1.2.0-beta.2", 100, false), ("1.2.3.5", 40, true), ("2.0", 70, false), ("2024.2", 100, false)]
    {
        let release = Release {
            app_id: "a".to_owned(),
            platform: "windows".to_owned(),
            version: version.to_owned(),
            withdrawn: false,
            download_url: "https://example.com/a".to_owned(),
            release_notes: "说明".to_owned(),
            force_update,
            rollout_percent: percent,
            published_at: 1,
            mac: String::new(),
        };
        catalogue.apply(release).unwrap();
    }
    catalogue
}

#[test]
fn a_question_of_any_bytes_is_answered_or_refused() {
    let (mut random, catalogue) = (random(), catalogue());
    let mut outcomes = [0_u64; 3];
    for execution in 0..executions() {
        let mut body = BODIES[random.random_range(0..BODIES.len())].as_bytes().to_vec();
        let other = BODIES[random.random_range(0..BODIES.len())].as_bytes();
        mutate(&mut random, &mut body, other);
        let _ = key_in(&body);
        let outcome = match version_check::parse(&body, &|_| Ok(received())) {
            Err(_) => 0,
            Ok(question) => {
                let current = question.current.clone();
                let reply = reply(&catalogue, "a", question);
                let latest = Version::parse(&reply.latest_version).unwrap();
                assert_eq!(reply.has_update, latest > current, "execution {execution}: {body:?}");
                assert_eq!(reply.has_update, !reply.download_url.is_empty(), "execution {execution}: {body:?}");
                assert!(reply.has_update || !reply.force_update, "execution {execution}: {body:?}");
                1 + usize::from(reply.has_update)
            }
        };
        outcomes[outcome] += 1;
    }
    println!("{} executions: {} refused, {} current, {} offered", executions(), outcomes[0], outcomes[1], outcomes[2]);
    assert!(outcomes.iter().all(|count| *count > executions() / 100), "every way is gone: {outcomes:?}");
}

#[test]
fn a_version_of_any_text_has_its_place() {
    let mut random = random();
    let (mut before, mut read) = (Version::parse("1.0").unwrap(), 0_u64);
    for execution in 0..executions() {
        let mut bytes = VERSIONS[random.random_range(0..VERSIONS.len())].as_bytes().to_vec();
        let other = VERSIONS[random.random_range(0..VERSIONS.len())].as_bytes();
        mutate(&mut random, &mut bytes, other);
        let text = String::from_utf8_lossy(&bytes);
        let Ok(version) = Version::parse(&text) else { continue };
        read += 1;
        let written = version.to_string();
        assert_eq!(Version::parse(&written).as_ref(), Ok(&version), "execution {execution}: {text}");
        assert_eq!(version.cmp(&before), before.cmp(&version).reverse(), "execution {execution}: {text}");
        assert_eq!(version == before, written == before.to_string(), "execution {execution}: {text}");
        before = version;
    }
    println!("{} executions: {read} versions", executions());
    assert!(read > executions() / 10, "{read} of {}", executions());
}
