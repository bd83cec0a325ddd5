//! Records out: whole batches as they lie in the log, as far as they are synced; a long poll where there are no new ones.

mod frame;

use self::frame::TopicPart;
use super::{NONE, TopicRef, blocking, code, partition};
use crate::access::Operation;
use crate::call::{Answer, Call, encode};
use crate::node::Node;
use crate::storage::partition::{Bounds, Fetched, Partition};
use crate::storage::reading::Records;
use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::{BrokerId, FetchRequest, FetchResponse};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A long poll does not last longer, whatever the client says.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// One partition's part of a request.
#[derive(Clone)]
struct Part {
    topic: usize,
    wanted: FetchPartition,
    source: Result<Arc<Partition>, ResponseError>,
}

impl Part {
    /// Whether an answer is due already: there is something, or something is wrong.
    fn is_due(&self) -> bool {
        let Ok(source) = &self.source else { return true };
        let bounds = source.bounds();
        self.wanted.fetch_offset != bounds.synced
    }
}

/// Waits for enough bytes or for long enough, then answers.
pub async fn handle(node: Arc<Node>, call: Call, request: FetchRequest) -> Option<Answer> {
    if request.session_id != 0 {
        let refusal = FetchResponse::default().with_error_code(ResponseError::FetchSessionIdNotFound.code());
        return encode(&call, &refusal).ok().map(Answer::of);
    }
    let parts = parts(&node, &call, &request);
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)).min(MAX_WAIT);
    let deadline = Instant::now() + wait;
    let read = poll(&node, &request, &parts, deadline).await?;
    frame::frame(&call, topics(request, parts, read)).ok().map(Answer)
}

fn parts(node: &Node, call: &Call, request: &FetchRequest) -> Vec<Part> {
    let mut parts = Vec::new();
    for (at, topic) in request.topics.iter().enumerate() {
        for wanted in &topic.partitions {
            let source = {
                let asked = TopicRef { name: &topic.topic, id: topic.topic_id.as_u128() };
                partition(node, call, Operation::Read, asked, wanted.partition)
            };
            let source = if wanted.current_leader_epoch > 0 { Err(ResponseError::UnknownLeaderEpoch) } else { source };
            parts.push(Part { topic: at, wanted: wanted.clone(), source });
        }
    }
    parts
}

type Read = Vec<Result<Fetched, i16>>;

async fn poll(node: &Node, request: &FetchRequest, parts: &[Part], deadline: Instant) -> Option<Read> {
    let budget = usize::try_from(request.max_bytes).unwrap_or(0).min(node.config.max_fetch_bytes);
    let least = usize::try_from(request.min_bytes).unwrap_or(0).min(budget);
    let mut stopping = node.stopping.subscribe();
    loop {
        let more = Arc::new(Notify::new());
        for source in parts.iter().filter_map(|part| part.source.as_ref().ok()) {
            source.notify(&more);
        }
        let in_time = Instant::now() < deadline && !*stopping.borrow_and_update();
        if least == 0 || !in_time || parts.iter().any(Part::is_due) {
            let reading = parts.to_vec();
            let read = blocking(move || read(reading, budget)).await.ok()?;
            let bytes: usize = read.iter().flatten().map(|fetched| fetched.batches.len()).sum();
            if bytes >= least || !in_time || read.iter().any(Result::is_err) {
                return Some(read);
            }
        }
        tokio::select! {
            () = more.notified() => {}
            () = tokio::time::sleep_until(deadline) => {}
            _ = stopping.changed() => {}
        }
    }
}

fn read(parts: Vec<Part>, budget: usize) -> Read {
    let mut left = budget;
    let mut first = true;
    let mut read = Vec::with_capacity(parts.len());
    for part in parts {
        let result = match &part.source {
            Err(error) => Err(error.code()),
            Ok(source) => {
                let most = usize::try_from(part.wanted.partition_max_bytes).unwrap_or(0).min(left);
                source.read(part.wanted.fetch_offset, most, first).map_err(|refusal| code(&refusal))
            }
        };
        if let Ok(fetched) = &result {
            left = left.saturating_sub(fetched.batches.len());
            first &= fetched.batches.is_empty();
        }
        read.push(result);
    }
    read
}

/// What was read, under the topics of the request.
fn topics(request: FetchRequest, parts: Vec<Part>, read: Read) -> Vec<TopicPart> {
    let named = |topic: FetchTopic| TopicPart { name: topic.topic, id: topic.topic_id.as_u128(), partitions: Vec::new() };
    let mut topics: Vec<TopicPart> = request.topics.into_iter().map(named).collect();
    for (part, result) in parts.into_iter().zip(read) {
        let data = PartitionData::default().with_partition_index(part.wanted.partition).with_preferred_read_replica(BrokerId(-1));
        let data = data.with_records(Some(Bytes::new()));
        let answered = match (result, &part.source) {
            (Ok(fetched), _) => (filled(data, fetched.bounds), fetched.batches),
            (Err(error), source) => {
                let bounds = source.as_ref().ok().map(|source| source.bounds());
                let start = bounds.map_or(-1, |bounds| bounds.start);
                let end = bounds.map_or(-1, |bounds| bounds.synced);
                let data = data.with_error_code(error).with_high_watermark(end).with_last_stable_offset(end).with_log_start_offset(start);
                (data, Records::NONE)
            }
        };
        if let Some(topic) = topics.get_mut(part.topic) {
            topic.partitions.push(answered);
        }
    }
    topics
}

fn filled(data: PartitionData, bounds: Bounds) -> PartitionData {
    data.with_error_code(NONE)
        .with_high_watermark(bounds.synced)
        .with_last_stable_offset(bounds.synced)
        .with_log_start_offset(bounds.start)
        .with_aborted_transactions(None)
}
