//! The protocol byte by byte: every request in every version, and bytes that are no request.

use crate::harness::{Broker, PATIENCE, account, external};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, RequestHeader, RequestKind, ResponseHeader, ResponseKind, SaslAuthenticateRequest,
    SaslHandshakeRequest,
};
use kafka_protocol::protocol::{Decodable, Encodable, Request};
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};
use service::signature::{mac, sha256};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection that speaks the protocol by hand.
pub struct Wire(TcpStream);

impl Wire {
    /// One that nobody knows.
    pub async fn stranger(broker: &Broker) -> Wire {
        Wire(TcpStream::connect(&broker.address).await.unwrap())
    }

    /// With the account that may do everything.
    pub async fn to(broker: &Broker) -> Wire {
        let (user, password) = account();
        Wire::of(broker, &user, &password).await.unwrap()
    }

    /// With an account of its own, or the number of the error.
    pub async fn of(broker: &Broker, user: &str, password: &str) -> Result<Wire, i16> {
        let mut wire = Wire::stranger(broker).await;
        wire.authenticate(user, password).await.map(|()| wire)
    }

    /// Shows the password of an account, and checks that the server knows it too.
    async fn authenticate(&mut self, user: &str, password: &str) -> Result<(), i16> {
        let mechanism = SaslHandshakeRequest::default().with_mechanism("SCRAM-SHA-256".to_owned().into());
        assert_eq!(self.call(1, &mechanism).await.error_code, 0);
        let bare = format!("n={user},r=nonce-of-the-test");
        let answer = self.prove(&format!("n,,{bare}")).await?;
        let field = |name: &str| answer.split(',').find_map(|field| field.strip_prefix(name)).unwrap();
        let salt = BASE64_STANDARD.decode(field("s=")).unwrap();
        let mut last = mac(password.as_bytes(), &[&salt, &1_u32.to_be_bytes()]);
        let mut salted = last;
        for _ in 1..field("i=").parse::<u32>().unwrap() {
            last = mac(password.as_bytes(), &[&last]);
            salted.iter_mut().zip(last).for_each(|(byte, more)| *byte ^= more);
        }
        let unproven = format!("c=biws,r={}", field("r="));
        let said = format!("{bare},{answer},{unproven}");
        let mut key = mac(&salted, &[b"Client Key"]);
        let signature = mac(&sha256(&key), &[said.as_bytes()]);
        key.iter_mut().zip(signature).for_each(|(byte, mask)| *byte ^= mask);
        let theirs = self.prove(&format!("{unproven},p={}", BASE64_STANDARD.encode(key))).await?;
        let expected = mac(&mac(&salted, &[b"Server Key"]), &[said.as_bytes()]);
        assert_eq!(theirs, format!("v={}", BASE64_STANDARD.encode(expected)), "the server knows the password");
        Ok(())
    }

    async fn prove(&mut self, message: &str) -> Result<String, i16> {
        let message = Bytes::copy_from_slice(message.as_bytes());
        let answer = self.call(1, &SaslAuthenticateRequest::default().with_auth_bytes(message)).await;
        let text = || String::from_utf8(answer.auth_bytes.to_vec()).unwrap();
        if answer.error_code == 0 { Ok(text()) } else { Err(answer.error_code) }
    }

    /// Whether the broker has closed it.
    pub async fn is_closed(&mut self) -> bool {
        self.receive().await.is_none()
    }

    /// Whether it answers a question for the versions that it serves.
    pub async fn is_answered(&mut self) -> bool {
        self.0.write_all(&[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff]).await.is_ok() && self.receive().await.is_some()
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    pub async fn send(&mut self, key: i16, version: i16, encode: impl FnOnce(&mut BytesMut)) {
        let mut frame = BytesMut::new();
        frame.put_u32(0);
        let header = RequestHeader::default().with_request_api_key(key).with_request_api_version(version).with_correlation_id(7);
        let header_version = ApiKey::try_from(key).map_or(1, |api| api.request_header_version(version));
        header.encode(&mut frame, header_version).unwrap();
        encode(&mut frame);
        let length = (frame.len() - 4) as u32;
        frame[..4].copy_from_slice(&length.to_be_bytes());
        self.0.write_all(&frame).await.unwrap();
    }

    /// The next answer's bytes, or none where the connection is closed.
    pub async fn receive(&mut self) -> Option<Bytes> {
        let read = async {
            let length = self.0.read_u32().await.ok()?;
            let mut frame = vec![0; length as usize];
            self.0.read_exact(&mut frame).await.ok()?;
            Some(Bytes::from(frame))
        };
        tokio::time::timeout(PATIENCE, read).await.expect("neither answered nor closed")
    }

    /// Sends a request in a version and reads its answer.
    pub async fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        self.send(R::KEY, version, |frame| request.encode(frame, version).unwrap()).await;
        let mut frame = self.receive().await.expect("an answer");
        let api = ApiKey::try_from(R::KEY).unwrap();
        let header = ResponseHeader::decode(&mut frame, api.response_header_version(version)).unwrap();
        assert_eq!(header.correlation_id, 7);
        let response = R::Response::decode(&mut frame, version).unwrap();
        assert!(!frame.has_remaining(), "bytes after the answer");
        response
    }
}

