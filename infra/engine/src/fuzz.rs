//! Damaged input for what reads bytes from strangers: the HTTP side up to the statement's text, and the frames of compressed
//! bodies. Nothing may panic, hang, or give more than the input can hold.
//!
//! `AFTERSHOCK_FUZZ` is the number of executions of each, `AFTERSHOCK_SEED` where the random numbers begin; the seed of a
//! failure is printed and brings it back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use crate::compression::{self, FrameReader};
use crate::encoding::Coding;
use crate::{Config, execute, kill, run};
use cityhash_rs::cityhash_102_128;
use http_body_util::Empty;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io::Read;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;

/// Executions of each test where nothing else is asked for.
const EXECUTIONS: u64 = 20_000;

/// SplitMix64, by Sebastiano Vigna: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// Changes a few places of `bytes`: bits, bytes, pieces doubled, dropped, or taken from `words`.
    fn damage(&mut self, bytes: &mut Vec<u8>, words: &[&[u8]]) {
        for _ in 0..self.below(6) {
            let at = self.below(bytes.len() + 1);
            let end = (at + self.below(40)).min(bytes.len());
            match self.below(6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = self.next() as u8,
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
                4 => bytes.truncate(at),
                _ => {
                    let word = self.one(words);
                    bytes.splice(at..at, word.iter().copied());
                }
            }
        }
    }
}

/// Runs `test` as often as is asked for, each with a seed of its own that a failure names. The test says whether the input went
/// all the way through; too few that do would mean that little is tested.
fn repeat(name: &str, mut test: impl FnMut(&mut Random) -> bool) {
    let number = |variable: &str| std::env::var(variable).ok().and_then(|n| n.parse::<u64>().ok());
    let executions = number("AFTERSHOCK_FUZZ").unwrap_or(EXECUTIONS);
    let first = number("AFTERSHOCK_SEED").unwrap_or(1);
    let (begun, mut through) = (Instant::now(), 0);
    for seed in first..first + executions {
        let guard = Named(seed);
        through += u64::from(test(&mut Random(seed)));
        std::mem::forget(guard);
    }
    println!("{name}: {executions} executions from seed {first}, {through} all the way through, in {:?}", begun.elapsed());
    assert!(executions < 1000 || (executions / 20..executions).contains(&through));
}

struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        println!("failed with AFTERSHOCK_FUZZ=1 AFTERSHOCK_SEED={}", self.0);
    }
}

const WORDS: [&[u8]; 30] = [
    b"\r\n",
    b"\r\n\r\n",
    b"0\r\n\r\n",
    b"%",
    b"%ff",
    b"&",
    b"=",
    b"?",
    b"+",
    b"\0",
    b"\xff\xfe",
    b"'",
    b"--",
    b"/*",
    b"(",
    b";",
    b"--b",
    b"--b--\r\n",
    b"content-length: 5\r\n",
    b"transfer-encoding: chunked\r\n",
    b"content-encoding: lz4\r\n",
    b"content-encoding: gzip\r\n",
    b"content-encoding: zstd\r\n",
    b"expect: 100-continue\r\n",
    b"decompress=1&",
    b"query=insert+into+t+format+",
    b"param_x=",
    b"ffffffffffffffff",
    "闪".as_bytes(),
    b"\\",
];

const TARGETS: [&str; 9] = [
    "/",
    "/?query=select+1",
    "/?decompress=1&query=insert+into+t+format+RowBinary",
    "/?query=select+%7Bx:String%7D&param_x=%E9%97%AA",
    "/?user=default&password=",
    "/?query=insert+into+t+values&x=1",
    "/?compress=1&database=d&default_format=JSON&query_id=i",
    "/?query=kill+query+where+query_id%3D'a'",
    "/?max_threads=1&wait_end_of_query=1",
];

const STATEMENTS: [&str; 8] = [
    "select 1 format JSON",
    "insert into t (a, b) format CSV\n1,2\n",
    "kill query where query_id in ('a', '闪') sync",
    "select 'it\\'s' /* c */ -- d\n into outfile 'x'",
    "insert into a.`b` values (1, 'x')",
    "",
    "with 1 as x select x",
    "--b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nselect {p:String}\r\n--b\r\nContent-Disposition: form-data; name=\"param_p\"\r\n\r\n闪\r\n--b--\r\n",
];

/// A request that would be fine, and then is not.
fn request(random: &mut Random) -> Vec<u8> {
    let statement = random.one(&STATEMENTS.map(str::as_bytes));
    let body = match random.below(4) {
        0 => compression::pack(statement),
        _ => statement.to_vec(),
    };
    let mut out =
        format!("{} {} HTTP/1.1\r\nhost: x\r\n", random.one(&["POST", "POST", "POST", "GET", "PUT"]), random.one(&TARGETS)).into_bytes();
    for header in [
        "content-type: multipart/form-data; boundary=b\r\n",
        "authorization: Basic ZGVmYXVsdDo=\r\n",
        "accept-encoding: lz4, zstd;q=0\r\n",
        "content-encoding: zstd\r\n",
    ] {
        if random.below(4) == 0 {
            out.extend_from_slice(header.as_bytes());
        }
    }
    if random.below(3) == 0 {
        out.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
        for piece in body.chunks(1 + random.below(30)) {
            out.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            out.extend_from_slice(piece);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"0\r\n\r\n");
    } else {
        out.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
        out.extend_from_slice(&body);
    }
    random.damage(&mut out, &WORDS);
    out
}

