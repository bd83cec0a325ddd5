//! Consumer groups through librdkafka: commits with metadata, generations, rebalances.

use crate::harness::{Broker, PATIENCE, send, send_all, until, watermarks};
use rdkafka::admin::AdminOptions;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

fn list(topic: &str, partition: i32, offset: i64, metadata: &str) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(offset)).unwrap();
    list.find_partition(topic, partition).unwrap().set_metadata(metadata);
    list
}

fn committed(consumer: &BaseConsumer, topic: &str, partition: i32) -> (Offset, String) {
    let mut asked = TopicPartitionList::new();
    asked.add_partition(topic, partition);
    let found = consumer.committed_offsets(asked, PATIENCE).unwrap();
    let element = &found.elements_for_topic(topic)[0];
    (element.offset(), element.metadata().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_keep_their_metadata_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let topic = broker.topic("metadata", 3, &[]).await;
    let consumer = broker.consumer("metadata");
    assert_eq!(committed(&consumer, &topic, 1).0, Offset::Invalid);
    consumer.commit(&list(&topic, 1, 17, "slice 17-9999 片"), CommitMode::Sync).unwrap();
    consumer.commit(&list(&topic, 2, 5, ""), CommitMode::Sync).unwrap();
    consumer.commit(&list(&topic, 1, 18, "slice 18-10000 片"), CommitMode::Sync).unwrap();
    assert_eq!(committed(&consumer, &topic, 1), (Offset::Offset(18), "slice 18-10000 片".to_owned()));
    let long = "m".repeat(5_000);
    let refused = consumer.commit(&list(&topic, 1, 19, &long), CommitMode::Sync).unwrap_err();
    assert_eq!(refused, KafkaError::ConsumerCommit(RDKafkaErrorCode::OffsetMetadataTooLarge));
    drop(consumer);
    broker.stop().await;
    let broker = Broker::start(dir.path()).await;
    let consumer = broker.consumer("metadata");
    assert_eq!(committed(&consumer, &topic, 1), (Offset::Offset(18), "slice 18-10000 片".to_owned()));
    assert_eq!(committed(&consumer, &topic, 2).0, Offset::Offset(5));
    assert_eq!(committed(&consumer, &topic, 0).0, Offset::Invalid);
    drop(consumer);
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lag_is_what_is_not_committed() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let topic = broker.topic("lag", 1, &[]).await;
    let (consumer, producer) = (broker.consumer("lag"), broker.producer(&[]));
    send_all(&producer, &topic, 0, &vec![b"x".to_vec(); 10]).await;
    let lag = || {
        let from = committed(&consumer, &topic, 0).0.to_raw().filter(|offset| *offset >= 0).unwrap_or(0);
        watermarks(&consumer, &topic, 0).1 - from
    };
    assert_eq!(lag(), 10);
    consumer.commit(&list(&topic, 0, 7, ""), CommitMode::Sync).unwrap();
    assert_eq!(lag(), 3);
    send_all(&producer, &topic, 0, &vec![b"x".to_vec(); 5]).await;
    assert_eq!(lag(), 8);
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_made_anew_has_no_old_offsets() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let topic = broker.topic("anew", 1, &[]).await;
    let consumer = broker.consumer("anew");
    consumer.commit(&list(&topic, 0, 3, "old"), CommitMode::Sync).unwrap();
    let admin = broker.admin();
    admin.delete_topics(&[&topic], &AdminOptions::new()).await.unwrap();
    until("the topic can be made anew", || {
        let metadata = consumer.fetch_metadata(None, PATIENCE).unwrap();
        !metadata.topics().iter().any(|known| known.name() == topic)
    })
    .await;
    broker.make(&topic, 1, &[]).await;
    assert_eq!(committed(&broker.consumer("anew"), &topic, 0).0, Offset::Invalid);
    drop(consumer);
    broker.stop().await;
}

/// A member that polls on its own thread until it is told to stop, or to die without leaving.
pub struct Member {
    consumer: Arc<BaseConsumer>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Member {
    pub fn start(broker: &Broker, group: &str, topic: &str, strategy: &str) -> Member {
        let mut config = broker.consumer_config(group);
        config.set("partition.assignment.strategy", strategy);
        config.set("session.timeout.ms", "6000").set("heartbeat.interval.ms", "300");
        let consumer: Arc<BaseConsumer> = Arc::new(config.create().unwrap());
        consumer.subscribe(&[topic]).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (polled, stopped) = (consumer.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                drop(polled.poll(Duration::from_millis(50)));
            }
        });
        Member { consumer, stop, thread: Some(thread) }
    }

    pub fn partitions(&self) -> BTreeSet<i32> {
        let assignment = self.consumer.assignment().unwrap();
        assignment.elements().iter().map(|element| element.partition()).collect()
    }

    pub fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Whether the members have all partitions, each at least one and none in common.
pub fn shared(members: &[&Member], partitions: i32) -> bool {
    let parts: Vec<BTreeSet<i32>> = members.iter().map(|member| member.partitions()).collect();
    let all: BTreeSet<i32> = parts.iter().flatten().copied().collect();
    let total: usize = parts.iter().map(BTreeSet::len).sum();
    all == (0..partitions).collect() && total == all.len() && parts.iter().all(|part| !part.is_empty())
}

async fn rebalances(strategy: &str) {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let topic = broker.topic("shared", 6, &[]).await;
    let group = format!("shared-{topic}");
    let first = Member::start(&broker, &group, &topic, strategy);
    until("one member has all", || shared(&[&first], 6)).await;
    let second = Member::start(&broker, &group, &topic, strategy);
    until("two members share", || shared(&[&first, &second], 6)).await;
    let third = Member::start(&broker, &group, &topic, strategy);
    until("three members share", || shared(&[&first, &second, &third], 6)).await;
    let groups = first.consumer.fetch_group_list(Some(&group), PATIENCE).unwrap();
    assert_eq!((groups.groups()[0].state(), groups.groups()[0].members().len()), ("Stable", 3));
    second.end();
    until("two are left", || shared(&[&first, &third], 6)).await;
    let metadata = list(&topic, *first.partitions().iter().next().unwrap(), 4, "of a member");
    first.consumer.commit(&metadata, CommitMode::Sync).unwrap();
    let refused = broker.consumer(&group).commit(&metadata, CommitMode::Sync).unwrap_err();
    assert_eq!(refused, KafkaError::ConsumerCommit(RDKafkaErrorCode::UnknownMemberId), "a stranger's commit");
    let busy = broker.admin().delete_groups(&[&group], &AdminOptions::new()).await.unwrap();
    assert_eq!(busy[0].as_ref().unwrap_err().1, RDKafkaErrorCode::NonEmptyGroup);
    first.end();
    third.end();
    let admin = broker.admin();
    let deadline = std::time::Instant::now() + PATIENCE;
    while admin.delete_groups(&[&group], &AdminOptions::new()).await.unwrap()[0].is_err() {
        assert!(std::time::Instant::now() < deadline, "the group never became empty");
    }
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn range_members_come_and_go() {
    rebalances("range").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cooperative_members_come_and_go() {
    rebalances("cooperative-sticky").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_come_back_after_a_restart_and_go_on() {
    if crate::harness::without_files() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let listen = broker.address.parse().unwrap();
    let topic = broker.topic("back", 2, &[]).await;
    let producer = broker.producer(&[]);
    send(&producer, &topic, 0, b"one").await;
    let member = Member::start(&broker, "back", &topic, "cooperative-sticky");
    until("the member has both", || shared(&[&member], 2)).await;
    member.consumer.commit(&list(&topic, 0, 1, "before"), CommitMode::Sync).unwrap();
    broker.stop().await;
    let mut config = crate::harness::config(dir.path());
    config.listen = listen;
    let broker = Broker::start_with(config).await;
    let commit = list(&topic, 0, 1, "after");
    until("a commit of the new generation is taken", || member.consumer.commit(&commit, CommitMode::Sync).is_ok()).await;
    assert_eq!(committed(&member.consumer, &topic, 0), (Offset::Offset(1), "after".to_owned()));
    assert!(shared(&[&member], 2));
    assert_eq!(send(&producer, &topic, 0, b"two").await, 1);
    member.end();
    broker.stop().await;
}
