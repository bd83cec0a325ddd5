//! ClickHouse's own block frames: `decompress=1` on the way in, `compress=1` on the way out.
//!
//! A frame is 16 bytes of checksum (CityHash128 of ClickHouse's old version, over all that follows), a method byte, the
//! length of the frame without the checksum and the length of the content, both little-endian `u32`, and the content.

use crate::exception::{CANNOT_DECOMPRESS, CHECKSUM_DOESNT_MATCH, Exception, UNKNOWN_COMPRESSION_METHOD};
use cityhash_rs::cityhash_102_128;
use std::io::{self, BufRead, Read};

const CHECKSUM: usize = 16;
const HEADER: usize = 9;
const NONE: u8 = 0x02;
const LZ4: u8 = 0x82;
const ZSTD: u8 = 0x90;
/// Largest frame, packed or unpacked; clients write 1 MiB or less, ClickHouse itself stays below this.
const MAX_BLOCK_BYTES: usize = 128 << 20;
/// LZ4 packs at most 255 bytes into one.
const LZ4_RATIO: usize = 255;
/// Content of one frame that is written.
const WRITTEN: usize = 1 << 20;

/// Unpacks a sequence of frames; the checksum of each is verified before its content is touched.
pub struct FrameReader<R> {
    source: R,
    packed: Vec<u8>,
    content: Vec<u8>,
    position: usize,
}

impl<R: Read> FrameReader<R> {
    pub fn new(source: R) -> Self {
        Self { source, packed: Vec::new(), content: Vec::new(), position: 0 }
    }

    /// Reads the next frame into `content`; false at the end of the source.
    fn advance(&mut self) -> io::Result<bool> {
        let mut head = [0; CHECKSUM + HEADER];
        match fill(&mut self.source, &mut head)? {
            0 => return Ok(false),
            n if n < head.len() => return Err(cut()),
            _ => {}
        }
        let checksum = u128::from_le_bytes(array(&head[..CHECKSUM]));
        let method = head[CHECKSUM];
        let packed = u32::from_le_bytes(array(&head[CHECKSUM + 1..CHECKSUM + 5])) as usize;
        let content = u32::from_le_bytes(array(&head[CHECKSUM + 5..])) as usize;
        if !(HEADER..=MAX_BLOCK_BYTES).contains(&packed) || content > MAX_BLOCK_BYTES {
            return Err(broken("the lengths of a compressed block are out of range"));
        }
        self.packed.clear();
        self.packed.extend_from_slice(&head[CHECKSUM..]);
        let rest = (packed - HEADER) as u64;
        if self.source.by_ref().take(rest).read_to_end(&mut self.packed)? as u64 != rest {
            return Err(cut());
        }
        if cityhash_102_128(&self.packed).rotate_right(64) != checksum {
            return Err(Exception::new(CHECKSUM_DOESNT_MATCH, "Checksum doesn't match: corrupted data").into());
        }
        let unpacked = self.unpack(method, content);
        if unpacked.is_err() {
            self.content.clear();
        }
        unpacked.map(|()| true)
    }

    fn unpack(&mut self, method: u8, length: usize) -> io::Result<()> {
        let data = &self.packed[HEADER..];
        self.position = 0;
        match method {
            NONE => {
                self.content.clear();
                self.content.extend_from_slice(data);
            }
            LZ4 if length > data.len().saturating_mul(LZ4_RATIO) => return Err(broken("a compressed block claims more than it can hold")),
            LZ4 => {
                // Not cleared before: what is written over need not be zero.
                self.content.resize(length, 0);
                let written = lz4_flex::block::decompress_into(data, &mut self.content).map_err(broken)?;
                self.content.truncate(written);
            }
            ZSTD => {
                self.content.clear();
                let decoder = zstd::stream::read::Decoder::with_buffer(data)?;
                decoder.take(length as u64 + 1).read_to_end(&mut self.content)?;
            }
            other => {
                return Err(Exception::new(UNKNOWN_COMPRESSION_METHOD, format_args!("Unknown compression method: {other:#04x}")).into());
            }
        }
        if self.content.len() != length { Err(broken("a compressed block has another length than it says")) } else { Ok(()) }
    }
}

