//! Decompression with a bound that is checked while reading: a bomb costs its bound, not its size.

use super::BODY_LIMIT;
use crate::rejection::Rejection;
use std::borrow::Cow;
use std::io::Read;

/// The largest window a zstd frame may ask for, as a power of two: that of `BODY_LIMIT`.
const WINDOW_LOG_LIMIT: u32 = 23;

/// Bytes that brotli reads at a time.
const BROTLI_BUFFER: usize = 4 << 10;

/// Reads over a compressed body.
type Packed<'a> = Box<dyn Read + Send + 'a>;

/// The body as it was before its `Content-Encoding`, where that has at most `limit` bytes.
///
/// Nothing stays of the work where it has more, so a body that waits for its turn holds the bytes that came and no more. Brotli is not looked at: what its
/// reader allocates follows what the first bytes say of the rest, up to 32 MiB.
pub(crate) fn short<'a>(body: &'a [u8], encoding: Option<&str>, limit: usize) -> Result<Option<Cow<'a, [u8]>>, Rejection> {
    if encoding.is_some_and(|name| name.trim().eq_ignore_ascii_case("br")) {
        return Ok(None);
    }
    let Some(mut reader) = reader(body, encoding)? else { return Ok((body.len() <= limit).then_some(Cow::Borrowed(body))) };
    let mut bytes = Vec::with_capacity(body.len().saturating_mul(4).min(limit + 1));
    read_on(&mut reader, &mut bytes, limit + 1)?;
    bytes.shrink_to_fit();
    Ok((bytes.len() <= limit).then_some(Cow::Owned(bytes)))
}

/// The body as it was before its `Content-Encoding`.
pub(crate) fn inflate<'a>(body: &'a [u8], encoding: Option<&str>) -> Result<Cow<'a, [u8]>, Rejection> {
    let Some(mut reader) = reader(body, encoding)? else { return Ok(Cow::Borrowed(body)) };
    let mut bytes = Vec::with_capacity(body.len().saturating_mul(4).min(BODY_LIMIT));
    read_on(&mut reader, &mut bytes, BODY_LIMIT + 1)?;
    if bytes.len() > BODY_LIMIT {
        return Err(Rejection::TooLarge(format!("more than {BODY_LIMIT} bytes after decompression")));
    }
    // It grew by doubling and stays for as long as the body is read.
    bytes.shrink_to_fit();
    Ok(Cow::Owned(bytes))
}

/// At most `limit` bytes from the start of the body as it was before its `Content-Encoding`.
pub(crate) fn beginning<'a>(body: &'a [u8], encoding: Option<&str>, limit: usize) -> Result<Cow<'a, [u8]>, Rejection> {
    let Some(mut reader) = reader(body, encoding)? else { return Ok(Cow::Borrowed(&body[..body.len().min(limit)])) };
    let mut bytes = Vec::with_capacity(body.len().saturating_mul(4).min(limit));
    read_on(&mut reader, &mut bytes, limit)?;
    Ok(Cow::Owned(bytes))
}

/// Reads over a compressed body; `None` where it is plain.
fn reader<'a>(body: &'a [u8], encoding: Option<&str>) -> Result<Option<Packed<'a>>, Rejection> {
    let encoding = encoding.unwrap_or_default().trim().to_ascii_lowercase();
    match encoding.as_str() {
        "" | "identity" => Ok(None),
        "gzip" | "x-gzip" => Ok(Some(Box::new(flate2::bufread::MultiGzDecoder::new(body)))),
        "deflate" => Ok(Some(Box::new(flate2::bufread::ZlibDecoder::new(body)))),
        "br" => Ok(Some(Box::new(brotli_decompressor::Decompressor::new(body, BROTLI_BUFFER)))),
        "zstd" => {
            let mut decoder = ::zstd::stream::read::Decoder::with_buffer(body).map_err(|error| broken(&error))?;
            decoder.window_log_max(WINDOW_LOG_LIMIT).map_err(|error| broken(&error))?;
            Ok(Some(Box::new(decoder)))
        }
        _ => Err(Rejection::UnsupportedEncoding),
    }
}

/// Reads on until there are `length` bytes or no more.
fn read_on(reader: &mut dyn Read, bytes: &mut Vec<u8>, length: usize) -> Result<(), Rejection> {
    let left = u64::try_from(length.saturating_sub(bytes.len())).unwrap_or(u64::MAX);
    reader.take(left).read_to_end(bytes).map(drop).map_err(|error| broken(&error))
}

