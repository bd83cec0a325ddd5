//! Compaction against a model of what must be there, with crashes between its steps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::storage::LogSettings;
use crate::storage::reading::{ReadRequest, Records};
use bytes::BytesMut;
use kafka_protocol::records::{Compression, Record as Sent, RecordBatchEncoder, RecordEncodeOptions, TimestampType};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

const PRODUCER: i64 = 9;

fn settings() -> LogSettings {
    let overrides =
        [("cleanup.policy", "compact"), ("segment.bytes", "2000"), ("delete.retention.ms", "1000"), ("min.cleanable.dirty.ratio", "0")];
    let overrides = overrides.map(|(key, value)| (key.to_owned(), value.to_owned()));
    crate::topic::resolve(&overrides.into()).unwrap()
}

/// A batch of an idempotent producer, as a client packs it.
fn batch(sequence: i32, records: &[(String, Option<String>)], compression: Compression) -> Bytes {
    let record = |(n, (key, value)): (usize, &(String, Option<String>))| Sent {
        transactional: false,
        control: false,
        partition_leader_epoch: 0,
        producer_id: PRODUCER,
        producer_epoch: 0,
        timestamp_type: TimestampType::Creation,
        offset: n as i64,
        sequence: sequence + n as i32,
        timestamp: 1_000 + i64::from(sequence) + n as i64,
        delete_horizon: false,
        key: Some(Bytes::from(key.clone())),
        value: value.clone().map(Bytes::from),
        headers: Default::default(),
    };
    let records: Vec<Sent> = records.iter().enumerate().map(record).collect();
    let mut out = BytesMut::new();
    RecordBatchEncoder::encode(&mut out, records.iter(), &RecordEncodeOptions { version: 2, compression }).unwrap();
    out.freeze()
}

