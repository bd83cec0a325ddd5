//! The shape of requests, checked before anything is decoded.
//!
//! The protocol crate gives memory for an array as soon as it has read how many elements it claims to have. So every
//! length and count is compared here with the bytes that are there, and the elements of a request are bounded.

use crate::walk::Walk;
use kafka_protocol::messages::ApiKey;

/// Whether a request (header and body) has its shape.
pub fn check(key: ApiKey, version: i16, frame: &[u8]) -> Option<()> {
    let header = key.request_header_version(version);
    let mut walk = Walk::new(frame, header >= 2);
    walk.header(header)?;
    body(&mut walk, key, version)?;
    walk.tags()
}

fn body(w: &mut Walk<'_>, key: ApiKey, v: i16) -> Option<()> {
    match key {
        ApiKey::Produce => produce(w, v),
        ApiKey::Fetch => fetch(w, v),
        ApiKey::ListOffsets => {
            w.fixed(4)?;
            w.fixed(if v >= 2 { 1 } else { 0 })?;
            w.topics_with(&|w| w.structures(&|w| w.fixed(if v >= 4 { 16 } else { 12 })))
        }
        ApiKey::OffsetForLeaderEpoch => {
            w.fixed(if v >= 3 { 4 } else { 0 })?;
            w.topics_with(&|w| w.structures(&|w| w.fixed(12)))
        }
        ApiKey::Metadata => {
            w.structures(&|w| {
                w.fixed(if v >= 10 { 16 } else { 0 })?;
                w.text()
            })?;
            let flags = [v >= 4, (8..=10).contains(&v), v >= 8];
            w.fixed(flags.into_iter().filter(|there| *there).count())
        }
        ApiKey::ApiVersions if v >= 3 => {
            w.text()?;
            w.text()
        }
        ApiKey::ApiVersions => Some(()),
        ApiKey::SaslHandshake => w.text(),
        ApiKey::SaslAuthenticate => w.bytes(),
        ApiKey::DescribeCluster => w.fixed(1 + usize::from(v >= 1) + usize::from(v >= 2)),
        ApiKey::FindCoordinator if v >= 4 => {
            w.fixed(1)?;
            w.texts()
        }
        ApiKey::FindCoordinator => {
            w.text()?;
            w.fixed(usize::from(v >= 1))
        }
        ApiKey::InitProducerId => {
            w.text()?;
            w.fixed(if v >= 3 { 14 } else { 4 })
        }
        ApiKey::OffsetCommit | ApiKey::OffsetFetch | ApiKey::OffsetDelete => offsets(w, key, v),
        ApiKey::JoinGroup | ApiKey::SyncGroup | ApiKey::Heartbeat | ApiKey::LeaveGroup => membership(w, key, v),
        ApiKey::DescribeGroups => {
            w.texts()?;
            w.fixed(usize::from(v >= 3))
        }
        ApiKey::ListGroups => {
            if v >= 4 {
                w.texts()?;
            }
            if v >= 5 { w.texts() } else { Some(()) }
        }
        ApiKey::DeleteGroups => w.texts(),
        _ => administration(w, key, v),
    }
}

fn produce(w: &mut Walk<'_>, v: i16) -> Option<()> {
    w.text()?;
    w.fixed(6)?;
    w.structures(&|w| {
        if v >= 13 {
            w.fixed(16)?
        } else {
            w.text()?
        }
        w.structures(&|w| {
            w.fixed(4)?;
            w.bytes()
        })
    })
}

fn fetch(w: &mut Walk<'_>, v: i16) -> Option<()> {
    w.fixed(if v >= 15 { 0 } else { 4 })?;
    w.fixed(if v >= 7 { 21 } else { 13 })?;
    let topic = |w: &mut Walk<'_>| if v >= 13 { w.fixed(16) } else { w.text() };
    let partition = 4 + if v >= 9 { 4 } else { 0 } + 8 + if v >= 12 { 4 } else { 0 } + if v >= 5 { 8 } else { 0 } + 4;
    w.structures(&|w| {
        topic(w)?;
        w.structures(&|w| w.fixed(partition))
    })?;
    if v >= 7 {
        w.structures(&|w| {
            topic(w)?;
            w.integers()
        })?;
    }
    if v >= 11 { w.text() } else { Some(()) }
}