fn broken(error: &std::io::Error) -> Rejection {
    Rejection::invalid(format!("the compressed body cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Written by Google's encoder (the `brotli` package of Python): this crate only reads.
    const BROTLI: &[u8] = &[
        27, 183, 1, 248, 157, 9, 118, 44, 151, 9, 229, 149, 29, 87, 131, 208, 150, 155, 207, 193, 84, 221, 74, 123, 43, 51, 186, 146, 135,
        182, 42, 1, 32, 95, 125, 214, 198, 21, 1,
    ];

    #[test]
    fn each_encoding_gives_the_body_back() {
        let body = "{\"message\":\"崩溃\"}".repeat(50).into_bytes();
        assert_eq!(inflate(&body, None).unwrap(), body);
        assert_eq!(inflate(&body, Some("identity")).unwrap(), body);
        assert_eq!(inflate(&gzip(&body), Some("gzip")).unwrap(), body);
        assert_eq!(inflate(&gzip(&body), Some(" X-GZIP ")).unwrap(), body);
        assert_eq!(inflate(&::zstd::encode_all(&body[..], 3).unwrap(), Some("zstd")).unwrap(), body);
        assert_eq!(inflate(&zlib(&body), Some("deflate")).unwrap(), body);
        assert_eq!(inflate(BROTLI, Some("br")).unwrap(), "崩溃 and more of it ".repeat(20).as_bytes());
        assert_eq!(&beginning(&gzip(&body), Some("gzip"), 10).unwrap()[..], &body[..10]);
        assert_eq!(&beginning(&body, None, 10).unwrap()[..], &body[..10]);
        let twice = [gzip(&body), gzip(&body)].concat();
        assert_eq!(inflate(&twice, Some("gzip")).unwrap().len(), 2 * body.len());
    }

    #[test]
    fn bombs_cost_their_bound_and_are_refused() {
        let zeros = vec![0; 64 << 20];
        for (bomb, encoding) in [(gzip(&zeros), "gzip"), (::zstd::encode_all(&zeros[..], 3).unwrap(), "zstd")] {
            assert!(bomb.len() < 512 << 10, "{}", bomb.len());
            assert!(matches!(inflate(&bomb, Some(encoding)), Err(Rejection::TooLarge(_))), "{encoding}");
        }
        let full = vec![b' '; BODY_LIMIT];
        assert_eq!(inflate(&gzip(&full), Some("gzip")).unwrap().len(), BODY_LIMIT);
    }

    #[test]
    fn a_window_above_the_bound_is_refused() {
        let mut encoder = ::zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(&[b'x'; 4096]).unwrap();
        assert!(matches!(inflate(&encoder.finish().unwrap(), Some("zstd")), Err(Rejection::InvalidParams(_))));
    }

    #[test]
    fn cut_bodies_and_other_encodings_are_refused() {
        let whole = gzip("崩溃".repeat(100).as_bytes());
        assert!(matches!(inflate(&whole[..whole.len() - 1], Some("gzip")), Err(Rejection::InvalidParams(_))));
        assert!(matches!(inflate(b"plain", Some("gzip")), Err(Rejection::InvalidParams(_))));
        for encoding in ["compress", "gzip, zstd", "压缩"] {
            assert_eq!(inflate(b"", Some(encoding)), Err(Rejection::UnsupportedEncoding), "{encoding}");
        }
    }

    #[test]
    fn a_body_is_unpacked_no_further_than_to_see_whether_it_is_short() {
        for (length, is_short) in [(0, true), (3_000, true), (4_096, true), (4_097, false), (1 << 20, false)] {
            let body = vec![b' '; length];
            for (packed, encoding) in
                [(gzip(&body), Some("gzip")), (zlib(&body), Some("deflate")), (::zstd::encode_all(&body[..], 3).unwrap(), Some("zstd"))]
            {
                let found = short(&packed, encoding, 4_096).unwrap();
                assert_eq!(found.as_deref(), is_short.then_some(&body[..]), "{length} {encoding:?}");
                assert_eq!(inflate(&packed, encoding).unwrap(), body, "{length} {encoding:?}");
            }
            assert_eq!(short(&body, None, 4_096).unwrap().as_deref(), is_short.then_some(&body[..]));
        }
        let text: Vec<u8> = (0..1_u32 << 18).flat_map(|number| number.wrapping_mul(0x9E37_79B9).to_le_bytes()).collect();
        let mut broken_at_its_end = gzip(&text);
        broken_at_its_end.truncate(1 << 19);
        assert!(short(&broken_at_its_end, Some("gzip"), 4_096).unwrap().is_none() && inflate(&broken_at_its_end, Some("gzip")).is_err());
        assert!(short(&[7; 100], Some("gzip"), 4_096).is_err());
        // The first bytes of brotli may ask for megabytes.
        assert!(short(BROTLI, Some(" BR "), 8 << 20).unwrap().is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), broken_at in 0_usize..60) {
            let mut gzip = gzip(&bytes);
            let at = broken_at % gzip.len();
            gzip[at] ^= 0x55;
            let mut zstd = ::zstd::encode_all(&bytes[..], 1).unwrap();
            let at = broken_at % zstd.len();
            zstd[at] ^= 0x55;
            for body in [&bytes, &gzip, &zstd] {
                let _ = inflate(body, Some("gzip"));
                let _ = inflate(body, Some("zstd"));
            }
        }
    }
}
