//! Requests that ought to be refused, and what became of them.

use super::{Field, source};
use crate::harness::{OTHER_KEY, Wire};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::interval;

/// Time between two attempts of a kind: they are about what one costs, not about how many there are.
const REST: Duration = Duration::from_millis(50);
const LARGE: usize = 100 << 20;
const DEPTH: usize = 100_000;
const PATHS: [&str; 6] =
    ["/v1/reports", "/v1/connections", "/v1/common/log/message/report", "/api/v1/error/report", "/api/v1/user/heartbeat", "/nowhere"];

/// 100 MB, announced or in chunks.
pub async fn large(field: Arc<Field>) {
    let mut tick = interval(REST);
    let piece = vec![b'x'; 1 << 20];
    let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), &piece, b"\r\n"].concat();
    for number in 0.. {
        tick.tick().await;
        if field.is_over() {
            return;
        }
        let Ok(mut wire) = Wire::connect(source(2), field.plain).await else { continue };
        let (name, length, piece) = match number % 2 {
            0 => ("large announced", format!("content-length: {LARGE}"), &piece),
            _ => ("large chunked", "transfer-encoding: chunked".to_owned(), &chunk),
        };
        let head = format!("POST /v1/reports HTTP/1.1\r\nhost: edge\r\nx-app-key: {OTHER_KEY}\r\n{length}\r\n\r\n");
        let mut is_open = wire.write(head).await.is_ok();
        for _ in 0..LARGE >> 20 {
            is_open = is_open && wire.write(piece).await.is_ok();
        }
        record(&field, name, wire.answer().await);
    }
}

/// Bombs, towers, and bytes that are no text.
pub async fn odd_bodies(field: Arc<Field>) {
    let bodies = bodies();
    let mut tick = interval(REST);
    for number in 0.. {
        tick.tick().await;
        if field.is_over() {
            return;
        }
        let &(name, encoding, ref body) = &bodies[number % bodies.len()];
        let path = PATHS[number / bodies.len() % PATHS.len()];
        let Ok(mut wire) = Wire::connect(source(3), field.plain).await else { continue };
        let headers = format!("x-app-key: {OTHER_KEY}\r\ncontent-type: application/json\r\n{encoding}");
        record(&field, name, wire.post(path, &headers, body).await);
    }
}

type Body = (&'static str, &'static str, Vec<u8>);

fn bodies() -> Vec<Body> {
    let (gzip, zstd) = ("content-encoding: gzip\r\n", "content-encoding: zstd\r\n");
    let zeros = vec![b' '; LARGE];
    let bomb = gzipped(&zeros);
    let packed = zstd::encode_all(&zeros[..], 3).unwrap();
    let mut wide = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    wide.window_log(27).unwrap();
    wide.write_all(&zeros).unwrap();
    vec![
        ("gzip bomb", gzip, bomb.clone()),
        ("gzip bomb in a bomb", gzip, gzipped(&bomb)),
        ("zstd bomb", zstd, packed.clone()),
        ("zstd bombs in a row", zstd, packed.repeat(100)),
        ("zstd wide window", zstd, wide.finish().unwrap()),
        ("deep arrays", "", vec![b'['; DEPTH]),
        ("deep objects", "", b"{\"a\":".repeat(DEPTH)),
        (
            "deep member",
            "",
            [&b"{\"category\":\"crash\",\"platformId\":1,\"userKey\":"[..], &b"[".repeat(DEPTH), &b"]".repeat(DEPTH), b"}"].concat(),
        ),
        ("broken utf-8", "", b"{\"category\":\"crash\",\"platformId\":1,\"expName\":\"\xff\xfe\xc0\xaf\"}".to_vec()),
        ("nul bytes", "", vec![0; 100_000]),
        ("nul in a text", "", b"{\"category\":\"crash\",\"platformId\":1,\"expName\":\"a\0b\"}".to_vec()),
        ("nul escaped", "", b"{\"category\":\"crash\",\"platformId\":1,\"expName\":\"a\\u0000b\"}".to_vec()),
    ]
}

