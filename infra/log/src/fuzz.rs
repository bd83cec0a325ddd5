//! Bytes that are no request and no segment: nothing panics, and no claim of a length is given memory.
//!
//! Mutations of well-formed bytes from a seed, so a failure can be repeated. `AFTERSHOCK_FUZZ` says how many
//! executions (a few thousand unless told), `AFTERSHOCK_FUZZ_SEED` where they begin:
//! `AFTERSHOCK_FUZZ=5000000 cargo test --release -p embedded-log --lib fuzz`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::route::APIS;
use crate::shape;
use crate::storage::batch::{self, Header};
use crate::storage::index::Index;
use crate::storage::producer_state::Producers;
use crate::storage::records;
use crate::storage::segment::Batches;
use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestHeader, RequestKind};
use kafka_protocol::protocol::{Decodable, Encodable};
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::os::unix::fs::FileExt;

/// Executions to do, by the environment.
fn executions() -> u64 {
    number("AFTERSHOCK_FUZZ").unwrap_or(5_000)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn random() -> StdRng {
    StdRng::seed_from_u64(number("AFTERSHOCK_FUZZ_SEED").unwrap_or(1))
}

/// The greatest memory this process had, KiB.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or(0)
}

/// One to four changes: bits, interesting bytes, cuts, insertions, repetitions, a piece of another seed.
fn mutate(random: &mut StdRng, bytes: &mut Vec<u8>, other: &[u8]) {
    const INTERESTING: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, 0xfe, 0x40, 0x3f];
    for _ in 0..random.random_range(1..=4) {
        if bytes.is_empty() {
            return;
        }
        let at = random.random_range(0..bytes.len());
        match random.random_range(0..7) {
            0 => bytes[at] ^= 1 << random.random_range(0..8),
            1 => bytes[at] = INTERESTING[random.random_range(0..INTERESTING.len())],
            2 => bytes.truncate(at),
            3 => {
                let value = INTERESTING[random.random_range(0..INTERESTING.len())];
                let end = bytes.len().min(at + random.random_range(1..=8));
                bytes[at..end].fill(value);
            }
            4 => {
                let more: Vec<u8> = (0..random.random_range(1..16)).map(|_| random.random()).collect();
                bytes.splice(at..at, more);
            }
            5 => {
                let end = bytes.len().min(at + random.random_range(1..64));
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            _ => {
                let from = random.random_range(0..=other.len());
                let end = other.len().min(from + random.random_range(0..64));
                let until = bytes.len().min(at + (end - from));
                bytes.splice(at..until, other[from..end].iter().copied());
            }
        }
    }
}

fn stored(count: i32, compression: Compression) -> Bytes {
    let record = |n: i32| Record {
        transactional: false,
        control: false,
        partition_leader_epoch: 0,
        producer_id: 7,
        producer_epoch: 0,
        timestamp_type: TimestampType::Creation,
        offset: i64::from(n),
        sequence: n,
        timestamp: 1_000 + i64::from(n),
        delete_horizon: false,
        key: Some(Bytes::from(format!("键-{n}"))),
        value: (n % 3 != 0).then(|| Bytes::from(vec![b'v'; n as usize * 5])),
        headers: Default::default(),
    };
    let records: Vec<Record> = (0..count).map(record).collect();
    let mut out = BytesMut::new();
    RecordBatchEncoder::encode(&mut out, records.iter(), &RecordEncodeOptions { version: 2, compression }).unwrap();
    out.freeze()
}