impl<R: Read> BufRead for FrameReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.position == self.content.len() && self.advance()? {}
        Ok(&self.content[self.position..])
    }

    fn consume(&mut self, taken: usize) {
        self.position += taken;
    }
}

impl<R: Read> Read for FrameReader<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let taken = self.fill_buf()?.read(target)?;
        self.consume(taken);
        Ok(taken)
    }
}

/// Packs `data` as LZ4 frames.
pub fn pack(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in data.chunks(WRITTEN) {
        let content = lz4_flex::block::compress(piece);
        let start = out.len() + CHECKSUM;
        out.extend_from_slice(&[0; CHECKSUM]);
        out.push(LZ4);
        // Both are below 2 MiB, so the casts lose nothing.
        out.extend_from_slice(&((content.len() + HEADER) as u32).to_le_bytes());
        out.extend_from_slice(&(piece.len() as u32).to_le_bytes());
        out.extend_from_slice(&content);
        let checksum = cityhash_102_128(&out[start..]).rotate_right(64);
        out[start - CHECKSUM..start].copy_from_slice(&checksum.to_le_bytes());
    }
    out
}

/// Reads until `target` is full or the source ends; gives how much was read.
fn fill(source: &mut impl Read, target: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < target.len() {
        match source.read(&mut target[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(bytes);
    out
}

fn cut() -> io::Error {
    broken("the data ends inside a compressed block")
}

fn broken(what: impl std::fmt::Display) -> io::Error {
    Exception::new(CANNOT_DECOMPRESS, format_args!("Cannot decompress: {what}")).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    fn unpack(data: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        FrameReader::new(data).read_to_end(&mut out).map(|_| out)
    }

    fn frame(method: u8, packed: &[u8], length: usize) -> Vec<u8> {
        let mut body = vec![method];
        body.extend_from_slice(&((packed.len() + HEADER) as u32).to_le_bytes());
        body.extend_from_slice(&(length as u32).to_le_bytes());
        body.extend_from_slice(packed);
        let mut out = cityhash_102_128(&body).rotate_right(64).to_le_bytes().to_vec();
        out.extend(body);
        out
    }

    #[test]
    fn every_method_is_read() {
        let content = "闪退 crash ".repeat(1000).into_bytes();
        let zstd = zstd::bulk::compress(&content, 1).unwrap();
        let all = [frame(NONE, &content, content.len()), frame(ZSTD, &zstd, content.len()), pack(&content)].concat();
        assert_eq!(unpack(&all).unwrap(), content.repeat(3));
    }

    #[test]
    fn damage_is_refused() {
        let good = pack(b"some rows");
        let mut flipped = good.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert_eq!(Exception::from(unpack(&flipped).unwrap_err()).code, 40);
        assert_eq!(Exception::from(unpack(&good[..good.len() - 1]).unwrap_err()).code, 271);
        assert_eq!(Exception::from(unpack(&frame(0x77, b"x", 1)).unwrap_err()).code, 89);
        assert_eq!(Exception::from(unpack(&frame(LZ4, b"x", MAX_BLOCK_BYTES)).unwrap_err()).code, 271);
        assert_eq!(Exception::from(unpack(&frame(ZSTD, &zstd::bulk::compress(&[0; 9], 1).unwrap(), 8)).unwrap_err()).code, 271);
    }

    proptest! {
        #[test]
        fn packing_is_undone(data in proptest::collection::vec(any::<u8>(), 0..200_000)) {
            prop_assert_eq!(unpack(&pack(&data)).unwrap(), data);
        }

        #[test]
        fn garbage_never_panics(data in proptest::collection::vec(any::<u8>(), 0..400), method in prop_oneof![Just(LZ4), Just(ZSTD), Just(NONE), any::<u8>()], length in 0_usize..100_000) {
            let _ = unpack(&data);
            let _ = unpack(&frame(method, &data, length));
        }
    }
}
