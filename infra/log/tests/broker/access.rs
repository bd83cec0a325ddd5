//! Who may come in and who may do what: strangers nothing, each role's account its work and no more.
//!
//! What a role may do is read from `docs/kafka-access.md`, so the same table holds on an Apache Kafka to which that page was applied.

use crate::harness::{Broker, config, external, send};
use crate::wire::{Wire, batch, default_request, served};
use embedded_log::{Account, Grant, Resource};
use kafka_protocol::ResponseError;
use kafka_protocol::messages as m;
use kafka_protocol::messages::{ApiKey, GroupId, RequestKind, TopicName};
use kafka_protocol::protocol::{Encodable, StrBytes};

const REFUSED: i16 = 29;
const GROUP_REFUSED: i16 = 30;
const GROUP: &str = "aftershock-processor";
const ROLES: [&str; 3] = ["ingest", "processor", "query"];
const TOPICS: [&str; 5] = ["raw-reports", "connections", "issue-changes", "rejected-reports", "releases"];
/// For each topic: writes, reads, or may only know of it.
const MAY: [(&str, [&str; 5]); 3] =
    [("ingest", ["w", "w", "", "", "r"]), ("processor", ["r", "r", "r", "rw", ""]), ("query", ["d", "d", "w", "d", "rw"])];

/// The grants of a role, from the page's commands.
fn grants(role: &str) -> Vec<Grant> {
    let page = include_str!("../../../../docs/kafka-access.md");
    let of_role = format!("acls --allow-principal User:{role} ");
    page.lines().filter_map(|line| line.strip_prefix(&of_role)).flat_map(grants_of_command).collect()
}

