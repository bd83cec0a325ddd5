//! The engine's process is killed while it inserts: what was acknowledged is there, whole, and equal to its roll-up.

use crate::harness::{self, Engine};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const SLICE: u64 = 2000;
const WRITERS: u64 = 3;

/// Number of kills; more with `AFTERSHOCK_KILLS`.
fn kills() -> u64 {
    std::env::var("AFTERSHOCK_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(5)
}

/// One slice over a connection that may break at any byte; true if it was acknowledged.
fn insert(address: &str, slice: u64) -> bool {
    use std::io::{Read, Write};
    let mut body = String::new();
    for n in 0..SLICE {
        body.push_str(&format!("{slice},{n},{}\n", "闪退 stack ".repeat(20)));
    }
    let target = format!("?query=insert+into+killed.t+format+CSV&async_insert=0&insert_deduplication_token=slice:{slice}");
    let head = format!(
        "POST /{target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-clickhouse-user: writer\r\nx-clickhouse-key: secret\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let Ok(mut stream) = std::net::TcpStream::connect(address) else { return false };
    let mut reply = Vec::new();
    let sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    sent.and_then(|()| stream.read_to_end(&mut reply)).is_ok() && reply.starts_with(b"HTTP/1.1 200 ")
}

fn check(engine: &Engine, acknowledged: &[u64]) {
    let there = engine.value("select slice from (select slice, count() as c from killed.t group by slice settings optimize_use_projections = 0) where c = 2000 order by slice");
    let there: Vec<u64> = there.lines().map(|l| l.parse().unwrap()).collect();
    for slice in acknowledged {
        assert!(there.binary_search(slice).is_ok(), "slice {slice} was acknowledged and is not there whole");
    }
    let partial = engine.value("select count() from (select slice, count() as c from killed.t group by slice having c != 2000 settings optimize_use_projections = 0)");
    assert_eq!(partial, "0", "no slice is there in part or twice");
    let rolled = engine.value("select slice, count() from killed.t group by slice order by slice settings force_optimize_projection = 1");
    let counted = engine.value("select slice, count() from killed.t group by slice order by slice settings optimize_use_projections = 0");
    assert_eq!(rolled, counted, "the roll-up equals the rows");
}

#[test]
fn acknowledged_slices_survive_kills() {
    if !harness::present() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut engine = harness::start(folder.path());
    engine.value("create database killed engine = Atomic");
    engine.value(
        "create table killed.t (slice UInt64, n UInt64, text String, projection p (select slice, count() group by slice)) \
         engine = MergeTree order by (slice, n) settings non_replicated_deduplication_window = 1000",
    );
    let (next, acknowledged) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    for kill in 0..kills() {
        let stop = AtomicBool::new(false);
        let address = engine.address.clone();
        std::thread::scope(|scope| {
            for _ in 0..WRITERS {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let slice = next.fetch_add(1, Ordering::Relaxed);
                        if insert(&address, slice) {
                            acknowledged.lock().unwrap().push(slice);
                        }
                    }
                });
            }
            // Another moment each time: after some acknowledgements, and a little later.
            let wanted = acknowledged.lock().unwrap().len() + 3 + kill as usize;
            let end = Instant::now() + Duration::from_secs(60);
            while acknowledged.lock().unwrap().len() < wanted {
                assert!(Instant::now() < end, "nothing is acknowledged");
                std::thread::sleep(Duration::from_millis(1 + kill % 7));
            }
            engine.kill();
            stop.store(true, Ordering::Relaxed);
        });
        engine = harness::start(folder.path());
        check(&engine, &acknowledged.lock().unwrap());
    }
    assert!(engine.stop());
}
