//! Senders that never give up, and the one who kills.

use super::generator::{Event, Generator};
use crate::harness::{CHILDREN, KEY, Pipeline, Process, pause, post_with};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::Duration;

/// What was sent in the end.
pub struct Sent {
    pub events: Vec<Event>,
    pub deliveries: u64,
}

const SENDERS: u64 = 3;
const BATCH: usize = 20;

/// Sends while killing; comes back when the kills are done and everything is acknowledged.
pub fn run(pipeline: &RwLock<Pipeline>, generator: &Generator, kills: u64, seed: u64) -> Sent {
    let (killing, events, deliveries) = (AtomicBool::new(true), Mutex::new(Vec::new()), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (killing, events, deliveries) = (&killing, &events, &deliveries);
            scope.spawn(move || send(pipeline, generator, killing, events, deliveries, seed ^ (sender + 1)));
        }
        let killer = scope.spawn(|| kill(pipeline, kills, seed));
        let result = killer.join();
        killing.store(false, Ordering::SeqCst);
        result.unwrap();
    });
    Sent { events: events.into_inner().unwrap(), deliveries: deliveries.into_inner() }
}

/// Batches of new events and re-deliveries of old ones, each until it is acknowledged.
fn send(
    pipeline: &RwLock<Pipeline>,
    generator: &Generator,
    killing: &AtomicBool,
    events: &Mutex<Vec<Event>>,
    deliveries: &AtomicU64,
    seed: u64,
) {
    let mut random = StdRng::seed_from_u64(seed);
    while killing.load(Ordering::SeqCst) {
        let fresh: Vec<Event> = (0..BATCH).map(|_| generator.next()).collect();
        let mut batch = fresh.clone();
        {
            let known = events.lock().unwrap();
            let again = random.random_range(0..BATCH / 2);
            batch.extend((0..again).filter(|_| !known.is_empty()).map(|_| known[random.random_range(0..known.len())].clone()));
        }
        // A twin in the same batch, too.
        batch.push(batch[random.random_range(0..BATCH)].clone());
        events.lock().unwrap().extend(fresh);
        for (path, is_connection) in [("/v1/reports", false), ("/v1/connections", true)] {
            let lines: Vec<&str> =
                batch.iter().filter(|event| event.is_connection == is_connection).map(|event| event.line.as_str()).collect();
            deliver(pipeline, path, &lines);
            deliveries.fetch_add(lines.len() as u64, Ordering::Relaxed);
        }
        pause(Duration::from_millis(random.random_range(0..60)));
    }
}

fn deliver(pipeline: &RwLock<Pipeline>, path: &str, lines: &[&str]) {
    if lines.is_empty() {
        return;
    }
    let body = lines.join("\n");
    crate::harness::within(Duration::from_secs(180), "the edge acknowledges a batch", || {
        let url = pipeline.read().map_err(|error| error.to_string())?.ingest();
        let reply = post_with(&format!("{url}{path}"), &[("x-app-key", KEY), ("content-type", "application/x-ndjson")], body.as_bytes())?;
        let accepted = (reply.status == 200).then(|| reply.json()["accepted"].as_u64()).flatten();
        if accepted == Some(lines.len() as u64) { Ok(()) } else { Err(format!("{} {}", reply.status, reply.text)) }
    });
}

/// A second processor shares the group all the while, and is one of the victims.
fn kill(pipeline: &RwLock<Pipeline>, kills: u64, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut second = pipeline.read().unwrap().processor("second");
    for round in 0..kills {
        pause(Duration::from_millis(random.random_range(50..1500)));
        match round % 5 {
            0 => kill_child(pipeline, "engine"),
            1 => kill_child(pipeline, "broker"),
            2 => {
                second.kill();
                second = pipeline.read().unwrap().processor("second");
            }
            3 if round % 2 == 1 => {
                let mut tree = pipeline.write().unwrap();
                tree.kill();
                tree.restart();
                second = tree.processor("second");
            }
            _ => {
                let role = CHILDREN[random.random_range(0..CHILDREN.len())];
                kill_child(pipeline, role);
            }
        }
    }
    revive(&mut second);
}

/// The embedded log is a child; an Apache Kafka of the environment is not ours to kill.
fn kill_child(pipeline: &RwLock<Pipeline>, role: &str) {
    let tree = pipeline.read().unwrap();
    if role == "broker" && std::env::var_os("AFTERSHOCK_TEST_KAFKA").is_some() {
        return;
    }
    crate::harness::until(&format!("a child {role} to kill"), || if tree.kill_child(role) { Ok(()) } else { Err("none") });
}

/// The second processor leaves the group in peace, so that the drain does not wait for its session to run out.
fn revive(second: &mut Process) {
    if second.is_running() {
        second.terminate();
    }
}
