//! The power goes away at any moment: everything acknowledged by then is there, and never half a batch.
//!
//! A broker under `strace` is given batches, commits and deletions while segments roll, go and are compacted; each
//! acknowledgement is noted with its time. Then disks are made as they may be after a loss of power between two of the
//! broker's calls, and a broker is started on each. `AFTERSHOCK_POWER` says how many moments are tried.

use crate::crash::{CHILD, free_address, wait_for};
use crate::harness::{Broker, PATIENCE, assign, next, watermarks, without_files};
use crate::syscalls::{CALLS, Reader};
use crate::wire::{KEYS, Wire, batch};
use crate::wreck::{Kept, Wreck};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{ProduceRequest, TopicName};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rdkafka::admin::AdminOptions;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Records of a batch.
const BATCH: i32 = 7;
const BATCHES: i32 = 60;
/// The second writer of a topic counts from here.
const SECOND: i32 = 7_000_000;
const SMALL: (&str, &str) = ("segment.bytes", "3000");
/// The batches are dated long ago.
const KEPT: (&str, &str) = ("retention.ms", "-1");

/// What the broker has said, and when, in nanoseconds since the epoch.
type Claims = Vec<(u64, Claim)>;

#[derive(Debug, Clone)]
enum Claim {
    Topic(String),
    /// A batch whose first record, at this offset, holds this number.
    Batch {
        topic: String,
        offset: i64,
        number: i32,
    },
    Deleted(i64),
    Committed(i64),
}

/// The three topics: written by two and cut by deletions, compacted, and kept by size.
struct Topics {
    plain: String,
    compacted: String,
    sized: String,
}

fn moments() -> usize {
    std::env::var("AFTERSHOCK_POWER").ok().and_then(|text| text.parse().ok()).unwrap_or(8)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64
}

/// A broker that is watched; none where there is no tracer, or it may not trace.
fn watched(dir: &Path, listen: &str, seen: &Path) -> Option<Child> {
    let traces = |command: &mut Command| command.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if !traces(Command::new("strace").args(["-f", "--seccomp-bpf", "-o", "/dev/null", "true"])) {
        eprintln!("left out: strace traces nothing here");
        return None;
    }
    let mut command = Command::new("strace");
    // The tracer is a process beside the broker: what is killed is the broker.
    command.args(["-D", "-f", "-q", "--seccomp-bpf", "--absolute-timestamps=format:unix,precision:ns", "-y", "-xx", "-s", "1000000"]);
    command.args(["-e", CALLS, "-o"]).arg(seen).arg(std::env::current_exe().unwrap());
    command.args(["--exact", "crash::child", "--nocapture"]).env(CHILD, format!("{}|{listen}", dir.display()));
    Some(command.stdout(Stdio::null()).spawn().unwrap())
}

async fn write(mut wire: Wire, topic: &str, first: i32) -> Claims {
    let mut claims = Claims::new();
    for number in (first..).step_by(BATCH as usize).take(BATCHES as usize) {
        let data = PartitionProduceData::default().with_records(Some(batch(-1, -1, number, BATCH)));
        let named = TopicProduceData::default().with_name(TopicName(topic.to_owned().into())).with_partition_data(vec![data]);
        let response = wire.call(8, &ProduceRequest::default().with_acks(-1).with_timeout_ms(10_000).with_topic_data(vec![named])).await;
        let partition = &response.responses[0].partition_responses[0];
        assert_eq!(partition.error_code, 0);
        claims.push((now(), Claim::Batch { topic: topic.to_owned(), offset: partition.base_offset, number }));
    }
    claims
}

async fn commit_and_delete(broker: &Broker, topic: &str) -> Claims {
    let mut claims = Claims::new();
    let list = |offset: i64| {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Offset(offset)).unwrap();
        list
    };
    let (consumer, admin) = (broker.consumer("power"), broker.admin());
    for round in 1..=20 {
        consumer.commit(&list(round), CommitMode::Sync).unwrap();
        claims.push((now(), Claim::Committed(round)));
        let offset = round / 4 * i64::from(BATCH);
        if round % 4 == 0
            && let Ok(done) = admin.delete_records(&list(offset), &AdminOptions::new()).await
            && done.elements().iter().all(|partition| partition.error().is_ok())
        {
            claims.push((now(), Claim::Deleted(offset)));
        }
    }
    claims
}

async fn work(broker: &Broker) -> (Topics, Claims) {
    let mut claims = Claims::new();
    let mut made = Vec::new();
    for (stem, settings) in [
        ("plain", &[SMALL, KEPT][..]),
        ("compacted", &[SMALL, ("cleanup.policy", "compact"), ("min.cleanable.dirty.ratio", "0")]),
        ("sized", &[SMALL, KEPT, ("retention.bytes", "9000")]),
    ] {
        let topic = broker.topic(stem, 1, settings).await;
        claims.push((now(), Claim::Topic(topic.clone())));
        made.push(topic);
    }
    let [plain, compacted, sized]: [String; 3] = made.try_into().unwrap();
    let topics = Topics { plain, compacted, sized };
    // Before the clock runs: showing a password takes these connections longer than what they are to do.
    let (first, second) = (Wire::to(broker).await, Wire::to(broker).await);
    let (third, fourth) = (Wire::to(broker).await, Wire::to(broker).await);
    let (one, two, three, four, five) = tokio::join!(
        write(first, &topics.plain, 0),
        write(second, &topics.plain, SECOND),
        write(third, &topics.compacted, 0),
        write(fourth, &topics.sized, 0),
        commit_and_delete(broker, &topics.plain),
    );
    claims.extend([one, two, three, four, five].concat());
    (topics, claims)
}