/// Requests of every kind with something in their arrays, where that matters.
fn requests() -> Vec<RequestKind> {
    use kafka_protocol::messages as m;
    use m::{
        create_topics_request as ct, fetch_request as f, join_group_request as j, list_offsets_request as l, metadata_request as md,
        offset_commit_request as oc, offset_fetch_request as of, produce_request as p, sync_group_request as s,
    };
    let topic = || m::TopicName("topic".to_owned().into());
    let group = || m::GroupId("group".to_owned().into());
    let data = p::PartitionProduceData::default().with_records(Some(stored(3, Compression::None)));
    let produced = p::TopicProduceData::default().with_name(topic()).with_partition_data(vec![data.clone(), data]);
    let fetched = f::FetchTopic::default().with_topic(topic()).with_partitions(vec![f::FetchPartition::default(); 3]);
    let forgotten = f::ForgottenTopic::default().with_topic(topic()).with_partitions(vec![1, 2]);
    let listed = l::ListOffsetsTopic::default().with_name(topic()).with_partitions(vec![l::ListOffsetsPartition::default(); 2]);
    let committed =
        oc::OffsetCommitRequestTopic::default().with_name(topic()).with_partitions(vec![oc::OffsetCommitRequestPartition::default(); 2]);
    let asked = of::OffsetFetchRequestTopic::default().with_name(topic()).with_partition_indexes(vec![0, 1]);
    let protocol =
        j::JoinGroupRequestProtocol::default().with_name("range".to_owned().into()).with_metadata(Bytes::from_static(b"metadata"));
    let share = s::SyncGroupRequestAssignment::default().with_assignment(Bytes::from_static(b"share"));
    let config = ct::CreatableTopicConfig::default().with_name("retention.ms".to_owned().into()).with_value(Some("1".to_owned().into()));
    let made = ct::CreatableTopic::default().with_name(topic()).with_num_partitions(1).with_configs(vec![config]);
    vec![
        m::ProduceRequest::default().with_acks(-1).with_topic_data(vec![produced]).into(),
        m::FetchRequest::default().with_topics(vec![fetched]).with_forgotten_topics_data(vec![forgotten]).into(),
        m::ListOffsetsRequest::default().with_topics(vec![listed]).into(),
        m::MetadataRequest::default().with_topics(Some(vec![md::MetadataRequestTopic::default().with_name(Some(topic())); 2])).into(),
        m::OffsetCommitRequest::default().with_group_id(group()).with_topics(vec![committed]).into(),
        m::OffsetFetchRequest::default().with_group_id(group()).with_topics(Some(vec![asked])).into(),
        m::FindCoordinatorRequest::default().with_key("group".to_owned().into()).into(),
        m::JoinGroupRequest::default().with_group_id(group()).with_protocols(vec![protocol]).into(),
        m::HeartbeatRequest::default().with_group_id(group()).into(),
        m::LeaveGroupRequest::default().with_group_id(group()).into(),
        m::SyncGroupRequest::default().with_group_id(group()).with_assignments(vec![share]).into(),
        m::DescribeGroupsRequest::default().with_groups(vec![group(), group()]).into(),
        m::ListGroupsRequest::default().into(),
        m::SaslHandshakeRequest::default().with_mechanism("SCRAM-SHA-256".to_owned().into()).into(),
        m::ApiVersionsRequest::default().with_client_software_name("fuzz".to_owned().into()).into(),
        m::CreateTopicsRequest::default().with_topics(vec![made]).into(),
        m::DeleteTopicsRequest::default().with_topic_names(vec![topic()]).into(),
        m::DeleteRecordsRequest::default().into(),
        m::InitProducerIdRequest::default().into(),
        m::OffsetForLeaderEpochRequest::default().into(),
        m::DescribeConfigsRequest::default().into(),
        m::AlterConfigsRequest::default().into(),
        m::SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from_static(b"n,,n=user,r=nonce")).into(),
        m::CreatePartitionsRequest::default().into(),
        m::DeleteGroupsRequest::default().with_groups_names(vec![group()]).into(),
        m::IncrementalAlterConfigsRequest::default().into(),
        m::OffsetDeleteRequest::default().into(),
        m::DescribeClusterRequest::default().into(),
    ]
}

/// Frames of every kind in every version that can carry them.
fn frames() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for (request, (key, least, most)) in requests().iter().zip(APIS) {
        for version in *least..=*most {
            let mut frame = BytesMut::new();
            let header = RequestHeader::default().with_request_api_key(*key as i16).with_request_api_version(version);
            header.encode(&mut frame, key.request_header_version(version)).unwrap();
            if request.encode(&mut frame, version).is_ok() {
                frames.push(frame.to_vec());
            }
        }
    }
    frames
}

