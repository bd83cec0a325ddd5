//! What a group refuses whom, spoken by hand; and members that die without a word.

use crate::groups::{Member, shared};
use crate::harness::{Broker, until};
use crate::wire::Wire;
use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::{
    FindCoordinatorRequest, GroupId, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, OffsetCommitRequest, SyncGroupRequest,
    TopicName,
};
use kafka_protocol::protocol::StrBytes;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn text(value: &str) -> StrBytes {
    value.to_owned().into()
}

fn group_id(group: &str) -> GroupId {
    GroupId(text(group))
}

/// A member that speaks by hand, alone in its group.
struct Hand<'a> {
    wire: Wire,
    group: &'a str,
    topic: &'a str,
}

impl Hand<'_> {
    async fn join(&mut self, member: &str) -> JoinGroupResponse {
        let protocol = JoinGroupRequestProtocol::default().with_name(text("own")).with_metadata(Bytes::from_static(b"any"));
        let request = JoinGroupRequest::default()
            .with_group_id(group_id(self.group))
            .with_session_timeout_ms(30_000)
            .with_rebalance_timeout_ms(30_000)
            .with_member_id(text(member))
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![protocol]);
        self.wire.call(5, &request).await
    }

    /// Joins until the coordinator is ready and has given a name, and takes its share.
    async fn enter(&mut self, member: &str) -> (String, i32) {
        let mut member = member.to_owned();
        let joined = loop {
            let joined = self.join(&member).await;
            if joined.error_code == 0 {
                break joined;
            }
            let waits = [ResponseError::NotCoordinator, ResponseError::CoordinatorNotAvailable, ResponseError::CoordinatorLoadInProgress];
            let named = joined.error_code == ResponseError::MemberIdRequired.code();
            assert!(named || waits.iter().any(|wait| wait.code() == joined.error_code), "{}", joined.error_code);
            if named {
                member = joined.member_id.to_string();
            } else {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let request = SyncGroupRequest::default()
            .with_group_id(group_id(self.group))
            .with_generation_id(joined.generation_id)
            .with_member_id(joined.member_id.clone());
        assert_eq!(self.wire.call(3, &request).await.error_code, 0);
        (joined.member_id.to_string(), joined.generation_id)
    }

    async fn commit(&mut self, member: &str, generation: i32) -> i16 {
        let place = OffsetCommitRequestPartition::default().with_partition_index(0).with_committed_offset(5);
        let topic = OffsetCommitRequestTopic::default().with_name(TopicName(text(self.topic))).with_partitions(vec![place]);
        let request = OffsetCommitRequest::default()
            .with_group_id(group_id(self.group))
            .with_generation_id_or_member_epoch(generation)
            .with_member_id(text(member))
            .with_topics(vec![topic]);
        self.wire.call(7, &request).await.topics[0].partitions[0].error_code
    }

    async fn heartbeat(&mut self, member: &str, generation: i32) -> i16 {
        let request =
            HeartbeatRequest::default().with_group_id(group_id(self.group)).with_generation_id(generation).with_member_id(text(member));
        self.wire.call(3, &request).await.error_code
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_living_member_of_an_old_generation_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let topic = broker.topic("generations", 1, &[]).await;
    let group = format!("generations-{topic}");
    let mut wire = Wire::to(&broker).await;
    wire.call(3, &FindCoordinatorRequest::default().with_key(text(&group))).await;
    let mut hand = Hand { wire, group: &group, topic: &topic };
    let (member, first) = hand.enter("").await;
    assert_eq!(hand.commit(&member, first).await, 0);
    assert_eq!(hand.heartbeat(&member, first).await, 0);
    let (again, second) = hand.enter(&member).await;
    assert_eq!((again.as_str(), second), (member.as_str(), first + 1));
    let stale = ResponseError::IllegalGeneration.code();
    assert_eq!(hand.commit(&member, first).await, stale, "a commit of the generation before");
    assert_eq!(hand.heartbeat(&member, first).await, stale);
    assert_eq!(hand.commit(&member, second + 1).await, stale, "of one that is yet to come");
    let stranger = ResponseError::UnknownMemberId.code();
    assert_eq!(hand.commit("stranger", second).await, stranger);
    assert_eq!(hand.heartbeat("stranger", second).await, stranger);
    assert_eq!(hand.commit("", -1).await, stranger, "without a generation while there are members");
    assert_eq!(hand.commit(&member, second).await, 0);
    assert_eq!(hand.heartbeat(&member, second).await, 0);
    drop(hand);
    broker.stop().await;
}

const CHILD: &str = "AFTERSHOCK_MEMBER_CHILD";

/// Not a test of its own: a member as a process, where the variable says so (broker, group, topic and strategy).
#[test]
fn child() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let told: Vec<&str> = told.split('|').collect();
    let mut config = Broker::at(told[0]).consumer_config(told[1]);
    config.set("partition.assignment.strategy", told[3]).set("session.timeout.ms", "6000").set("heartbeat.interval.ms", "300");
    let consumer: BaseConsumer = config.create().unwrap();
    consumer.subscribe(&[told[2]]).unwrap();
    loop {
        drop(consumer.poll(Duration::from_millis(50)));
    }
}

fn start(told: &str) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args(["--exact", "generations::child", "--nocapture"]).env(CHILD, told).stdout(Stdio::null());
    command.spawn().unwrap()
}

async fn survivor_takes_over(strategy: &str) {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let topic = broker.topic("dying", 4, &[]).await;
    let group = format!("dying-{topic}");
    let survivor = Member::start(&broker, &group, &topic, strategy);
    until("one member has all", || shared(&[&survivor], 4)).await;
    let mut dying = start(&format!("{}|{group}|{topic}|{strategy}", broker.address));
    until("two members share", || survivor.partitions().len() == 2).await;
    dying.kill().unwrap();
    dying.wait().unwrap();
    let died = Instant::now();
    until("the survivor has all", || shared(&[&survivor], 4)).await;
    let took = died.elapsed();
    assert!(took > Duration::from_secs(4), "nobody is thrown out before the session ends: {took:?}");
    assert!(took < Duration::from_secs(12), "{took:?}");
    survivor.end();
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_dies_without_leaving_is_replaced_range() {
    survivor_takes_over("range").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_dies_without_leaving_is_replaced_cooperative() {
    survivor_takes_over("cooperative-sticky").await;
}
