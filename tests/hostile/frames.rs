//! What is no HTTP/1.1.

use super::{Field, source};
use crate::harness::Wire;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::interval;

const REST: Duration = Duration::from_millis(50);
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// `GET http://t/` in HPACK's static table.
const GET: &[u8] = &[0x82, 0x86, 0x84, 0x41, 1, b't'];
/// A connection that takes this many pieces of a flood has no bound.
const FRAMES: u32 = 10_000;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Asks and takes back, again and again.
pub async fn resets(field: Arc<Field>) {
    let pair = |number: u32| [frame(1, 5, 2 * number + 1, GET), frame(3, 0, 2 * number + 1, &[0, 0, 0, 8])].concat();
    flood(&field, (5, "reset flood"), |number| (0..20).flat_map(|other| pair(number * 20 + other)).collect()).await;
}

/// Headers that go on and on.
pub async fn endless_headers(field: Arc<Field>) {
    let piece = [&[0x40, 1, b'x', 0x7f, 0x81, 0x7d][..], &[b'y'; 16_000]].concat();
    let first = frame(1, 1, 1, GET);
    flood(&field, (6, "endless headers"), |number| if number == 0 { first.clone() } else { frame(9, 0, 1, &piece) }).await;
}

async fn flood(field: &Field, (kind, name): (u8, &'static str), next: impl Fn(u32) -> Vec<u8>) {
    let mut tick = interval(REST);
    while !field.is_over() {
        tick.tick().await;
        let Ok(mut wire) = Wire::connect(source(kind), field.plain).await else { continue };
        let mut is_open = wire.write(PREFACE).await.is_ok();
        let mut sent = 0;
        while is_open && sent < FRAMES {
            is_open =
                wire.write(next(sent)).await.is_ok() && !(sent.is_multiple_of(64) && wire.closes_within(Duration::from_millis(1)).await);
            sent += 1;
        }
        field.saw(name, if is_open { "taken" } else { "cut" });
    }
}

/// Bytes that are no handshake.
pub async fn garbage(field: Arc<Field>) {
    let mut tick = interval(REST);
    let pieces: [&[u8]; 4] =
        [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x40\x00\x01\x00", &[0xff; 5000], b"\x16\x03\x03\x00\x05\x01\x00\x00\x01\x00"];
    for number in 0.. {
        tick.tick().await;
        if field.is_over() {
            return;
        }
        let Ok(mut wire) = Wire::connect(source(7), field.sealed).await else { continue };
        let _ = wire.write(pieces[number % pieces.len()]).await;
        let answered = wire.rest().await.starts_with(b"HTTP");
        field.saw("garbage for tls", if answered { "taken" } else { "cut" });
    }
}
