//! Looking inside a batch: the records' times, offsets and keys. Decompression is bounded.

use super::batch::{HEADER, Header};
use super::error::StorageError;
use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::compression::{Compressor, Decompressor, Snappy};
use std::io::{self, Read, Write};

/// No batch may become larger than this when decompressed.
const MAX_INFLATED: u64 = 256 * 1024 * 1024;

/// A record, as far as the broker looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its offset.
    pub offset: i64,
    /// Its time, milliseconds.
    pub timestamp: i64,
    /// Its key.
    pub key: Option<Bytes>,
    /// Whether it has a value; without one it deletes its key.
    pub has_value: bool,
    /// The record as it lies in the batch, length included.
    pub raw: Bytes,
}

/// A record's place and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Its offset.
    pub offset: i64,
    /// Its time, milliseconds.
    pub timestamp: i64,
}

/// Offsets and times of a batch's records.
pub fn moments(header: &Header, batch: &Bytes) -> io::Result<Vec<Moment>> {
    let records = decode(header, batch)?;
    Ok(records.into_iter().map(|record| Moment { offset: record.offset, timestamp: record.timestamp }).collect())
}

/// Compacted topics take no records without a key.
pub fn require_keys(batch: &Bytes, header: &Header) -> Result<(), StorageError> {
    let records = decode(header, batch).map_err(|_| StorageError::Invalid)?;
    if records.iter().all(|record| record.key.is_some()) { Ok(()) } else { Err(StorageError::Invalid) }
}

/// All records of a batch.
pub fn decode(header: &Header, batch: &Bytes) -> io::Result<Vec<Record>> {
    let mut rest = inflate(header, batch)?;
    let mut records = Vec::new();
    for _ in 0..header.count {
        let record = next_record(header, &mut rest).ok_or_else(damaged)?;
        records.push(record);
    }
    Ok(records)
}

/// The records' bytes, decompressed.
pub fn inflate(header: &Header, batch: &Bytes) -> io::Result<Bytes> {
    if batch.len() < HEADER {
        return Err(damaged());
    }
    let packed = batch.slice(HEADER..);
    match header.attributes & 0b111 {
        0 => Ok(packed),
        1 => bounded(flate2::read::GzDecoder::new(packed.reader())),
        2 => unsnap(packed),
        3 => bounded(lz4_flex::frame::FrameDecoder::new(packed.reader())),
        4 => bounded(zstd::stream::read::Decoder::new(packed.reader())?),
        _ => Err(damaged()),
    }
}

/// Packs records as the batch's codec says.
pub fn deflate(header: &Header, plain: Bytes) -> io::Result<Vec<u8>> {
    match header.attributes & 0b111 {
        0 => Ok(plain.into()),
        1 => {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            packed.write_all(&plain)?;
            packed.finish()
        }
        2 => {
            let mut packed = BytesMut::new();
            let fill = |buffer: &mut BytesMut| {
                buffer.extend_from_slice(&plain);
                Ok(())
            };
            Snappy::compress(&mut packed, fill).map_err(|_| damaged())?;
            Ok(packed.into())
        }
        3 => {
            let mut packed = lz4_flex::frame::FrameEncoder::new(Vec::new());
            packed.write_all(&plain)?;
            packed.finish().map_err(io::Error::other)
        }
        4 => zstd::stream::encode_all(plain.reader(), zstd::DEFAULT_COMPRESSION_LEVEL),
        _ => Err(damaged()),
    }
}

fn bounded(reader: impl Read) -> io::Result<Bytes> {
    let mut out = Vec::new();
    let read = reader.take(MAX_INFLATED + 1).read_to_end(&mut out)?;
    if read as u64 > MAX_INFLATED { Err(damaged()) } else { Ok(Bytes::from(out)) }
}

/// Snappy packs at most about 1:22; a block that claims more is not one, and its claim is not believed.
fn unsnap(mut packed: Bytes) -> io::Result<Bytes> {
    const FRAMED: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
    let framed = packed.starts_with(&FRAMED);
    let mut blocks = packed.clone();
    if framed {
        if blocks.len() < 16 {
            return Err(damaged());
        }
        blocks.advance(16);
    }
    while blocks.has_remaining() {
        let length = if framed { blocks.try_get_u32().map_err(|_| damaged())? as usize } else { blocks.len() };
        let mut block = blocks.clone();
        if length > block.len() {
            return Err(damaged());
        }
        block.truncate(length);
        let claimed = varint(&mut block).ok_or_else(damaged)?;
        if claimed > (length as u64) * 64 + 64 || claimed > MAX_INFLATED {
            return Err(damaged());
        }
        blocks.advance(length);
    }
    Snappy::decompress(&mut packed, |plain: &mut Bytes| Ok(plain.clone())).map_err(|_| damaged())
}

fn next_record(header: &Header, rest: &mut Bytes) -> Option<Record> {
    let whole = rest.clone();
    let length = usize::try_from(zigzag(rest)?).ok()?;
    let prefix = whole.len() - rest.len();
    if length > rest.len() {
        return None;
    }
    let mut body = rest.split_to(length);
    body.try_get_i8().ok()?;
    let timestamp = header.base_timestamp.checked_add(zigzag(&mut body)?)?;
    let offset = header.base_offset.checked_add(zigzag(&mut body)?)?;
    let key = field(&mut body)?;
    let value = field(&mut body)?;
    let timestamp = if header.is_append_time() { header.max_timestamp } else { timestamp };
    let raw = whole.slice(..prefix + length);
    Some(Record { offset, timestamp, key, has_value: value.is_some(), raw })
}

/// A field with its length before it; a negative length is no field.
#[allow(clippy::option_option)]
fn field(body: &mut Bytes) -> Option<Option<Bytes>> {
    match usize::try_from(zigzag(body)?) {
        Ok(length) if length <= body.len() => Some(Some(body.split_to(length))),
        Ok(_) => None,
        Err(_) => Some(None),
    }
}

fn zigzag(bytes: &mut Bytes) -> Option<i64> {
    let raw = varint(bytes)?;
    Some(((raw >> 1) as i64) ^ -((raw & 1) as i64))
}

fn varint(bytes: &mut Bytes) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = bytes.try_get_u8().ok()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the records of a batch are damaged")
}
