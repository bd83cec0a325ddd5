//! Whatever a stranger sends to the device channel, or says of where it came from: no panic, nothing opened that was not
//! sealed, nobody believed who is not trusted.
//!
//! Mutations of well-formed bytes from a seed, so a failure can be repeated. `AFTERSHOCK_FUZZ` says how many executions of
//! each (a few thousand unless told), `AFTERSHOCK_FUZZ_SEED` where they begin:
//! `AFTERSHOCK_FUZZ=2000000 cargo test --release -p ingest --lib fuzz`.

#![allow(clippy::print_stdout, reason = "counts of executions are shown")]

use super::sealed::{Opened, body, cbc, gcm, query};
use crate::origin::Origin;
use crate::rejection::Rejection;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng, SeedableRng};
use serde::de::IgnoredAny;
use service::http::{HeaderValue, Request};

const TEXT: &[u8] = r#"{"platform":"web","message":"支付失败","deviceId":"d"}"#.as_bytes();
const PIECES: [&[u8]; 16] = [
    b"\"",
    b"\\u0022",
    b"{",
    b"}",
    b"data",
    b"time",
    b"&",
    b"=",
    b"%",
    b"%2B",
    b"+",
    b"-_",
    b"\n",
    b"\xe4\xb8\xad",
    b"",
    b"AAAAAAAAAAAAAAAAAAAAAA==",
];
const HOPS: [&[u8]; 16] = [
    b"203.0.113.9",
    b"10.0.0.7",
    b"10.255.255.255:1",
    b"[2001:db8::1]:4711",
    b"::ffff:10.0.0.1",
    b"fe80::1%eth0",
    b"unknown",
    b",",
    b", ",
    b"[",
    b"]",
    b":",
    b"\xff",
    b"\xe4\xb8\xad",
    b"zh-CN,zh;q=0.9",
    b"1.1.1.1, 10.0.0.2",
];

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs one case again and again, each time with chance of its own.
pub(super) fn run(case: impl Fn(&mut StdRng)) {
    let first = number("AFTERSHOCK_FUZZ_SEED").unwrap_or(1);
    let executions = number("AFTERSHOCK_FUZZ").unwrap_or(3000);
    for seed in first..first + executions {
        let failed = Failed(seed);
        case(&mut StdRng::seed_from_u64(seed));
        std::mem::forget(failed);
    }
    println!("{executions} executions from seed {first}");
}

/// Says how to repeat a failure.
struct Failed(u64);

impl Drop for Failed {
    fn drop(&mut self) {
        println!("failed with AFTERSHOCK_FUZZ=1 AFTERSHOCK_FUZZ_SEED={}", self.0);
    }
}

/// Changes bytes in up to four places.
pub(super) fn mutate(bytes: &mut Vec<u8>, chance: &mut StdRng, pieces: &[&[u8]]) {
    for _ in 0..chance.random_range(0..=4) {
        let at = chance.random_range(0..=bytes.len());
        let end = chance.random_range(at..=bytes.len().min(at + 24));
        match chance.random_range(0..5) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.random_range(0..8),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.truncate(at),
            3 => drop(bytes.splice(at..at, bytes[at..end].to_vec()).count()),
            _ => drop(bytes.splice(at..end, pieces.choose(chance).unwrap().iter().copied()).count()),
        }
    }
}

/// What was sealed well, then spoilt: as bytes under the Base64, or as the text around it.
fn sealed(opened: &Opened, chance: &mut StdRng) -> Request {
    let (mut time, mut data) = opened.seal(TEXT, chance.random());
    if chance.random_bool(0.5) {
        mutate(&mut data, chance, &PIECES);
    }
    if chance.random_bool(0.2) {
        let mut bytes = time.into_bytes();
        mutate(&mut bytes, chance, &PIECES);
        time = String::from_utf8_lossy(&bytes).into_owned();
    }
    let (data, in_query) = (STANDARD.encode(data), chance.random_bool(0.3));
    let text = if in_query { format!("data={data}&time={time}") } else { serde_json::json!({"data": data, "time": time}).to_string() };
    let mut bytes = text.into_bytes();
    if chance.random_bool(0.5) {
        mutate(&mut bytes, chance, &PIECES);
    }
    if in_query { query(String::from_utf8_lossy(&bytes).into_owned()) } else { body(&bytes) }
}

#[test]
fn fuzz_gcm_opens_only_what_was_sealed() {
    let opened = gcm();
    run(|chance| match opened.open(&sealed(&opened, chance)) {
        Ok(text) => assert_eq!(text, TEXT),
        Err(rejection) => assert_eq!(rejection, Rejection::InvalidCiphertext),
    });
}

#[test]
fn fuzz_cbc_opens_only_json() {
    let opened = cbc();
    run(|chance| match opened.open(&sealed(&opened, chance)) {
        Ok(text) => assert!(serde_json::from_slice::<IgnoredAny>(&text).is_ok() && std::str::from_utf8(&text).is_ok()),
        Err(rejection) => assert_eq!(rejection, Rejection::InvalidCiphertext),
    });
}

#[test]
fn fuzz_an_origin_is_what_trusted_proxies_say() {
    let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    run(|chance| {
        let mut request = body(b"");
        for name in ["x-forwarded-for", "x-forwarded-for", "x-real-ip", "forwarded", "user-agent", "accept-language"] {
            let mut line: Vec<u8> = (0..chance.random_range(0..5)).flat_map(|_| HOPS.choose(chance).unwrap().to_vec()).collect();
            mutate(&mut line, chance, &HOPS);
            if let Ok(value) = HeaderValue::from_bytes(&line) {
                request.headers.append(name, value);
            }
        }
        let stranger = Origin::of(&request, &proxies);
        assert_eq!(stranger.address.to_string(), "192.0.2.1");
        assert!(stranger.user_agent.len() <= 1024 && stranger.locale.is_ascii() && stranger.locale.len() <= 35);
        request.peer = "10.1.1.1:80".parse().unwrap();
        let _ = Origin::of(&request, &proxies).network();
        request.headers.append("x-forwarded-for", HeaderValue::from_static("203.0.113.99, 10.2.2.2"));
        assert_eq!(Origin::of(&request, &proxies).address.to_string(), "203.0.113.99");
    });
}