/// Offsets and numbers from the first to the last record.
fn whole(consumer: &BaseConsumer, topic: &str) -> Vec<(i64, i32)> {
    let (low, end) = watermarks(consumer, topic, 0);
    let mut found: Vec<(i64, i32)> = Vec::new();
    if low < end {
        assign(consumer, topic, 0, Offset::Offset(low));
    }
    while low < end && found.last().is_none_or(|(offset, _)| *offset < end - 1) {
        let message = next(consumer);
        let number = std::str::from_utf8(message.payload().unwrap()).unwrap().parse().unwrap();
        assert!(found.last().is_none_or(|(offset, _)| *offset < message.offset()), "in order");
        found.push((message.offset(), number));
    }
    found
}

/// A log of whole batches without holes, that begins where it may and has what was acknowledged of `topic`.
fn check_log(consumer: &BaseConsumer, topic: &str, claims: &[Claim]) {
    let there = whole(consumer, topic);
    let (low, end) = watermarks(consumer, topic, 0);
    assert!(there.iter().map(|(offset, _)| *offset).eq(low..end), "no hole");
    let written = claims.iter().any(|claim| matches!(claim, Claim::Batch { topic: of, .. } if of == topic));
    assert!(!written || low < end, "something is left");
    let mut batches: HashMap<i32, Vec<i32>> = HashMap::new();
    there.iter().for_each(|(_, number)| batches.entry(number / BATCH).or_default().push(*number));
    for (batch, numbers) in &batches {
        assert!(numbers.iter().copied().eq(batch * BATCH..(batch + 1) * BATCH), "half a batch, or twice: {numbers:?}");
    }
    for claim in claims {
        if let Claim::Batch { topic: of, offset, number } = claim
            && of == topic
        {
            assert!(*offset + i64::from(BATCH) <= end, "{claim:?} is lost: {low} to {end}");
            assert!(*offset < low || there[(*offset - low) as usize] == (*offset, *number), "{claim:?}");
        }
    }
}

fn check_compacted(consumer: &BaseConsumer, topic: &str, claims: &[Claim]) {
    let latest: HashMap<i32, i64> = whole(consumer, topic).into_iter().map(|(offset, number)| (number % KEYS, offset)).collect();
    for claim in claims {
        if let Claim::Batch { topic: of, offset, number } = claim
            && of == topic
        {
            for n in 0..BATCH {
                let newest = latest.get(&((number + n) % KEYS));
                assert!(newest.is_some_and(|newest| *newest >= *offset + i64::from(n)), "{claim:?}: {newest:?}");
            }
        }
    }
}

fn check(broker: &Broker, topics: &Topics, claims: &[Claim]) {
    let consumer = broker.consumer("power");
    let has = |wanted: &str| claims.iter().any(|claim| matches!(claim, Claim::Topic(topic) if topic == wanted));
    if has(&topics.plain) {
        check_log(&consumer, &topics.plain, claims);
        let deleted = claims.iter().filter_map(|claim| if let Claim::Deleted(offset) = claim { Some(*offset) } else { None }).max();
        let (low, _) = watermarks(&consumer, &topics.plain, 0);
        assert!(low >= deleted.unwrap_or(0), "deleted to {deleted:?}, begins at {low}");
        let committed = claims.iter().filter_map(|claim| if let Claim::Committed(offset) = claim { Some(*offset) } else { None }).max();
        let mut asked = TopicPartitionList::new();
        asked.add_partition(&topics.plain, 0);
        let found = consumer.committed_offsets(asked, PATIENCE).unwrap();
        let found = found.elements_for_topic(&topics.plain)[0].offset().to_raw().unwrap_or(0);
        assert!(found >= committed.unwrap_or(found), "committed {committed:?}, found {found}");
    }
    if has(&topics.compacted) {
        check_compacted(&consumer, &topics.compacted, claims);
    }
    if has(&topics.sized) {
        check_log(&consumer, &topics.sized, claims);
    }
}

/// Waits until the tracer has written everything and reads it.
fn seen(file: &Path, root: &Path) -> Reader {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(file).unwrap();
        if text.lines().last().is_some_and(|line| line.contains("+++ killed by SIGKILL")) {
            let mut reader = Reader::new(root);
            text.lines().for_each(|line| reader.take(line));
            return reader;
        }
        assert!(Instant::now() < deadline, "the tracer does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_loss_of_power_at_any_moment() {
    if without_files() {
        return;
    }
    let (dir, notes, address) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), free_address());
    let file = notes.path().join("calls");
    let Some(mut child) = watched(dir.path(), &address, &file) else { return };
    wait_for(&address).await;
    let (topics, claims) = work(&Broker::at(&address)).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let seen = seen(&file, dir.path());
    assert!(seen.events.len() > 500, "only {} calls were seen", seen.events.len());
    let mut random = StdRng::seed_from_u64(std::env::var("AFTERSHOCK_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1));
    for moment in 0..moments() {
        // The last moment is the end: nothing but what is not synced is lost.
        let at = if moment == 0 { seen.events.len() } else { random.random_range(0..seen.events.len()) };
        let before = seen.events.get(at).map_or(u64::MAX, |(time, _)| *time);
        let claimed: Vec<Claim> = claims.iter().filter(|(time, _)| *time < before).map(|(_, claim)| claim.clone()).collect();
        let some = || Kept::Some(Box::new(StdRng::seed_from_u64(at as u64)));
        for mut kept in [Kept::Nothing, Kept::All, some()] {
            let left = tempfile::tempdir().unwrap();
            Wreck::after(&seen.events[..at], &seen.dirs).write(left.path(), &mut kept);
            let broker = Broker::start(left.path()).await;
            check(&broker, &topics, &claimed);
            broker.stop().await;
        }
    }
}