/// What the interface does with a request before the engine is asked; gives the length of the statement's text.
async fn taken(config: &Config, request: hyper::Request<hyper::body::Incoming>) -> usize {
    let Ok((call, _, body)) = execute::asked(config, request).await else { return 0 };
    let reading = tokio::task::spawn_blocking(move || {
        let mut text = run::text(&call, body).ok()?;
        let mut rest = Vec::new();
        let _ = text.data.by_ref().take(1 << 20).read_to_end(&mut rest);
        let _ = kill::translated(&text.bytes, |_| Some("id".to_owned()));
        Some(text.bytes.len())
    });
    reading.await.unwrap().unwrap_or(0)
}

#[test]
fn any_request_is_answered_or_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { body_timeout: Duration::from_secs(5), ..Config::new("d".into(), "l".into()) };
    repeat("requests", |random| {
        let bytes = request(random);
        let through = std::cell::Cell::new(false);
        let serve = async {
            let (mut client, server) = tokio::io::duplex(1 << 16);
            let answer = service_fn(|request| async {
                let length = taken(&config, request).await;
                assert!(length <= 1 << 20);
                through.set(length > 0);
                Ok::<_, Infallible>(hyper::Response::new(Empty::<bytes::Bytes>::new()))
            });
            let connection = http1::Builder::new().max_headers(100).half_close(true).serve_connection(TokioIo::new(server), answer);
            let send = async {
                let _ = client.write_all(&bytes).await;
                let _ = client.shutdown().await;
                let mut reply = Vec::new();
                let _ = tokio::io::AsyncReadExt::read_to_end(&mut client, &mut reply).await;
            };
            let _ = tokio::join!(connection, send);
        };
        runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), serve).await.expect("a request hangs") });
        through.get()
    });
}

/// Frames, damaged; most get a right checksum again, or nothing behind it would ever be reached.
fn frames(random: &mut Random) -> Vec<u8> {
    let content: Vec<u8> = match random.below(3) {
        0 => (0..random.below(300)).map(|_| random.next() as u8).collect(),
        1 => "闪退 crash ".repeat(random.below(60)).into_bytes(),
        _ => vec![random.next() as u8; random.below(5000)],
    };
    let mut out = Vec::new();
    for _ in 0..1 + random.below(3) {
        let mut frame = match random.below(4) {
            0 => {
                let packed = zstd::bulk::compress(&content, 1).unwrap();
                let lengths = [((packed.len() + 9) as u32).to_le_bytes(), (content.len() as u32).to_le_bytes()].concat();
                [&[0; 16][..], &[0x90], &lengths, &packed].concat()
            }
            _ => compression::pack(&content),
        };
        random.damage(&mut frame, &[b"\x82", b"\x02", b"\x90", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff", b"\0"]);
        if frame.len() > 25 && random.below(8) != 0 {
            let length = (frame.len() - 16) as u32;
            if random.below(4) != 0 {
                frame[17..21].copy_from_slice(&length.to_le_bytes());
            }
            let checksum = cityhash_102_128(&frame[16..]).rotate_right(64);
            frame[..16].copy_from_slice(&checksum.to_le_bytes());
        }
        out.extend(frame);
    }
    out
}

#[test]
fn any_frames_are_read_or_refused() {
    repeat("frames", |random| {
        let bytes = frames(random);
        let mut content = Vec::new();
        let whole = FrameReader::new(&bytes[..]).read_to_end(&mut content).is_ok();
        // No coding packs better than this: LZ4 at most 255 to one, zstd a block of 128 KiB into a few bytes.
        assert!(content.len() <= bytes.len().saturating_mul(64 << 10), "{} bytes of {}", content.len(), bytes.len());
        if whole && random.below(4) == 0 {
            let mut again = Vec::new();
            FrameReader::new(&compression::pack(&content)[..]).read_to_end(&mut again).unwrap();
            assert_eq!(again, content);
        }
        whole
    });
}

#[test]
fn any_coded_body_is_read_or_refused() {
    repeat("codings", |random| {
        let coding = [Coding::Gzip, Coding::Deflate, Coding::Zstd, Coding::Lz4][random.below(4)];
        let mut encoder = super::encoding::Encoder::new(coding, false).unwrap();
        let mut bytes = encoder.push("闪退 crash ".repeat(random.below(40)).into()).unwrap().to_vec();
        bytes.extend(encoder.finish().unwrap());
        random.damage(&mut bytes, &[b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff", b"\0"]);
        let Ok(reader) = coding.decode(&bytes[..]) else { return false };
        reader.take(16 << 20).read_to_end(&mut Vec::new()).is_ok()
    });
}
