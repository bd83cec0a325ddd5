//! Whatever a stranger sends as an envelope, an event or a compressed body: an answer, within bounds, and never a panic.
//!
//! Mutations of the fixtures from a seed: `AFTERSHOCK_FUZZ=2000000 cargo test --release -p ingest --lib any_envelope`.

use super::fuzz::{mutate, run};
use super::{read_envelope, read_store, received};
use crate::batch::Batch;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use schemas::record::RawReport;
use serde::de::IgnoredAny;
use std::io::Write;

const PIECES: [&[u8]; 24] = [
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"\n",
    b"null",
    b"-1",
    b"1e308",
    b"\"values\"",
    b"\"frames\"",
    b"\"exception\"",
    b"\\ud800",
    b"\xff",
    "\u{5d29}".as_bytes(),
    b"\"type\":\"event\"",
    b"\"type\":\"session\"",
    b"\"length\":3",
    b"\"aggregates\"",
    b"%s",
    b"{}",
    b"\"in_app\":true",
];

pub(super) fn fixtures(folder: &str) -> Vec<Vec<u8>> {
    let folder = format!("{}/fixtures/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn spoilt(of: &[Vec<u8>], chance: &mut StdRng) -> Vec<u8> {
    let mut bytes = of.choose(chance).unwrap().clone();
    mutate(&mut bytes, chance, &PIECES);
    bytes
}

fn promises(batch: &Batch, sent: usize) {
    for ready in batch.reports.iter().flatten() {
        let report: RawReport = ready.record().unwrap();
        assert!(report.exp_message.len() <= 64 << 10 && report.call_stack.len() <= 1 << 20 && report.user_logs.len() <= 256 << 10);
        assert!(!(report.exp_name.is_empty() && report.exp_message.is_empty()));
        for json in [&report.extra, &report.context] {
            assert!(json.is_empty() || serde_json::from_str::<IgnoredAny>(json).is_ok(), "{json}");
        }
        assert!(ready.length() < 4 * sent + 8192, "a report is not much more than what was sent");
    }
    assert!(batch.connections.len() <= 200, "{}", batch.connections.len());
}

#[test]
fn fuzz_events() {
    let events = fixtures("sentry_event");
    run(|chance| {
        let event = spoilt(&events, chance);
        if let Ok(batch) = read_store(&event, None, &received()) {
            promises(&batch, event.len());
        }
    });
}

#[test]
fn fuzz_envelopes() {
    let envelopes = fixtures("sentry_envelope");
    run(|chance| {
        let envelope = spoilt(&envelopes, chance);
        if let Ok(batch) = read_envelope(&envelope, None, &received()) {
            promises(&batch, envelope.len());
        }
    });
}

#[test]
fn fuzz_compressed_bodies() {
    let envelopes = fixtures("sentry_envelope");
    let packed: Vec<(&str, Vec<Vec<u8>>)> = vec![
        ("gzip", envelopes.iter().map(|plain| gzip(plain)).collect()),
        ("deflate", envelopes.iter().map(|plain| zlib(plain)).collect()),
        ("zstd", envelopes.iter().map(|plain| zstd::encode_all(&plain[..], 1).unwrap()).collect()),
        ("br", vec![super::sentry::BROTLI.to_vec()]),
    ];
    run(|chance| {
        let (encoding, bodies) = packed.choose(chance).unwrap();
        let body = spoilt(bodies, chance);
        if let Ok(batch) = read_envelope(&body, Some(encoding), &received()) {
            promises(&batch, 8 << 20);
        }
        let _ = crate::dialect::sentry::key::of_envelope(&body, Some(encoding));
    });
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}