fn offsets(w: &mut Walk<'_>, key: ApiKey, v: i16) -> Option<()> {
    match key {
        ApiKey::OffsetCommit => {
            w.text()?;
            w.fixed(4)?;
            w.text()?;
            if v >= 7 {
                w.text()?;
            }
            w.fixed(if v <= 4 { 8 } else { 0 })?;
            w.topics_with(&|w| {
                w.structures(&|w| {
                    w.fixed(if v >= 6 { 16 } else { 12 })?;
                    w.text()
                })
            })
        }
        ApiKey::OffsetFetch if v >= 8 => {
            w.structures(&|w| {
                w.text()?;
                if v >= 9 {
                    w.text()?;
                    w.fixed(4)?;
                }
                w.topics_with(&|w| w.integers())
            })?;
            w.fixed(1)
        }
        ApiKey::OffsetFetch => {
            w.text()?;
            w.topics_with(&|w| w.integers())?;
            w.fixed(usize::from(v >= 7))
        }
        _ => {
            w.text()?;
            w.topics_with(&|w| w.integers())
        }
    }
}

fn membership(w: &mut Walk<'_>, key: ApiKey, v: i16) -> Option<()> {
    w.text()?;
    match key {
        ApiKey::JoinGroup => {
            w.fixed(if v >= 1 { 8 } else { 4 })?;
            w.text()?;
            if v >= 5 {
                w.text()?;
            }
            w.text()?;
            w.structures(&|w| {
                w.text()?;
                w.bytes()
            })?;
            if v >= 8 { w.text() } else { Some(()) }
        }
        ApiKey::LeaveGroup if v >= 3 => w.structures(&|w| {
            w.text()?;
            w.text()?;
            if v >= 5 { w.text() } else { Some(()) }
        }),
        ApiKey::LeaveGroup => w.text(),
        _ => {
            w.fixed(4)?;
            w.text()?;
            if v >= 3 {
                w.text()?;
            }
            if key == ApiKey::Heartbeat {
                return Some(());
            }
            if v >= 5 {
                w.text()?;
                w.text()?;
            }
            w.structures(&|w| {
                w.text()?;
                w.bytes()
            })
        }
    }
}

fn administration(w: &mut Walk<'_>, key: ApiKey, v: i16) -> Option<()> {
    let named_values = |w: &mut Walk<'_>, operation: usize| {
        w.structures(&|w| {
            w.text()?;
            w.fixed(operation)?;
            w.text()
        })
    };
    match key {
        ApiKey::CreateTopics => {
            w.structures(&|w| {
                w.text()?;
                w.fixed(6)?;
                w.structures(&|w| {
                    w.fixed(4)?;
                    w.integers()
                })?;
                named_values(w, 0)
            })?;
            w.fixed(5)
        }
        ApiKey::DeleteTopics => {
            if v >= 6 {
                w.structures(&|w| {
                    w.text()?;
                    w.fixed(16)
                })?;
            } else {
                w.texts()?;
            }
            w.fixed(4)
        }
        ApiKey::CreatePartitions => {
            w.topics_with(&|w| {
                w.fixed(4)?;
                w.structures(&|w| w.integers())
            })?;
            w.fixed(5)
        }
        ApiKey::DeleteRecords => {
            w.topics_with(&|w| w.structures(&|w| w.fixed(12)))?;
            w.fixed(4)
        }
        ApiKey::DescribeConfigs => {
            w.structures(&|w| {
                w.fixed(1)?;
                w.text()?;
                w.texts()
            })?;
            w.fixed(if v >= 3 { 2 } else { 1 })
        }
        ApiKey::AlterConfigs | ApiKey::IncrementalAlterConfigs => {
            let operation = usize::from(key == ApiKey::IncrementalAlterConfigs);
            w.structures(&|w| {
                w.fixed(1)?;
                w.text()?;
                named_values(w, operation)
            })?;
            w.fixed(1)
        }
        _ => None,
    }
}
