//! What consumer groups have not read yet. Retention by size keeps it, so that a burst cannot remove records that were acknowledged
//! and never read. If the readers stay away for good, the disk fills up, and producers get an error.

use crate::coordinator::Coordinator;
use crate::offsets::OffsetStore;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// After a start members need a while to join again: until then every group counts, later only groups with members.
const REJOIN_TIME: Duration = Duration::from_secs(600);

/// The lowest offset that a group has committed, by the topic's id and the partition.
pub type Unread = HashMap<(u128, i32), i64>;

/// Asks all groups of a broker that runs since `started`.
pub async fn unread(groups: &Coordinator, offsets: &OffsetStore, started: Instant) -> Unread {
    let all_count = started.elapsed() < REJOIN_TIME;
    let mut lowest = Unread::new();
    for name in offsets.names().await {
        let has_members = || groups.look(&name, |group| !group.members.is_empty()).unwrap_or(false);
        if !all_count && !has_members() {
            continue;
        }
        for ((_, partition), committed) in offsets.read(&name).await.unwrap_or_default() {
            let offset = lowest.entry((committed.topic_id, partition)).or_insert(committed.offset);
            *offset = committed.offset.min(*offset);
        }
    }
    lowest
}
