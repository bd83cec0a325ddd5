//! What consumer groups have still to read: retention by size leaves it, so that a burst cannot take what was acknowledged and
//! never read. Where readers stay away for good the disk fills, which producers are told of.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::node::Node;

/// After a start members need a while to come back: until then every group counts, later those with members.
const RETURN: Duration = Duration::from_secs(600);

/// The lowest offset that a group has committed, by the topic's id and the partition.
pub type Unread = HashMap<(u128, i32), i64>;

/// Asks all groups of a broker that runs since `started`.
pub async fn unread(node: &Node, started: Instant) -> Unread {
    let all_count = started.elapsed() < RETURN;
    let mut lowest = Unread::new();
    for name in node.offsets.names().await {
        let has_members = || node.groups.look(&name, |group| !group.members.is_empty()).unwrap_or(false);
        if !all_count && !has_members() {
            continue;
        }
        for ((_, partition), committed) in node.offsets.read(&name).await.unwrap_or_default() {
            let offset = lowest.entry((committed.topic_id, partition)).or_insert(committed.offset);
            *offset = committed.offset.min(*offset);
        }
    }
    lowest
}