const CODECS: [Compression; 5] = [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

/// All that was ever appended: key and value by offset.
type Model = Vec<(String, Option<String>)>;

/// Appends batches of one to five records with keys out of `keys`; every seventh record is a tombstone.
fn fill(log: &mut Log, model: &mut Model, keys: usize, batches: usize) {
    for n in 0..batches {
        let first = model.len();
        let one = |at: usize| {
            let key = format!("键-{}", (at * 7 + at / 3) % keys);
            (key, (at % 7 != 3).then(|| format!("value {at} {}", "x".repeat(at % 90))))
        };
        let records: Model = (first..first + 1 + n % 5).map(one).collect();
        let sent = batch(first as i32, &records, CODECS[n % CODECS.len()]);
        assert_eq!(log.append(&sent, &settings(), 5_000).unwrap().base_offset, first as i64);
        model.extend(records);
    }
}

/// Every record that a reader finds, read as partitions read.
fn contents(log: &Log) -> Vec<(i64, String, bool, i64)> {
    let mut found = Vec::new();
    let mut offset = log.start();
    while let Some(piece) = log.piece_at(offset) {
        let want = ReadRequest { offset, before: log.end(), max_bytes: 700, at_least_one: true };
        let read = match piece.read(&want).unwrap() {
            Some(Records::Read(read)) => read,
            Some(Records::Stored(_)) => panic!("more than was wanted"),
            None => {
                offset = piece.end.max(offset + 1);
                continue;
            }
        };
        let header = Header::parse(&read).unwrap();
        let stored = read.slice(..header.size);
        assert!(batch::is_intact(&header, &stored));
        for record in records::decode(&header, &stored).unwrap() {
            found.push((record.offset, String::from_utf8(record.key.unwrap().to_vec()).unwrap(), record.has_value, record.timestamp));
        }
        offset = header.end();
    }
    found
}

/// What must be there after a pass up to `before` that kept tombstones.
fn expected(model: &Model, before: i64, tombstones: bool) -> Vec<(i64, String, bool, i64)> {
    let mut latest = HashMap::new();
    for (offset, (key, _)) in (0..before).zip(model) {
        latest.insert(key.clone(), offset);
    }
    let all = (0i64..)
        .zip(model)
        .filter(|(offset, (key, value))| *offset >= before || (latest[key] == *offset && (tombstones || value.is_some())));
    all.map(|(offset, (key, value))| (offset, key.clone(), value.is_some(), 1_000 + offset)).collect()
}

/// A host that may die at a chosen swap, before, amid or after it, or stop after some batches.
#[derive(Default)]
struct Owner {
    log: RefCell<Option<Log>>,
    swaps: Cell<usize>,
    dies: Option<(usize, &'static str)>,
    batches_left: Cell<Option<usize>>,
}

impl Host for Owner {
    fn is_stopping(&self) -> bool {
        let left = self.batches_left.get();
        self.batches_left.set(left.map(|left| left.saturating_sub(1)));
        left == Some(0)
    }

    fn swap(&self, rewritten: &Rewritten) -> io::Result<bool> {
        let swap = self.swaps.replace(self.swaps.get() + 1);
        let mut log = self.log.borrow_mut();
        let log = log.as_mut().unwrap();
        match self.dies.filter(|(at, _)| *at == swap) {
            None => log.swap(rewritten),
            Some((_, "before")) => Err(io::Error::other("dies")),
            Some((_, "renamed")) => {
                std::fs::rename(&rewritten.fresh, segment::path(&log.dir, rewritten.index_base(), "log"))?;
                Err(io::Error::other("dies"))
            }
            Some((..)) => {
                log.swap(rewritten)?;
                Err(io::Error::other("dies"))
            }
        }
    }
}

fn pass(owner: &Owner, now: i64, most_keys: usize) -> io::Result<bool> {
    let due = Pass::due(owner.log.borrow().as_ref().unwrap(), &settings(), now)?;
    due.map_or(Ok(false), |pass| Pass { most_keys, ..pass }.run(owner))
}

fn owner(log: Log) -> Owner {
    Owner { log: RefCell::new(Some(log)), ..Owner::default() }
}

#[test]
fn the_latest_of_each_key_stays_at_its_offset_and_tombstones_go_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, mut model) = (Log::open(dir.path(), 0).unwrap(), Model::new());
    fill(&mut log, &mut model, 17, 200);
    assert!(log.sealed.len() > 10, "{}", log.sealed.len());
    let (before, size, end) = (log.active.base, log.size(), log.end());
    let owner = owner(log);
    assert!(pass(&owner, 10_000, MAX_KEYS).unwrap());
    let mut log = owner.log.take().unwrap();
    assert_eq!(contents(&log), expected(&model, before, true));
    assert!(log.size() < size / 3 && log.end() == end && log.start() == 0);
    assert!(Pass::due(&log, &settings(), 10_999).unwrap().is_none(), "nothing is new, no tombstone is old");
    let sent = batch(end as i32 - 1, &model[end as usize - 1..], CODECS[199 % 5]);
    assert_eq!(log.append(&sent, &settings(), 0).unwrap_err(), super::super::StorageError::OutOfOrder, "the producers are still known");
    let again = self::owner(Log::open(dir.path(), 0).unwrap());
    assert_eq!(contents(again.log.borrow().as_ref().unwrap()), expected(&model, before, true));
    assert!(pass(&again, 11_000, MAX_KEYS).unwrap(), "the tombstones have been kept for long enough");
    let log = again.log.take().unwrap();
    assert_eq!(contents(&log), expected(&model, before, false));
    assert!(log.sealed.len() < 4, "what became small became one: {}", log.sealed.len());
    assert!(Pass::due(&log, &settings(), i64::MAX).unwrap().is_none());
    assert_eq!(Log::open(dir.path(), 0).unwrap().producers, log.producers);
}

#[test]
fn more_keys_than_memory_allows_take_several_passes() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, mut model) = (Log::open(dir.path(), 0).unwrap(), Model::new());
    fill(&mut log, &mut model, 100, 300);
    let before = log.active.base;
    let owner = owner(log);
    let mut passes = 0;
    while Cleaned::read(dir.path()).unwrap().end < before {
        assert!(pass(&owner, 10_000, 20).unwrap());
        passes += 1;
    }
    assert!((5..200).contains(&passes), "{passes}");
    assert_eq!(contents(owner.log.borrow().as_ref().unwrap()), expected(&model, before, true));
}

