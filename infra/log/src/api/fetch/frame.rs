//! The frame of an answer to a fetch, around records that are still in the log's files.
//!
//! The library encodes an answer with all its records in memory. Here it encodes what is around them, and the records go from
//! the file to the socket. The layout is Kafka's `FetchResponse`, versions 4 to 17; a test holds it against the library's.

use crate::call::{Call, Malformed, Piece};
use crate::storage::reading::Records;
use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::{FetchResponse, ResponseHeader, TopicName};
use kafka_protocol::protocol::{Encodable, HeaderVersion};

/// From this version on lengths are variable and every structure ends with its tagged fields.
const FLEXIBLE: i16 = 12;
/// From this version on topics have no name but an id.
const BY_ID: i16 = 13;

/// A topic's part of an answer. The records in `PartitionData` are empty, those beside it are sent.
pub struct TopicPart {
    pub name: TopicName,
    pub id: u128,
    pub partitions: Vec<(PartitionData, Records)>,
}

/// The frame in pieces, its length in front.
pub fn frame(call: &Call, topics: Vec<TopicPart>) -> Result<Vec<Piece>, Malformed> {
    let mut out = Writer { version: call.version, pieces: Vec::new(), bytes: BytesMut::with_capacity(256) };
    out.bytes.put_u32(0);
    let header = ResponseHeader::default().with_correlation_id(call.correlation);
    header.encode(&mut out.bytes, FetchResponse::header_version(call.version)).map_err(|_| Malformed::Answer)?;
    // Nobody is throttled, there is no error, there are no sessions.
    out.bytes.put_bytes(0, if call.version >= 7 { 10 } else { 4 });
    out.count(topics.len());
    for topic in topics {
        out.topic(topic)?;
    }
    out.no_tags();
    out.finish()
}

struct Writer {
    version: i16,
    pieces: Vec<Piece>,
    /// What is not yet a piece.
    bytes: BytesMut,
}

impl Writer {
    fn topic(&mut self, topic: TopicPart) -> Result<(), Malformed> {
        if self.version >= BY_ID {
            self.bytes.put_u128(topic.id);
        } else {
            let name = topic.name.as_bytes();
            match self.version >= FLEXIBLE {
                true => self.variable(name.len() + 1),
                false => self.bytes.put_i16(i16::try_from(name.len()).map_err(|_| Malformed::Answer)?),
            }
            self.bytes.put_slice(name);
        }
        self.count(topic.partitions.len());
        for (data, records) in topic.partitions {
            self.partition(&data, records)?;
        }
        self.no_tags();
        Ok(())
    }

    /// The records are the last of a partition's fields, before the tagged ones: in their place stands an empty array.
    fn partition(&mut self, data: &PartitionData, records: Records) -> Result<(), Malformed> {
        data.encode(&mut self.bytes, self.version).map_err(|_| Malformed::Answer)?;
        let none: &[u8] = if self.version >= FLEXIBLE { &[1, 0] } else { &[0, 0, 0, 0] };
        let before = self.bytes.len().checked_sub(none.len()).filter(|at| self.bytes[*at..] == *none).ok_or(Malformed::Answer)?;
        self.bytes.truncate(before);
        match self.version >= FLEXIBLE {
            true => self.variable(records.len() + 1),
            false => self.bytes.put_u32(u32::try_from(records.len()).map_err(|_| Malformed::Answer)?),
        }
        match records {
            Records::Read(bytes) => self.bytes.put_slice(&bytes),
            Records::Stored(stored) => {
                self.pieces.push(Piece::Bytes(self.bytes.split().freeze()));
                self.pieces.push(Piece::Stored(stored));
            }
        }
        self.no_tags();
        Ok(())
    }

    fn count(&mut self, count: usize) {
        match self.version >= FLEXIBLE {
            true => self.variable(count + 1),
            false => self.bytes.put_u32(count as u32),
        }
    }

    fn no_tags(&mut self) {
        if self.version >= FLEXIBLE {
            self.bytes.put_u8(0);
        }
    }

    /// An unsigned number, seven bits a byte, the lowest first.
    fn variable(&mut self, mut number: usize) {
        while number >= 0x80 {
            self.bytes.put_u8(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.put_u8(number as u8);
    }

    fn finish(mut self) -> Result<Vec<Piece>, Malformed> {
        self.pieces.push(Piece::Bytes(self.bytes.freeze()));
        let length = self.pieces.iter().map(Piece::len).sum::<usize>() - 4;
        let length = u32::try_from(length).map_err(|_| Malformed::Answer)?;
        if let Some(Piece::Bytes(first)) = self.pieces.first_mut() {
            let mut head = BytesMut::from(&first[..]);
            head[..4].copy_from_slice(&length.to_be_bytes());
            *first = Bytes::from(head);
        }
        Ok(self.pieces)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::call::{Addresses, encode};
    use crate::storage::reading::Stored;
    use kafka_protocol::messages::ApiKey;
    use kafka_protocol::messages::fetch_response::FetchableTopicResponse;
    use proptest::prelude::*;

    fn call(version: i16) -> Call {
        let nowhere = ([127, 0, 0, 1], 0).into();
        Call {
            key: ApiKey::Fetch,
            version,
            correlation: 77,
            client: String::new(),
            addresses: Addresses { peer: nowhere, local: nowhere },
            principal: None,
        }
    }

    proptest! {
        #[test]
        fn it_is_what_the_library_would_write(
            version in 4i16..=17,
            shape in proptest::collection::vec(("[a-z崩]{0,90}", any::<u128>(), proptest::collection::vec((0i32..200, any::<i64>(), 0usize..300, any::<bool>()), 0..4)), 0..4),
        ) {
            let file = std::sync::Arc::new(tempfile::tempfile().unwrap());
            let content: Vec<u8> = (0..700u32).map(|n| n as u8).collect();
            std::os::unix::fs::FileExt::write_all_at(&*file, &content, 0).unwrap();
            let mut whole = FetchResponse::default();
            let mut topics = Vec::new();
            for (name, id, partitions) in shape {
                let name = TopicName(name.into());
                let mut theirs = FetchableTopicResponse::default();
                theirs = if version >= BY_ID { theirs.with_topic_id(crate::api::uuid(id)) } else { theirs.with_topic(name.clone()) };
                let mut ours = Vec::new();
                for (index, offset, length, stored) in partitions {
                    let data = PartitionData::default().with_partition_index(index).with_high_watermark(offset).with_log_start_offset(offset / 2);
                    let data = data.with_aborted_transactions(None);
                    let at = length % 50;
                    let bytes = Bytes::copy_from_slice(&content[at..at + length]);
                    theirs.partitions.push(data.clone().with_records(Some(bytes.clone())));
                    let records = if stored { Records::Stored(Stored::new(file.clone(), at as u64, length)) } else { Records::Read(bytes) };
                    ours.push((data.with_records(Some(Bytes::new())), records));
                }
                whole.responses.push(theirs);
                topics.push(TopicPart { name, id, partitions: ours });
            }
            let mut written = Vec::new();
            for piece in frame(&call(version), topics).unwrap() {
                match piece {
                    Piece::Bytes(bytes) => written.extend_from_slice(&bytes),
                    Piece::Stored(mut stored) => {
                        let mut some = Vec::new();
                        while stored.read(&mut some, 100).unwrap() {
                            written.extend_from_slice(&some);
                        }
                    }
                }
            }
            prop_assert_eq!(Bytes::from(written), encode(&call(version), &whole).unwrap());
        }
    }
}
