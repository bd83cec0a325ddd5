//! HTTP's own content codings, of bodies that come and of replies that go.

use crate::compression;
use bytes::Bytes;
use flate2::write::GzEncoder;
use std::io::{self, BufRead, BufReader, Write};

/// Bytes that are unpacked at a time.
const UNPACKED: usize = 256 << 10;

/// A coding of `Content-Encoding` and `Accept-Encoding`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coding {
    #[default]
    Plain,
    Gzip,
    Deflate,
    Zstd,
    Lz4,
}

impl Coding {
    /// The coding of this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Self::Plain,
            "gzip" | "x-gzip" => Self::Gzip,
            "deflate" => Self::Deflate,
            "zstd" => Self::Zstd,
            "lz4" => Self::Lz4,
            _ => return None,
        })
    }

    /// The name that a reply carries.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some("gzip"),
            Self::Deflate => Some("deflate"),
            Self::Zstd => Some("zstd"),
            Self::Lz4 => Some("lz4"),
        }
    }

    /// The coding of a reply. `wanted` is the setting `enable_http_compression`. Where it is not given, lz4 is left out: it is
    /// what clients offer always, and over loopback it only costs.
    pub fn accepted(header: &str, wanted: Option<bool>) -> Self {
        let offers = |coding: Self| {
            header.split(',').any(|offer| {
                let mut parts = offer.split(';');
                let named = parts.next().and_then(Self::named) == Some(coding);
                named && !parts.any(|p| p.trim().replace(' ', "").trim_end_matches(['0', '.']) == "q=")
            })
        };
        let usable: &[Self] = match wanted {
            Some(false) => &[],
            Some(true) => &[Self::Zstd, Self::Lz4, Self::Gzip],
            None => &[Self::Zstd, Self::Gzip],
        };
        usable.iter().copied().find(|c| offers(*c)).unwrap_or_default()
    }

    /// Undoes the coding.
    pub fn decode<'a>(self, source: impl BufRead + Send + 'a) -> io::Result<Box<dyn BufRead + Send + 'a>> {
        Ok(match self {
            Self::Plain => Box::new(source),
            Self::Gzip => Box::new(BufReader::with_capacity(UNPACKED, flate2::bufread::MultiGzDecoder::new(source))),
            Self::Deflate => Box::new(BufReader::with_capacity(UNPACKED, flate2::bufread::ZlibDecoder::new(source))),
            Self::Zstd => Box::new(BufReader::with_capacity(UNPACKED, zstd::stream::read::Decoder::with_buffer(source)?)),
            Self::Lz4 => Box::new(lz4_flex::frame::FrameDecoder::new(source)),
        })
    }
}

/// Packs a reply piece by piece.
pub enum Encoder {
    Plain,
    /// ClickHouse's own blocks, for `compress=1`.
    Blocks,
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    Lz4(lz4_flex::frame::FrameEncoder<Vec<u8>>),
}

impl Encoder {
    pub fn new(coding: Coding, blocks: bool) -> io::Result<Self> {
        Ok(match coding {
            _ if blocks => Self::Blocks,
            Coding::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), flate2::Compression::fast())),
            Coding::Zstd => Self::Zstd(zstd::stream::write::Encoder::new(Vec::new(), 1)?),
            Coding::Lz4 => Self::Lz4(lz4_flex::frame::FrameEncoder::new(Vec::new())),
            Coding::Plain | Coding::Deflate => Self::Plain,
        })
    }

    /// What goes out for this piece, in a form that the receiver can read at once.
    pub fn push(&mut self, data: Bytes) -> io::Result<Bytes> {
        let (sent, buffer) = match self {
            Self::Plain => return Ok(data),
            Self::Blocks => return Ok(compression::pack(&data).into()),
            Self::Gzip(encoder) => (encoder.write_all(&data).and_then(|()| encoder.flush()), encoder.get_mut()),
            Self::Zstd(encoder) => (encoder.write_all(&data).and_then(|()| encoder.flush()), encoder.get_mut()),
            Self::Lz4(encoder) => (encoder.write_all(&data).and_then(|()| encoder.flush()), encoder.get_mut()),
        };
        sent.map(|()| std::mem::take(buffer).into())
    }

    /// What goes out at the end.
    pub fn finish(self) -> io::Result<Bytes> {
        Ok(match self {
            Self::Plain | Self::Blocks => Bytes::new(),
            Self::Gzip(encoder) => encoder.finish()?.into(),
            Self::Zstd(encoder) => encoder.finish()?.into(),
            Self::Lz4(encoder) => encoder.finish().map_err(io::Error::other)?.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn each_coding_is_undone() {
        for coding in [Coding::Plain, Coding::Gzip, Coding::Zstd, Coding::Lz4] {
            let mut encoder = Encoder::new(coding, false).unwrap();
            let mut packed = encoder.push(Bytes::from_static(b"one ")).unwrap().to_vec();
            packed.extend(encoder.push(Bytes::from_static("闪退".as_bytes())).unwrap());
            packed.extend(encoder.finish().unwrap());
            let mut out = String::new();
            coding.decode(&packed[..]).unwrap().read_to_string(&mut out).unwrap();
            assert_eq!(out, "one 闪退", "{coding:?}");
        }
    }

    #[test]
    fn the_best_offer_is_taken() {
        assert_eq!(Coding::accepted("gzip, deflate, br, zstd", None), Coding::Zstd);
        assert_eq!(Coding::accepted("lz4", None), Coding::Plain);
        assert_eq!(Coding::accepted("lz4", Some(true)), Coding::Lz4);
        assert_eq!(Coding::accepted("gzip;q=0, lz4;q=0.5", Some(true)), Coding::Lz4);
        assert_eq!(Coding::accepted("gzip", Some(false)), Coding::Plain);
    }
}