/// What `route` does with a frame before anybody acts on it; whether it became a request.
fn decode(frame: &Bytes) -> bool {
    let mut head = frame.clone();
    let (Ok(key), Ok(version)) = (head.try_get_i16(), head.try_get_i16()) else { return false };
    let Some((key, ..)) = APIS.iter().find(|(api, least, most)| *api as i16 == key && (*least..=*most).contains(&version)) else {
        return false;
    };
    let mut body = frame.clone();
    if shape::check(*key, version, &body).is_none() || RequestHeader::decode(&mut body, key.request_header_version(version)).is_err() {
        return false;
    }
    RequestKind::decode(ApiKey::try_from(*key as i16).unwrap(), &mut body, version).is_ok()
}

#[test]
fn no_frame_panics_the_request_decoder() {
    let (mut random, frames) = (random(), frames());
    assert!(frames.len() > 90, "{}", frames.len());
    assert!(frames.iter().all(|frame| decode(&Bytes::from(frame.clone()))), "the seeds themselves are requests");
    let (before, mut requests) = (most_memory(), 0u64);
    for _ in 0..executions() {
        let mut frame = frames[random.random_range(0..frames.len())].clone();
        let other = random.random_range(0..frames.len());
        mutate(&mut random, &mut frame, &frames[other]);
        requests += u64::from(decode(&Bytes::from(frame)));
    }
    let grown = most_memory() - before;
    eprintln!("{} frames, {requests} of them requests, memory grew by {grown} KiB at most", executions());
    assert!(requests > 0 && grown < 256 * 1024);
}

/// Reads bytes in every way the broker reads a segment; how many records were found.
fn read_segment(file: &std::fs::File, bytes: &Bytes) -> usize {
    let mut found = 0;
    let mut batches = Batches::new(file, 0, bytes.len() as u64);
    while let Ok(Some((header, stored))) = batches.next_batch() {
        let stored = Bytes::copy_from_slice(stored);
        std::hint::black_box((batch::is_intact(&header, &stored), header.last_sequence()));
        if let Ok(records) = records::decode(&header, &stored) {
            found += records.len();
            let _ = records::moments(&header, &stored);
        }
        let mut index = Index::new(0);
        index.add(&header);
    }
    let _ = batch::admit(bytes, 1 << 20);
    let _ = (Index::decode(bytes), Producers::decode(bytes));
    found
}

/// Gives the first batch a right checksum again, so that what lies behind the check is met too.
fn seal(bytes: &mut [u8]) {
    let Some(size) = Header::parse(bytes).map(|header| header.size).filter(|size| *size <= bytes.len()) else { return };
    let crc = crc32c::crc32c(&bytes[21..size]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
}

#[test]
fn no_bytes_panic_the_segment_reader() {
    let codecs = [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
    let seeds: Vec<Vec<u8>> =
        codecs.iter().flat_map(|codec| [1, 9].map(|count| [stored(count, *codec), stored(2, *codec)].concat())).collect();
    let mut random = random();
    let in_memory = ["/dev/shm"].into_iter().find_map(|dir| tempfile::tempfile_in(dir).ok());
    let file = in_memory.unwrap_or_else(|| tempfile::tempfile().unwrap());
    let (before, mut found) = (most_memory(), 0);
    for _ in 0..executions() {
        let mut bytes = seeds[random.random_range(0..seeds.len())].clone();
        let other = random.random_range(0..seeds.len());
        mutate(&mut random, &mut bytes, &seeds[other]);
        if random.random() {
            seal(&mut bytes);
        }
        file.write_all_at(&bytes, 0).unwrap();
        found += read_segment(&file, &Bytes::from(bytes));
    }
    let grown = most_memory() - before;
    eprintln!("{} segments, {found} records in them, memory grew by {grown} KiB at most", executions());
    assert!(found > 0 && grown < 768 * 1024);
}