/// From version 3 on Apache Kafka wants to know who asks, and by which version of a software.
fn who_asks() -> ApiVersionsRequest {
    let named = |text: &str| text.to_owned().into();
    ApiVersionsRequest::default().with_client_software_name(named("test")).with_client_software_version(named("1"))
}

pub async fn served(wire: &mut Wire) -> Vec<(ApiKey, i16, i16)> {
    let versions = wire.call(3, &who_asks()).await;
    assert_eq!(versions.error_code, 0);
    let entry = |api: &kafka_protocol::messages::api_versions_response::ApiVersion| {
        Some((ApiKey::try_from(api.api_key).ok()?, api.min_version, api.max_version))
    };
    let entries: Vec<_> = versions.api_keys.iter().filter_map(entry).collect();
    assert!(external().is_some() || entries.len() == versions.api_keys.len(), "we offer nothing that has no name");
    entries
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_version_that_is_offered_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    broker.topic("wire", 1, &[]).await;
    let mut wire = Wire::to(&broker).await;
    let mut answered = 0;
    for (api, least, most) in served(&mut wire).await {
        let Some(request) = default_request(api) else {
            assert!(external().is_some(), "{api:?} is offered and not tested");
            continue;
        };
        for version in least.max(api.valid_versions().min)..=most.min(api.valid_versions().max) {
            let mut request = request.clone();
            if let RequestKind::Produce(produce) = &mut request {
                produce.acks = -1;
            }
            wire.send(api as i16, version, |frame| request.encode(frame, version).unwrap()).await;
            let mut frame = wire.receive().await.unwrap_or_else(|| panic!("{api:?} {version} was not answered"));
            ResponseHeader::decode(&mut frame, api.response_header_version(version)).unwrap();
            ResponseKind::decode(api, &mut frame, version).unwrap();
            assert!(!frame.has_remaining(), "{api:?} {version}: bytes after the answer");
            answered += 1;
        }
    }
    assert!(answered > 120, "{answered}");
    drop(wire);
    broker.stop().await;
}

