//! What stays on disk, what is cut, and what is given back.

use crate::harness::{Broker, config, external, read, send, send_all, until, watermarks, without_files};
use embedded_log::{Config, Error};
use rdkafka::admin::AdminOptions;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Bytes of all segments below a directory.
pub fn bytes(dir: &Path) -> u64 {
    files(dir, "log").iter().map(|file| std::fs::metadata(file).unwrap().len()).sum()
}

fn payloads(range: std::ops::Range<usize>) -> Vec<Vec<u8>> {
    range.map(|n| format!("{n:0200}").into_bytes()).collect()
}

/// How much larger everything is on Apache Kafka, whose smallest segment has 1 MiB.
fn scale() -> usize {
    if external().is_some() { 40 } else { 1 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_tail_is_cut_and_everything_before_it_stays() {
    if without_files() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut topic = String::new();
    let mut expected = Vec::new();
    let whole: Vec<u8> = (0..61).collect();
    for (round, torn) in [&[][..], &[0xff; 7], &[0; 4096], &whole, b"torn"].iter().enumerate() {
        let broker = Broker::start(dir.path()).await;
        if round == 0 {
            topic = broker.topic("torn", 1, &[("segment.bytes", "30000")]).await;
        }
        let producer = broker.producer(&[("compression.codec", "none")]);
        for some in payloads(round * 200..round * 200 + 200).chunks(20) {
            let offsets = send_all(&producer, &topic, 0, some).await;
            expected.extend(offsets.into_iter().zip(some.to_vec()));
        }
        let seen = read(&broker.consumer("torn"), &topic, 0, 0, expected.len());
        assert!(seen == expected, "round {round}");
        assert_eq!(watermarks(&broker.consumer("torn"), &topic, 0), (0, expected.len() as i64));
        drop(producer);
        broker.stop().await;
        let last = files(dir.path(), "log").pop().unwrap();
        OpenOptions::new().append(true).open(last).unwrap().write_all(torn).unwrap();
        if round == 2 {
            for index in files(dir.path(), "index") {
                std::fs::write(index, b"damaged").unwrap();
            }
            for state in files(dir.path(), "producers") {
                std::fs::remove_file(state).unwrap();
            }
        }
    }
    assert!(files(dir.path(), "log").len() > 3, "segments rolled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_records_give_their_disk_back() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let topic = broker.topic("deleted", 1, &[("segment.bytes", "30000")]).await;
    let producer = broker.producer(&[("compression.codec", "none")]);
    for some in payloads(0..1_000).chunks(20) {
        send_all(&producer, &topic, 0, some).await;
    }
    let consumer = broker.consumer("deleted");
    let delete = async |offset: Offset| {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&topic, 0, offset).unwrap();
        broker.admin().delete_records(&list, &AdminOptions::new()).await.unwrap();
    };
    delete(Offset::Offset(505)).await;
    assert_eq!(watermarks(&consumer, &topic, 0), (505, 1_000));
    assert_eq!(read(&consumer, &topic, 0, 505, 1)[0].1, payloads(505..506)[0]);
    if !without_files() {
        assert!(bytes(dir.path()) < 140_000, "{}", bytes(dir.path()));
    }
    delete(Offset::End).await;
    assert_eq!(watermarks(&consumer, &topic, 0), (1_000, 1_000));
    if !without_files() {
        assert_eq!(bytes(dir.path()), 0);
        drop(consumer);
        drop(producer);
        broker.stop().await;
        let broker = Broker::start(dir.path()).await;
        let consumer = broker.consumer("deleted");
        assert_eq!(watermarks(&consumer, &topic, 0), (1_000, 1_000), "kept over a restart");
        assert_eq!(send(&broker.producer(&[]), &topic, 0, b"next").await, 1_000);
        drop(consumer);
        broker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retention_by_size_and_by_time() {
    let (segment, kept) = ((30_000 * scale()).to_string(), (60_000 * scale()).to_string());
    let payloads =
        |range: std::ops::Range<usize>| range.map(|n| format!("{n:0width$}", width = 200 * scale()).into_bytes()).collect::<Vec<_>>();
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let sized = broker.topic("sized", 1, &[("segment.bytes", &segment), ("retention.bytes", &kept)]).await;
    let aged =
        broker.topic("aged", 1, &[("segment.bytes", &segment), ("retention.ms", "300"), ("message.timestamp.type", "LogAppendTime")]).await;
    let producer = broker.producer(&[("compression.codec", "none")]);
    for topic in [&sized, &aged] {
        for some in payloads(0..1_000).chunks(20) {
            send_all(&producer, topic, 0, some).await;
        }
    }
    let consumer = broker.consumer("retention");
    until("old segments go by size", || watermarks(&consumer, &sized, 0).0 > 600).await;
    assert_eq!(watermarks(&consumer, &sized, 0).1, 1_000);
    until("everything goes by time", || watermarks(&consumer, &aged, 0) == (1_000, 1_000)).await;
    if !without_files() {
        let left = bytes(dir.path());
        assert!((60_000..=95_000).contains(&left), "{left}");
    }
    assert_eq!(send(&producer, &aged, 0, b"next").await, 1_000);
    let (low, _) = watermarks(&consumer, &sized, 0);
    assert_eq!(read(&consumer, &sized, 0, low, 1)[0].1, payloads(low as usize..low as usize + 1)[0]);
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retention_by_size_leaves_what_a_group_has_still_to_read() {
    if without_files() {
        // Apache Kafka takes it: `[retention] log_bytes` says so.
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let sized = [("segment.bytes", "30000"), ("retention.bytes", "60000")];
    let (read, nobodys) = (broker.topic("read", 1, &sized).await, broker.topic("nobodys", 1, &sized).await);
    let consumer = broker.consumer("slow");
    let commit = |offset| {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&read, 0, Offset::Offset(offset)).unwrap();
        consumer.commit(&list, CommitMode::Sync).unwrap();
    };
    commit(100);
    let producer = broker.producer(&[("compression.codec", "none")]);
    for topic in [&read, &nobodys] {
        for some in payloads(0..1_000).chunks(20) {
            send_all(&producer, topic, 0, some).await;
        }
    }
    until("retention has been at work", || watermarks(&consumer, &nobodys, 0).0 > 600).await;
    assert!(watermarks(&consumer, &read, 0).0 <= 100, "what the group has not read is there");
    commit(1_000);
    until("what was read goes", || watermarks(&consumer, &read, 0).0 > 600).await;
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_brokers_cannot_share_a_directory() {
    if without_files() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let second: Config = config(dir.path());
    let refused = embedded_log::run(second, listener, std::future::pending()).await;
    assert!(matches!(refused, Err(Error::Locked(_))), "{refused:?}");
    broker.stop().await;
    Broker::start(dir.path()).await.stop().await;
}
