//! Hashes of content (which reports say the same) and of delivery (which requests carry the same report).

use crate::ids::{ChangeId, ConnectionId, Digest, ReportId};
use sha2::{Digest as _, Sha256};

/// What says that two reports have the same content: message, stack, error code, app version and platform as sent (before
/// any cut), absent = empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// As the protocol documents it, for people to compare: SHA-256 of the five values joined by `|`.
    pub digest: Digest,
    /// Tells all contents apart.
    exact: Digest,
}

impl Content {
    /// Of message, stack, error code, app version and platform.
    pub fn of(parts: [&str; 5]) -> Self {
        let mut joined = Sha256::new();
        for (position, part) in parts.into_iter().enumerate() {
            if position > 0 {
                joined.update(b"|");
            }
            joined.update(part);
        }
        let digest = Digest(joined.finalize().into());
        // Joined, `a|b` and `c` are `a` and `b|c`. Where no value holds the sign there is one way to take the text apart.
        let is_exact = parts.iter().all(|part| !part.as_bytes().contains(&b'|'));
        Self { digest, exact: if is_exact { digest } else { with_lengths(parts) } }
    }

    /// The number of the content.
    pub fn id(&self) -> u64 {
        content_id(&self.exact)
    }
}

/// SHA-256 of the values, each behind its length. Begins with a byte that is in no text, so that no joined text is the same.
fn with_lengths(parts: [&str; 5]) -> Digest {
    let mut hash = Sha256::new();
    hash.update([0xFF]);
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    Digest(hash.finalize().into())
}

/// The number that the log-message dialect answers with: positive, below 2^53, the same for the same content.
pub fn content_id(digest: &Digest) -> u64 {
    let mut head = [0; 8];
    head.copy_from_slice(&digest.0[..8]);
    (u64::from_be_bytes(head) >> 11).max(1)
}

