//! Hostile clients and ordinary ones at the same edge: the ordinary ones must not notice.
//!
//! Each kind of hostility comes from a loopback address of its own, the ordinary clients from 127.0.0.1. It runs for
//! `AFTERSHOCK_HOSTILE_SECONDS` (15 by default).

/// Small requests that are written to become large.
mod amplifiers;
/// Connections that take places: slow ones and idle ones.
mod crowd;
/// What is no HTTP/1.1: floods of HTTP/2 frames, garbage for TLS.
mod frames;
/// The ordinary clients.
pub mod ordinary;
/// Bodies and heads that ought to be refused.
mod requests;

use crate::harness::{APP, Edge, Options, Pipeline, more_files, pause};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Slow connections and idle ones, all at once.
const SLOW: usize = 500;
const IDLE: usize = 2_000;
/// What the edge may grow by.
const MEMORY_MIB: f64 = 200.0;

/// Where hostile clients meet.
pub struct Field {
    plain: SocketAddr,
    sealed: SocketAddr,
    over: AtomicBool,
    /// How often each attempt ended how.
    seen: Mutex<BTreeMap<(&'static str, String), u64>>,
}

impl Field {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn saw(&self, attempt: &'static str, end: impl ToString) {
        *self.seen.lock().unwrap().entry((attempt, end.to_string())).or_default() += 1;
    }
}

/// The address of a kind of hostile client.
fn source(kind: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, 2 + kind)
}

#[test]
fn ordinary_clients_do_not_notice_hostile_ones() {
    more_files();
    let seconds = std::env::var("AFTERSHOCK_HOSTILE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(15);
    let pipeline = Pipeline::start_with(&Options { linger: "1s", ..Options::default() });
    let edge = Edge::start(&pipeline, "edge", "");
    let sealed = crate::sealed::edge(&pipeline);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let field = Field { plain: edge.address(), sealed: sealed.address(), over: AtomicBool::new(false), seen: Mutex::default() };
    let field = Arc::new(field);

    runtime.block_on(ordinary::run(field.plain, Duration::from_secs(2)));
    let calm = runtime.block_on(ordinary::run(field.plain, Duration::from_secs(seconds / 3 + 1)));
    let before = edge.process.memory("VmRSS");
    let hostile = runtime.spawn(attack(Arc::clone(&field)));
    let stormy = std::thread::scope(|scope| {
        let load = scope.spawn(|| runtime.block_on(ordinary::run(field.plain, Duration::from_secs(seconds))));
        let most = most_memory(&edge, || load.is_finished());
        (load.join().unwrap(), most)
    });
    let (stormy, most) = stormy;
    field.over.store(true, Ordering::Relaxed);
    runtime.block_on(hostile).unwrap();
    println!("calm   {calm}\nstormy {stormy}\nmemory {before:.0} MiB before, at most {most:.0} MiB");
    let seen = field.seen.lock().unwrap().clone();
    seen.iter().for_each(|((attempt, end), count)| println!("{attempt:<22} {end:<18} {count}"));

    let failures: Vec<&String> = calm.failures.iter().chain(&stormy.failures).collect();
    assert!(failures.is_empty(), "an ordinary client was not served: {failures:?}");
    assert!(most - before <= MEMORY_MIB, "the edge grew from {before} to {most} MiB");
    // Both share the machine with the hostile clients themselves; only an edge that hangs is that much slower.
    let ratio = stormy.percentile(99).as_secs_f64() / calm.percentile(99).as_secs_f64().max(0.02);
    assert!(ratio < 25.0, "p99 is {ratio:.1} times that of the calm");
    requests::judge(&seen);
    let sent = calm.answered.len() + stormy.answered.len();
    pipeline.operator().drained();
    let kept =
        pipeline.engine().number(&format!("select count() from aftershock.occurrences where app_id = '{APP}' and version = 'ordinary'"));
    assert!(kept >= i64::try_from(sent).unwrap(), "{sent} acknowledged, {kept} in the tables");
}

/// Everything at once, until it is over.
async fn attack(field: Arc<Field>) {
    let mut all = tokio::task::JoinSet::new();
    for number in 0..SLOW {
        all.spawn(crowd::slow(Arc::clone(&field), number));
    }
    for number in 0..IDLE {
        all.spawn(crowd::idle(Arc::clone(&field), number));
    }
    all.spawn(requests::large(Arc::clone(&field)));
    all.spawn(requests::odd_bodies(Arc::clone(&field)));
    all.spawn(requests::heads(Arc::clone(&field)));
    all.spawn(frames::resets(Arc::clone(&field)));
    all.spawn(frames::endless_headers(Arc::clone(&field)));
    all.spawn(frames::garbage(Arc::clone(&field)));
    while let Some(ended) = all.join_next().await {
        ended.unwrap();
    }
}

fn most_memory(edge: &Edge, is_over: impl Fn() -> bool) -> f64 {
    let (mut most, start) = (0.0_f64, Instant::now());
    while !is_over() && start.elapsed() < Duration::from_secs(3600) {
        most = most.max(edge.process.memory("VmRSS"));
        pause(Duration::from_millis(50));
    }
    most
}