/// The grants that one command gives, without the prefix of the names.
fn grants_of_command(options: &str) -> Vec<Grant> {
    let words: Vec<&str> = options.split(' ').collect();
    let pairs: Vec<(&str, &str)> =
        words.chunks_exact(2).map(|pair| (pair[0], pair[1].trim_matches('"').trim_start_matches("${PREFIX}"))).collect();
    let operations = pairs.iter().filter(|(option, _)| *option == "--operation");
    let operations: Vec<_> = operations.map(|(_, operation)| serde_json::from_value((*operation).into()).unwrap()).collect();
    let resource = |option: &str| match option {
        "--topic" => Some(Resource::Topic),
        "--group" => Some(Resource::Group),
        _ => None,
    };
    let named = pairs.iter().filter_map(|(option, name)| resource(option).map(|resource| (resource, *name)));
    named.map(|(resource, name)| Grant { resource, name: name.to_owned(), operations: operations.clone() }).collect()
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn topic(name: &str) -> TopicName {
    TopicName(text(name))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_may_ask_for_the_versions_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let kept = broker.topic("kept", 1, &[]).await;
    assert_eq!(send(&broker.producer(&[]), &kept, 0, b"secret").await, 0);
    let apis = served(&mut Wire::stranger(&broker).await).await;
    let mut refused = 0;
    for (api, _, most) in apis {
        let free = [ApiKey::ApiVersions, ApiKey::SaslHandshake, ApiKey::SaslAuthenticate];
        let Some(request) = default_request(api).filter(|_| !free.contains(&api)) else { continue };
        let request = match (api, request) {
            (ApiKey::DeleteTopics, RequestKind::DeleteTopics(_)) => m::DeleteTopicsRequest::default()
                .with_topics(vec![m::delete_topics_request::DeleteTopicState::default().with_name(Some(topic(&kept)))])
                .into(),
            (_, request) => request,
        };
        let version = most.min(api.valid_versions().max);
        let mut wire = Wire::stranger(&broker).await;
        wire.send(api as i16, version, |frame| request.encode(frame, version).unwrap()).await;
        assert!(wire.is_closed().await, "{api:?} was answered to a stranger");
        refused += 1;
    }
    assert!(refused >= 25, "{refused}");
    assert_eq!(send(&broker.producer(&[]), &kept, 0, b"more").await, 1, "nothing was changed");
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_refused_as_a_wrong_name_is() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let (user, password) = crate::harness::account();
    let failed = ResponseError::SaslAuthenticationFailed.code();
    for (user, password) in [(user.as_str(), "wrong"), (user.as_str(), ""), ("nobody", password.as_str())] {
        assert_eq!(Wire::of(&broker, user, password).await.err(), Some(failed), "{user} {password}");
    }
    let mut wire = Wire::stranger(&broker).await;
    let plain = m::SaslHandshakeRequest::default().with_mechanism(text("PLAIN"));
    let answer = wire.call(1, &plain).await;
    assert_eq!(answer.error_code, ResponseError::UnsupportedSaslMechanism.code());
    assert!(answer.mechanisms.contains(&text("SCRAM-SHA-256")) && wire.is_closed().await);
    let mut early = Wire::stranger(&broker).await;
    early.send(ApiKey::SaslAuthenticate as i16, 1, |frame| m::SaslAuthenticateRequest::default().encode(frame, 1).unwrap()).await;
    assert!(external().is_some() || early.receive().await.is_some(), "told that there was no greeting");
    assert!(early.is_closed().await);
    assert!(Wire::of(&broker, &user, &password).await.is_ok(), "and the right one opens");
    broker.stop().await;
}

/// A broker with the accounts of the roles, and topics of the prefix that their ACLs name.
struct Staffed {
    broker: Broker,
    prefix: &'static str,
    password: String,
    _dir: tempfile::TempDir,
}

impl Staffed {
    async fn start() -> Staffed {
        let dir = tempfile::tempdir().unwrap();
        // The test of a whole pipeline takes the prefixes below this one.
        let prefix = if external().is_some() { "t199-" } else { "" };
        let password = if external().is_some() { crate::harness::account().1 } else { "of a role".to_owned() };
        let mut config = config(dir.path());
        config.accounts.extend(ROLES.map(|role| Account {
            name: role.to_owned(),
            password: password.as_str().into(),
            grants: grants(role),
        }));
        let broker = Broker::start_with(config).await;
        for name in TOPICS {
            // The records of this test are of 1970.
            broker.make(&format!("{prefix}{name}"), 1, &[("retention.ms", "-1")]).await;
        }
        Staffed { broker, prefix, password, _dir: dir }
    }

    fn named(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    async fn wire(&self, role: &str) -> Wire {
        Wire::of(&self.broker, role, &self.password).await.unwrap()
    }
}

async fn produced(wire: &mut Wire, name: &str) -> i16 {
    use m::produce_request::{PartitionProduceData, TopicProduceData};
    let data = PartitionProduceData::default().with_records(Some(batch(-1, -1, -1, 1)));
    let named = TopicProduceData::default().with_name(topic(name)).with_partition_data(vec![data]);
    let request = m::ProduceRequest::default().with_acks(-1).with_timeout_ms(10_000).with_topic_data(vec![named]);
    wire.call(8, &request).await.responses[0].partition_responses[0].error_code
}

async fn fetched(wire: &mut Wire, name: &str) -> i16 {
    use m::fetch_request::{FetchPartition, FetchTopic};
    let part = FetchPartition::default().with_partition_max_bytes(1 << 20);
    let named = FetchTopic::default().with_topic(topic(name)).with_partitions(vec![part]);
    let request = m::FetchRequest::default().with_replica_id((-1).into()).with_max_bytes(1 << 20).with_topics(vec![named]);
    wire.call(11, &request).await.responses[0].partitions[0].error_code
}

async fn listed(wire: &mut Wire, name: &str) -> i16 {
    use m::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
    let part = ListOffsetsPartition::default().with_timestamp(-1).with_current_leader_epoch(-1);
    let named = ListOffsetsTopic::default().with_name(topic(name)).with_partitions(vec![part]);
    let request = m::ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(vec![named]);
    wire.call(5, &request).await.topics[0].partitions[0].error_code
}

/// What a question for all topics shows, and the error of a question for this one.
async fn described(wire: &mut Wire, name: &str) -> (bool, i16) {
    let all = wire.call(9, &m::MetadataRequest::default().with_topics(None)).await;
    let is_shown = all.topics.iter().any(|shown| shown.name.as_ref().is_some_and(|shown| shown.as_str() == name));
    let one = m::metadata_request::MetadataRequestTopic::default().with_name(Some(topic(name)));
    let one = wire.call(9, &m::MetadataRequest::default().with_topics(Some(vec![one]))).await;
    (is_shown, one.topics[0].error_code)
}

/// Errors of everything that only the operator may do with a topic.
async fn administered(wire: &mut Wire, name: &str) -> [i16; 6] {
    let deleted = m::DeleteTopicsRequest::default().with_topic_names(vec![topic(name)]).with_timeout_ms(5_000);
    let deleted = wire.call(5, &deleted).await.responses[0].error_code;
    let part = m::delete_records_request::DeleteRecordsPartition::default().with_offset(-1);
    let part = m::delete_records_request::DeleteRecordsTopic::default().with_name(topic(name)).with_partitions(vec![part]);
    let emptied = wire.call(2, &m::DeleteRecordsRequest::default().with_timeout_ms(5_000).with_topics(vec![part])).await;
    let value = m::incremental_alter_configs_request::AlterableConfig::default();
    let value = value.with_name(text("retention.ms")).with_value(Some(text("1")));
    let value = m::incremental_alter_configs_request::AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text(name))
        .with_configs(vec![value]);
    let altered = wire.call(1, &m::IncrementalAlterConfigsRequest::default().with_resources(vec![value])).await;
    let asked = m::describe_configs_request::DescribeConfigsResource::default().with_resource_type(2).with_resource_name(text(name));
    let shown = wire.call(2, &m::DescribeConfigsRequest::default().with_resources(vec![asked])).await;
    let more = m::create_partitions_request::CreatePartitionsTopic::default().with_name(topic(name)).with_count(9);
    let more = more.with_assignments(None);
    let grown = wire.call(2, &m::CreatePartitionsRequest::default().with_timeout_ms(5_000).with_topics(vec![more])).await;
    let another = m::create_topics_request::CreatableTopic::default().with_name(topic(&format!("{name}-2"))).with_num_partitions(1);
    let another = another.with_replication_factor(1);
    let made = wire.call(5, &m::CreateTopicsRequest::default().with_timeout_ms(5_000).with_topics(vec![another])).await;
    [
        deleted,
        emptied.topics[0].partitions[0].error_code,
        altered.responses[0].error_code,
        shown.results[0].error_code,
        grown.results[0].error_code,
        made.topics[0].error_code,
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_does_its_work_with_topics_and_no_more() {
    let staffed = Staffed::start().await;
    for (role, rights) in MAY {
        let mut wire = staffed.wire(role).await;
        for (name, may) in TOPICS.into_iter().zip(rights) {
            let (name, at) = (staffed.named(name), format!("{role} {name}"));
            let expected = |allowed: bool| if allowed { 0 } else { REFUSED };
            assert_eq!(produced(&mut wire, &name).await, expected(may.contains('w')), "{at}: produce");
            assert_eq!(fetched(&mut wire, &name).await, expected(may.contains('r')), "{at}: fetch");
            assert_eq!(listed(&mut wire, &name).await, expected(!may.is_empty()), "{at}: offsets");
            assert_eq!(described(&mut wire, &name).await, (!may.is_empty(), expected(!may.is_empty())), "{at}: metadata");
            assert_eq!(administered(&mut wire, &name).await, [REFUSED; 6], "{at}: administration");
        }
        let given = wire.call(1, &m::InitProducerIdRequest::default().with_transactional_id(None)).await;
        assert_eq!(given.error_code, 0, "{role}: each of them writes somewhere");
    }
    let mut operator = Wire::to(&staffed.broker).await;
    assert_eq!(produced(&mut operator, &staffed.named("releases")).await, 0, "the operator may");
    staffed.broker.stop().await;
}

/// Errors of a group's requests: the coordinator, joining, what it committed, a commit, and deleting it.
async fn in_group(wire: &mut Wire, group: &str, name: &str) -> [i16; 5] {
    let id = GroupId(text(group));
    let coordinator = wire.call(3, &m::FindCoordinatorRequest::default().with_key(text(group))).await.error_code;
    let offer = m::join_group_request::JoinGroupRequestProtocol::default().with_name(text("range"));
    let join = m::JoinGroupRequest::default().with_group_id(id.clone()).with_session_timeout_ms(10_000).with_rebalance_timeout_ms(10_000);
    let joined = wire.call(5, &join.with_protocol_type(text("consumer")).with_protocols(vec![offer])).await.error_code;
    let asked = m::offset_fetch_request::OffsetFetchRequestTopic::default().with_name(topic(name)).with_partition_indexes(vec![0]);
    let asked = m::OffsetFetchRequest::default().with_group_id(id.clone()).with_topics(Some(vec![asked]));
    let known = wire.call(5, &asked).await;
    let known = known.topics.iter().flat_map(|topic| &topic.partitions).map(|part| part.error_code).fold(known.error_code, i16::max);
    let part = m::offset_commit_request::OffsetCommitRequestPartition::default().with_committed_offset(1);
    let part = m::offset_commit_request::OffsetCommitRequestTopic::default().with_name(topic(name)).with_partitions(vec![part]);
    let commit = m::OffsetCommitRequest::default().with_group_id(id.clone()).with_generation_id_or_member_epoch(-1);
    let committed = wire.call(6, &commit.with_topics(vec![part])).await.topics[0].partitions[0].error_code;
    let deleted = wire.call(1, &m::DeleteGroupsRequest::default().with_groups_names(vec![id])).await.results[0].error_code;
    [coordinator, joined, known, committed, deleted]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_does_its_work_with_groups_and_no_more() {
    if external().is_some() {
        // Apache Kafka makes its topic of offsets at the first question and asks to come again; the suite of the whole shows the rest.
        return;
    }
    let staffed = Staffed::start().await;
    let member = ResponseError::MemberIdRequired.code();
    for (role, group, expected) in [
        ("processor", GROUP, [0, member, 0, 0, GROUP_REFUSED]),
        ("query", GROUP, [0, GROUP_REFUSED, 0, GROUP_REFUSED, GROUP_REFUSED]),
        ("ingest", GROUP, [GROUP_REFUSED; 5]),
        ("processor", "another", [GROUP_REFUSED; 5]),
        ("query", "another", [GROUP_REFUSED; 5]),
    ] {
        let (group, name) = (staffed.named(group), staffed.named("raw-reports"));
        assert_eq!(in_group(&mut staffed.wire(role).await, &group, &name).await, expected, "{role} {group}");
    }
    let mut wire = staffed.wire("processor").await;
    let releases = staffed.named("releases");
    let outcome = in_group(&mut wire, &staffed.named(GROUP), &releases).await;
    assert_eq!(outcome[2..4], [REFUSED, REFUSED], "offsets of a topic that is none of its business");
    let seen = staffed.wire("ingest").await.call(4, &m::ListGroupsRequest::default()).await;
    assert!(seen.groups.is_empty(), "{seen:?}");
    staffed.broker.stop().await;
}