/// What tells one delivery from another.
#[derive(Debug, Clone, Copy)]
pub enum Delivery<'a> {
    /// The client named the event: same app and id = re-delivery.
    Event(&'a str),
    /// The client said when: same app, content, device and time = re-delivery.
    Moment { device_id: &'a str, occurred_at: i64 },
    /// Neither: each post counts. The nonce makes it unlike any other.
    Unique { nonce: u128 },
}

impl<'a> Delivery<'a> {
    /// An empty `event_id` is none.
    pub fn new(event_id: &'a str, device_id: &'a str, occurred_at: Option<i64>, nonce: u128) -> Self {
        match (event_id, occurred_at) {
            ("", None) => Self::Unique { nonce },
            ("", Some(occurred_at)) => Self::Moment { device_id, occurred_at },
            _ => Self::Event(event_id),
        }
    }
}

/// Equality of delivery of a report.
pub fn report_id(app_id: &str, content: &Content, delivery: Delivery<'_>) -> ReportId {
    ReportId(delivery_hash(b"report", app_id, &content.exact.0, delivery))
}

/// Equality of delivery of a connection; `content` tells two connections of one device and moment apart (kind, version, platform).
pub fn connection_id(app_id: &str, content: &[u8], delivery: Delivery<'_>) -> ConnectionId {
    ConnectionId(delivery_hash(b"connection", app_id, content, delivery))
}

/// Identity of an issue change; the nonce tells two equal statements apart.
pub fn change_id(app_id: &str, content: &[u8], nonce: u128) -> ChangeId {
    ChangeId(delivery_hash(b"change", app_id, content, Delivery::Unique { nonce }))
}

/// The number under which a device is counted, per app; `None` where the client named no device.
/// 64 bits: among ten million devices a chance of 3 in a million that two share a number.
pub fn device_key(app_id: &str, device_id: &str) -> Option<u64> {
    if device_id.is_empty() {
        return None;
    }
    let mut hash = Sha256::new();
    hash.update(app_id);
    hash.update([0]);
    hash.update(device_id);
    let mut head = [0; 8];
    head.copy_from_slice(&hash.finalize()[..8]);
    Some(u64::from_be_bytes(head))
}

/// Where a device stands in the roll-out of a release, 0 to 99: it is among the first `percent` of the devices where this is below it.
/// Each release has an order of its own, so that it is not always the same devices that come first.
pub fn rollout_place(key: &[u8], device_id: &str) -> u8 {
    let mut hash = Sha256::new();
    hash.update(key);
    hash.update(b"|");
    hash.update(device_id);
    let mut head = [0; 8];
    head.copy_from_slice(&hash.finalize()[..8]);
    u8::try_from(u64::from_be_bytes(head) % 100).unwrap_or_default()
}

/// Identity of a dead letter: hash of its key, the position of the rejected record.
pub fn letter_id(key: &[u8]) -> [u8; 16] {
    let mut id = [0; 16];
    id.copy_from_slice(&Sha256::digest(key)[..16]);
    id
}

fn delivery_hash(what: &[u8], app_id: &str, content: &[u8], delivery: Delivery<'_>) -> [u8; 16] {
    let mut hash = Sha256::new();
    let mut field = |bytes: &[u8]| {
        hash.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(bytes);
    };
    field(what);
    field(app_id.as_bytes());
    match delivery {
        Delivery::Event(event_id) => field(event_id.as_bytes()),
        Delivery::Moment { device_id, occurred_at } => {
            field(content);
            field(device_id.as_bytes());
            field(&occurred_at.to_be_bytes());
        }
        Delivery::Unique { nonce } => {
            field(content);
            field(b"");
            field(b"");
            field(&nonce.to_be_bytes());
        }
    }
    let mut id = [0; 16];
    id.copy_from_slice(&hash.finalize()[..16]);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_the_documented_join() {
        // printf 'boom|at a|E1|2.4.1|android' | sha256sum
        let content = Content::of(["boom", "at a", "E1", "2.4.1", "android"]);
        let joined: [u8; 32] = Sha256::digest("boom|at a|E1|2.4.1|android").into();
        assert_eq!((content.digest.0, content.id()), (joined, content_id(&content.digest)));
    }

    #[test]
    fn values_that_join_to_one_text_are_two_contents() {
        let one = Content::of(["load|fail", "at x", "", "", "web"]);
        let other = Content::of(["load", "fail|at x", "", "", "web"]);
        assert_eq!(one.digest, other.digest, "as the protocol documents it");
        assert_ne!(one.id(), other.id());
        assert_eq!(one.id(), Content::of(["load|fail", "at x", "", "", "web"]).id());
        let at = |content| report_id("app", content, Delivery::new("", "d1", Some(1), 7));
        assert_ne!(at(&one), at(&other), "neither is the re-delivery of the other");
        for parts in [["|", "", "", "", ""], ["", "|", "", "", ""], ["", "", "", "", "|"], ["||||", "", "", "", ""]] {
            assert_ne!(Content::of(parts).id(), Content::of(["", "", "", "", ""]).id(), "{parts:?}");
        }
    }

    #[test]
    fn content_id_is_a_positive_integer_below_two_to_the_53() {
        assert_eq!(content_id(&Digest([0; 32])), 1);
        assert_eq!(content_id(&Digest([0xff; 32])), (1 << 53) - 1);
    }

    #[test]
    fn a_redelivery_has_the_same_id_and_another_device_has_not() {
        let digest = Content::of(["boom", "", "", "", "web"]);
        let id = |device, at| report_id("app", &digest, Delivery::new("", device, at, 7));
        assert_eq!(id("d1", Some(1)), id("d1", Some(1)));
        assert_ne!(id("d1", Some(1)), id("d2", Some(1)));
        assert_ne!(id("d1", Some(1)), id("d1", Some(2)));
        assert_ne!(id("d1", None), report_id("app", &digest, Delivery::new("", "d1", None, 8)));
        let by_event = |digest| report_id("app", digest, Delivery::new("e-1", "d1", None, 9));
        assert_eq!(by_event(&digest), by_event(&Content::of(["other", "", "", "", ""])));
    }

    #[test]
    fn a_device_is_counted_per_app_and_none_is_none() {
        assert_eq!(device_key("a", ""), None);
        assert_ne!(device_key("a", "d"), device_key("b", "d"));
        assert_eq!(device_key("a", "设备"), device_key("a", "设备"));
    }
}