#[test]
fn a_crash_between_any_two_steps_loses_nothing_and_the_next_pass_ends_it() {
    for moment in ["before", "renamed", "after"] {
        for at in 0..5 {
            let dir = tempfile::tempdir().unwrap();
            let (mut log, mut model) = (Log::open(dir.path(), 0).unwrap(), Model::new());
            for round in 0..3 {
                fill(&mut log, &mut model, 13, 60);
                let mut dying = owner(log);
                dying.dies = Some((at, moment));
                let died = pass(&dying, 10_000 * (round + 1), MAX_KEYS).is_err();
                drop(dying);
                log = Log::open(dir.path(), 0).unwrap();
                assert_eq!(log.end(), model.len() as i64);
                let held = contents(&log);
                assert!(held.windows(2).all(|two| two[0].0 < two[1].0), "once and in order: {moment} {at} {died}");
                let newest = |records: &[(i64, String, bool, i64)]| {
                    let live: HashMap<String, (i64, bool)> = records.iter().map(|r| (r.1.clone(), (r.0, r.2))).collect();
                    live.into_iter().filter(|(_, (_, has_value))| *has_value).collect::<HashMap<_, _>>()
                };
                assert_eq!(newest(&held), newest(&expected(&model, 0, true)), "{moment} {at}");
            }
            let (before, owner) = (log.active.base, owner(log));
            while pass(&owner, 1_000_000, MAX_KEYS).unwrap() {}
            let log = owner.log.take().unwrap();
            let strays = std::fs::read_dir(dir.path())
                .unwrap()
                .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|e| e == "new"));
            assert_eq!(strays.count(), 0);
            let kept: Vec<_> = expected(&model, before, true);
            let held = contents(&log);
            assert!(kept.iter().filter(|record| record.2).all(|record| held.contains(record)), "{moment} {at}");
            assert!(held.iter().all(|record| kept.contains(record)), "{moment} {at}");
        }
    }
}

#[test]
fn a_pass_that_is_stopped_leaves_the_log_readable() {
    for batches in [0, 1, 50, 130, 200] {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, mut model) = (Log::open(dir.path(), 0).unwrap(), Model::new());
        fill(&mut log, &mut model, 13, 100);
        let (before, owner) = (log.active.base, owner(log));
        owner.batches_left.set(Some(batches));
        let ended = pass(&owner, 1, MAX_KEYS).unwrap();
        owner.batches_left.set(None);
        assert_eq!(ended, batches == 200, "{batches}");
        let _ = pass(&owner, 1, MAX_KEYS).unwrap();
        assert_eq!(contents(owner.log.borrow().as_ref().unwrap()), expected(&model, before, true));
    }
}

#[test]
fn what_is_new_waits_and_what_is_old_does_not_wait_for_more() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, mut model) = (Log::open(dir.path(), 0).unwrap(), Model::new());
    fill(&mut log, &mut model, 17, 200);
    let sparing = LogSettings { min_compaction_lag_ms: 1_000, ..settings() };
    assert!(Pass::due(&log, &sparing, 1_500).unwrap().is_none(), "everything is new");
    let green = log.sealed.iter().find(|segment| segment.max_timestamp > 1_300).unwrap().base;
    let (sealed, owner) = (log.active.base, owner(log));
    assert!(green > 100 && green < sealed);
    let due = |settings: &LogSettings, now: i64| Pass::due(owner.log.borrow().as_ref().unwrap(), settings, now).unwrap();
    assert!(due(&sparing, 2_300).unwrap().run(&owner).unwrap());
    assert_eq!(contents(owner.log.borrow().as_ref().unwrap()), expected(&model, green, true));
    let patient = LogSettings { min_dirty_per_mille: 1_000, delete_retention_ms: i64::MAX, ..settings() };
    assert!(due(&patient, 9_000).is_none(), "not all of it is new");
    let urgent = LogSettings { max_compaction_lag_ms: 5_000, ..patient };
    assert!(due(&urgent, 1_000 + green + 4_000).is_none() && due(&urgent, 1_000 + sealed + 5_000).unwrap().run(&owner).unwrap());
    let log = owner.log.take().unwrap();
    assert_eq!(contents(&log), expected(&model, sealed, true));
    assert!(log.active.is_old(&urgent, 10_000) && !log.active.is_old(&urgent, 9_999), "what must be compacted is sealed in time");
}
