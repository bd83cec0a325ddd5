//! Whatever a stranger sends in one of the three JSON dialects: records that keep their promises or a refusal, and never a panic.
//!
//! Mutations of the fixtures from a seed: `AFTERSHOCK_FUZZ=2000000 cargo test --release -p ingest --lib any_dialect`.

use super::any_bytes::{kept, promises};
use super::any_envelope::fixtures;
use super::fuzz::{mutate, run};
use super::{Shape, key_in, native_connections, native_reports, parse_error, parse_heartbeat, received, records};
use crate::dialect::log_message;
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use std::cell::Cell;
use std::io::Write as _;

const PIECES: [&[u8]; 24] = [
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"\n",
    b"\\",
    b"\\u0000",
    b"\\ud83d",
    b"\\ude00",
    b"null",
    b"true",
    b"-1",
    b"1e308",
    b"9223372036854775808",
    b"\xff",
    b"\xef\xbb\xbf",
    "\u{5d29}".as_bytes(),
    b"\"category\":\"crash\"",
    b"\"platformId\":10",
    b"\"occurredAt\":1.5",
    b"\"attachments\":[{\"data\":\"!\"}]",
];

/// Runs mutations of a dialect's fixtures; `read` says whether one was taken.
fn spoilt(folders: &[&str], read: impl Fn(&[u8], &mut StdRng) -> bool) {
    let bodies: Vec<Vec<u8>> = folders.iter().flat_map(|folder| fixtures(folder)).collect();
    let taken = Cell::new(0_u64);
    run(|chance| {
        let mut body = bodies.choose(chance).unwrap().clone();
        mutate(&mut body, chance, &PIECES);
        taken.set(taken.get() + u64::from(read(&body, chance)));
    });
    println!("{} were taken", taken.get());
}

/// The body as a client may pack it.
fn packed(body: &[u8], encoding: &str) -> Vec<u8> {
    match encoding {
        "gzip" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(body).unwrap();
            encoder.finish().unwrap()
        }
        "zstd" => zstd::bulk::compress(body, 1).unwrap(),
        _ => body.to_vec(),
    }
}

#[test]
fn fuzz_log_messages() {
    spoilt(&["log_message"], |body, _| {
        let report = log_message::parse(body, &received());
        report.iter().for_each(promises);
        report.is_ok()
    });
}

#[test]
fn fuzz_app_key_bodies() {
    spoilt(&["app_key_error", "app_key_heartbeat"], |body, _| {
        let _ = key_in(body);
        let (report, heartbeat) = (parse_error(body, &received()), parse_heartbeat(body, &received()));
        report.iter().for_each(promises);
        heartbeat.iter().for_each(kept);
        report.is_ok() || heartbeat.is_ok()
    });
}

#[test]
fn fuzz_native_bodies() {
    spoilt(&["native", "native_connection"], |body, chance| {
        let content_type = [None, Some("application/x-ndjson")].choose(chance).copied().flatten();
        // Packing takes most of the time, so few are packed; what unpacking makes of spoilt bytes is another target's.
        let encoding = if chance.random_ratio(1, 50) { *["gzip", "zstd"].choose(chance).unwrap() } else { "identity" };
        let shape = Shape { content_type, encoding: Some(encoding) };
        let body = packed(body, encoding);
        let reports = native_reports(&body, shape, &received()).map(records);
        let connections = native_connections(&body, shape, &received()).map(super::connections);
        reports.iter().flatten().flatten().for_each(promises);
        connections.iter().flatten().flatten().for_each(kept);
        reports.iter().flatten().any(Result::is_ok) || connections.iter().flatten().any(Result::is_ok)
    });
}