/// A request of each kind that the embedded log serves.
pub fn default_request(api: ApiKey) -> Option<RequestKind> {
    use kafka_protocol::messages as m;
    Some(match api {
        ApiKey::Produce => m::ProduceRequest::default().into(),
        ApiKey::Fetch => m::FetchRequest::default().into(),
        ApiKey::ListOffsets => m::ListOffsetsRequest::default().into(),
        ApiKey::Metadata => m::MetadataRequest::default().into(),
        ApiKey::OffsetCommit => m::OffsetCommitRequest::default().into(),
        ApiKey::OffsetFetch => m::OffsetFetchRequest::default().into(),
        ApiKey::FindCoordinator => m::FindCoordinatorRequest::default().into(),
        ApiKey::JoinGroup => m::JoinGroupRequest::default().into(),
        ApiKey::Heartbeat => m::HeartbeatRequest::default().into(),
        ApiKey::LeaveGroup => m::LeaveGroupRequest::default().into(),
        ApiKey::SyncGroup => m::SyncGroupRequest::default().into(),
        ApiKey::DescribeGroups => m::DescribeGroupsRequest::default().into(),
        ApiKey::ListGroups => m::ListGroupsRequest::default().into(),
        ApiKey::SaslHandshake => m::SaslHandshakeRequest::default().into(),
        ApiKey::SaslAuthenticate => m::SaslAuthenticateRequest::default().into(),
        ApiKey::ApiVersions => who_asks().into(),
        ApiKey::CreateTopics => m::CreateTopicsRequest::default().into(),
        ApiKey::DeleteTopics => m::DeleteTopicsRequest::default().into(),
        ApiKey::DeleteRecords => m::DeleteRecordsRequest::default().into(),
        ApiKey::InitProducerId => m::InitProducerIdRequest::default().into(),
        ApiKey::OffsetForLeaderEpoch => m::OffsetForLeaderEpochRequest::default().into(),
        ApiKey::DescribeConfigs => m::DescribeConfigsRequest::default().into(),
        ApiKey::AlterConfigs => m::AlterConfigsRequest::default().into(),
        ApiKey::CreatePartitions => m::CreatePartitionsRequest::default().into(),
        ApiKey::DeleteGroups => m::DeleteGroupsRequest::default().into(),
        ApiKey::IncrementalAlterConfigs => m::IncrementalAlterConfigsRequest::default().into(),
        ApiKey::OffsetDelete => m::OffsetDeleteRequest::default().into(),
        ApiKey::DescribeCluster => m::DescribeClusterRequest::default().into(),
        _ => return None,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_served_is_closed_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let mut wire = Wire::to(&broker).await;
    wire.send(18, 99, |frame| frame.put_u8(0)).await;
    let mut frame = wire.receive().await.unwrap();
    assert_eq!(frame.get_i32(), 7);
    let versions = ApiVersionsResponse::decode(&mut frame, 0).unwrap();
    assert_eq!(versions.error_code, ResponseError::UnsupportedVersion.code());
    assert!(!versions.api_keys.is_empty(), "a client can choose a version from this");
    // Apache Kafka has transactions, and waits for the bytes of a short request.
    let ours_only = external().is_none();
    let unserved = [(28, 0), (26, 1), (0, 2), (1, 99), (999, 0), (-1, 0)];
    for (key, version) in unserved.into_iter().skip(if ours_only { 0 } else { 2 }) {
        let mut wire = Wire::to(&broker).await;
        wire.send(key, version, |frame| frame.put_bytes(0, 40)).await;
        assert!(wire.receive().await.is_none(), "{key} {version}");
    }
    let huge_array = [&[0, 3, 0, 1, 0, 0, 0, 7, 0xff, 0xff][..], &i32::MAX.to_be_bytes()].concat();
    let frames: [Vec<u8>; 5] = [
        huge_array,
        vec![0, 3, 0, 1],
        vec![0xff; 100],
        [&[0, 0, 0, 9, 0, 0, 0, 7][..], &[0xff; 60]].concat(),
        [&[0, 18, 0, 3, 0, 0, 0, 7, 0, 0, 0][..], &[0xff; 9]].concat(),
    ];
    for frame in frames {
        let mut wire = Wire::to(&broker).await;
        wire.0.write_u32(frame.len() as u32).await.unwrap();
        wire.0.write_all(&frame).await.unwrap();
        assert!(wire.receive().await.is_none(), "{frame:?}");
    }
    let lengths = [u32::MAX, 0x7fff_ffff, 0, 7];
    for length in lengths.into_iter().take(if ours_only { 4 } else { 2 }) {
        let mut wire = Wire::to(&broker).await;
        wire.0.write_u32(length).await.unwrap();
        assert!(wire.receive().await.is_none(), "{length}");
    }
    let mut wire = Wire::to(&broker).await;
    assert!(!served(&mut wire).await.is_empty());
    drop(wire);
    broker.stop().await;
}

/// Keys of [`batch`].
pub const KEYS: i32 = 40;

/// A batch of records that each hold their number, and have one of the [`KEYS`].
pub fn batch(producer: i64, epoch: i16, sequence: i32, count: i32) -> Bytes {
    let record = |n: i32| Record {
        transactional: false,
        control: false,
        partition_leader_epoch: 0,
        producer_id: producer,
        producer_epoch: epoch,
        timestamp_type: TimestampType::Creation,
        offset: i64::from(n),
        sequence: sequence + n,
        timestamp: 1_000,
        delete_horizon: false,
        key: Some(Bytes::from(((sequence + n) % KEYS).to_string())),
        value: Some(Bytes::from(format!("{}", sequence + n))),
        headers: Default::default(),
    };
    let records: Vec<Record> = (0..count).map(record).collect();
    let mut out = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut out, records.iter(), &options).unwrap();
    out.freeze()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duplicates_and_gaps_are_answered_as_kafka_does_also_after_a_restart() {
    use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
    use kafka_protocol::messages::{InitProducerIdRequest, ProduceRequest, TopicName};
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let topic = broker.topic("twice", 1, &[]).await;
    let mut wire = Wire::to(&broker).await;
    let given = wire
        .call(4, &InitProducerIdRequest::default().with_transactional_id(None).with_producer_id((-1).into()).with_producer_epoch(-1))
        .await;
    assert_eq!(given.error_code, 0);
    let producer = *given.producer_id;
    let produce = |epoch: i16, sequence: i32, count: i32| {
        let data = PartitionProduceData::default().with_records(Some(batch(producer, epoch, sequence, count)));
        let named = TopicProduceData::default().with_name(TopicName(topic.clone().into())).with_partition_data(vec![data]);
        ProduceRequest::default().with_acks(-1).with_timeout_ms(10_000).with_topic_data(vec![named])
    };
    async fn sent(wire: &mut Wire, request: &ProduceRequest) -> (i16, i64) {
        let response = wire.call(8, request).await;
        let partition = &response.responses[0].partition_responses[0];
        (partition.error_code, partition.base_offset)
    }
    assert_eq!(sent(&mut wire, &produce(0, 0, 3)).await, (0, 0));
    assert_eq!(sent(&mut wire, &produce(0, 3, 2)).await, (0, 3));
    assert_eq!(sent(&mut wire, &produce(0, 0, 3)).await, (0, 0), "sent again");
    assert_eq!(sent(&mut wire, &produce(0, 6, 1)).await.0, ResponseError::OutOfOrderSequenceNumber.code());
    drop(wire);
    broker.stop().await;
    let broker = if crate::harness::external().is_some() { return } else { Broker::start(dir.path()).await };
    let mut wire = Wire::to(&broker).await;
    assert_eq!(sent(&mut wire, &produce(0, 3, 2)).await, (0, 3), "sent again after a restart");
    assert_eq!(sent(&mut wire, &produce(0, 6, 1)).await.0, ResponseError::OutOfOrderSequenceNumber.code());
    assert_eq!(sent(&mut wire, &produce(0, 5, 1)).await, (0, 5));
    assert_eq!(sent(&mut wire, &produce(1, 0, 1)).await, (0, 6), "a new epoch begins");
    assert_eq!(sent(&mut wire, &produce(0, 6, 1)).await.0, ResponseError::InvalidProducerEpoch.code());
    let mut damaged = produce(1, 1, 1);
    damaged.topic_data[0].partition_data[0].records = Some({
        let mut bytes = batch(producer, 1, 1, 1).to_vec();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        bytes.into()
    });
    assert_eq!(sent(&mut wire, &damaged).await.0, ResponseError::CorruptMessage.code());
    drop(wire);
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_poll_over_many_partitions_is_woken_by_any() {
    use kafka_protocol::messages::FetchRequest;
    use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let topic = broker.topic("many", 8, &[]).await;
    let producer = broker.producer(&[]);
    let partition = |index: i32| FetchPartition::default().with_partition(index).with_partition_max_bytes(1 << 20);
    let asked = FetchTopic::default().with_topic(kafka_protocol::messages::TopicName(topic.clone().into()));
    let asked = asked.with_partitions((0..8).map(partition).collect());
    let request = FetchRequest::default().with_max_wait_ms(0).with_min_bytes(1).with_max_bytes(1 << 20);
    let request = request.with_replica_id((-1).into()).with_topics(vec![asked]);
    let mut wire = Wire::to(&broker).await;
    // Apache Kafka makes a topic before its partitions can be read, and says so at once.
    let deadline = Instant::now() + PATIENCE;
    while wire.call(11, &request).await.responses[0].partitions.iter().any(|partition| partition.error_code != 0) {
        assert!(Instant::now() < deadline, "the partitions cannot be read");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let request = request.with_max_wait_ms(60_000);
    let mut waiting = tokio::spawn(async move { wire.call(11, &request).await });
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut waiting).await.is_err(), "nothing to read yet");
    crate::harness::send(&producer, &topic, 5, b"wake").await;
    let response = tokio::time::timeout(PATIENCE, waiting).await.unwrap().unwrap();
    let filled = |data: &&kafka_protocol::messages::fetch_response::PartitionData| data.records.as_ref().is_some_and(|r| !r.is_empty());
    let filled: Vec<i32> = response.responses[0].partitions.iter().filter(filled).map(|data| data.partition_index).collect();
    assert_eq!(filled, [5]);
    broker.stop().await;
}