pub fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Heads that are too large, that play with paths, or that hide a second request.
pub async fn heads(field: Arc<Field>) {
    let heads = all_heads();
    let mut tick = interval(REST);
    for number in 0.. {
        tick.tick().await;
        if field.is_over() {
            return;
        }
        let &(name, ref bytes) = &heads[number % heads.len()];
        let Ok(mut wire) = Wire::connect(source(4), field.plain).await else { continue };
        if wire.write(bytes).await.is_err() {
            field.saw(name, "cut");
            continue;
        }
        record(&field, name, wire.answer().await);
        if name == "smuggling" && String::from_utf8_lossy(&wire.rest().await).contains("ready") {
            field.saw(name, "answered twice");
        }
    }
}

fn all_heads() -> Vec<(&'static str, Vec<u8>)> {
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: edge\r\nconnection: close\r\n\r\n").into_bytes();
    let mut heads = vec![
        ("large header", format!("GET /healthz HTTP/1.1\r\nhost: edge\r\nx: {}\r\n\r\n", "y".repeat(1 << 20)).into_bytes()),
        ("many headers", format!("GET /healthz HTTP/1.1\r\nhost: edge\r\n{}\r\n", "x: y\r\n".repeat(5_000)).into_bytes()),
        ("long path", get(&format!("/{}", "a/".repeat(500_000)))),
    ];
    for path in [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/v1/..%2fhealthz",
        "/v1/../healthz",
        "/healthz%00",
        "/healthz\\",
        "/..;/healthz",
        "*",
    ] {
        heads.push(("path trick", get(path)));
    }
    let hidden = "GET /readyz HTTP/1.1\r\nhost: edge\r\n\r\n";
    for body in [
        "content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n",
        "content-length: 0\r\ncontent-length: 5\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "x: y\r\n content-length: 7\r\n\r\n",
        "transfer-encoding: xchunked\r\n\r\n",
    ] {
        heads.push(("smuggling", format!("POST /v1/reports HTTP/1.1\r\nhost: edge\r\n{body}{hidden}").into_bytes()));
    }
    heads
}

fn record(field: &Field, name: &'static str, answer: std::io::Result<crate::harness::Answer>) {
    match answer {
        Ok(answer) => field.saw(name, answer.status),
        Err(_) => field.saw(name, "cut"),
    }
}

/// Every attempt was made, and ended as it should.
pub fn judge(seen: &BTreeMap<(&'static str, String), u64>) {
    let (crowd, large): (&[&str], &[&str]) = (&["cut", "still open"], &["413", "cut"]);
    // Not every dialect takes compressed bodies, and one path leads nowhere: refused is refused.
    let refused: &[&str] = &["400", "401", "404", "413", "415"];
    let expected = [
        ("slow head", crowd),
        ("slow body", crowd),
        ("idle", crowd),
        ("large announced", large),
        ("large chunked", large),
        ("gzip bomb", refused),
        ("gzip bomb in a bomb", refused),
        ("zstd bomb", refused),
        ("zstd bombs in a row", refused),
        ("zstd wide window", refused),
        ("deep arrays", refused),
        ("deep objects", refused),
        ("deep member", refused),
        ("nul bytes", refused),
        ("nul in a text", refused),
        ("large header", &["431", "cut"]),
        ("many headers", &["431", "cut"]),
        ("long path", &["414", "431", "cut"]),
        ("path trick", &["400", "404"]),
        ("reset flood", &["cut"]),
        ("endless headers", &["cut"]),
        ("garbage for tls", &["cut"]),
    ];
    for (attempt, ends) in expected {
        let found: Vec<&str> = seen.keys().filter(|(name, _)| *name == attempt).map(|(_, end)| end.as_str()).collect();
        assert!(!found.is_empty(), "{attempt} was not tried");
        assert!(found.iter().all(|end| ends.contains(end)), "{attempt} ended as {found:?}, not as {ends:?}");
    }
    assert!(seen.keys().any(|(name, _)| *name == "smuggling"), "smuggling was not tried");
    let wrong: Vec<_> = seen.keys().filter(|(_, end)| end.starts_with('5') || end == "answered twice").collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
