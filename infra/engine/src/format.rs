//! Output formats: which of them can be sent chunk by chunk, and their media types.

/// How the chunks of a streamed result become one document: each chunk is a document of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// Chunks follow one another as they are.
    Concatenate,
    /// Chunks begin with this many repeated lines.
    Lines(usize),
    /// Chunks begin with repeated column names and, if true, types, as in RowBinaryWithNamesAndTypes.
    Columns(bool),
    /// Only a whole result makes a document.
    Whole,
}

/// How a format's chunks are joined. Unknown formats are taken whole, which is always right.
pub fn joint(format: &str) -> Joint {
    let name = format.to_ascii_lowercase();
    match name.as_str() {
        "rowbinary"
        | "native"
        | "jsoneachrow"
        | "jsonlines"
        | "ndjson"
        | "jsoncompacteachrow"
        | "jsonstringseachrow"
        | "jsoncompactstringseachrow" => Joint::Concatenate,
        "tabseparated" | "tsv" | "tabseparatedraw" | "tsvraw" | "csv" | "tskv" | "msgpack" => Joint::Concatenate,
        "tabseparatedwithnames" | "tsvwithnames" | "jsoncompacteachrowwithnames" => Joint::Lines(1),
        "tabseparatedwithnamesandtypes" | "tsvwithnamesandtypes" | "jsoncompacteachrowwithnamesandtypes" => Joint::Lines(2),
        "rowbinarywithnames" => Joint::Columns(false),
        "rowbinarywithnamesandtypes" => Joint::Columns(true),
        _ => Joint::Whole,
    }
}

impl Joint {
    /// Length of the part of `chunk` that the next chunks repeat; `None` where the chunk ends inside it.
    pub fn header(self, chunk: &[u8]) -> Option<usize> {
        match self {
            Self::Concatenate | Self::Whole => Some(0),
            Self::Lines(0) => Some(0),
            Self::Lines(lines) => chunk.iter().enumerate().filter(|(_, c)| **c == b'\n').nth(lines - 1).map(|(at, _)| at + 1),
            Self::Columns(types) => columns(chunk, types),
        }
    }
}

fn columns(chunk: &[u8], types: bool) -> Option<usize> {
    let (count, mut at) = number(chunk, 0)?;
    for _ in 0..count.checked_mul(if types { 2 } else { 1 })? {
        let (length, next) = number(chunk, at)?;
        at = next.checked_add(usize::try_from(length).ok()?)?;
        if at > chunk.len() {
            return None;
        }
    }
    Some(at)
}

/// A LEB128 number at `at` and the offset after it.
fn number(bytes: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let byte = *bytes.get(at)?;
        at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some((value, at));
        }
    }
    None
}

/// The media type that ClickHouse gives a format.
pub fn media_type(format: &str) -> &'static str {
    let name = format.to_ascii_lowercase();
    match name.as_str() {
        n if n.ends_with("eachrow") || n == "jsonlines" || n == "ndjson" => "application/x-ndjson; charset=UTF-8",
        n if n.starts_with("json") => "application/json; charset=UTF-8",
        n if n.starts_with("csv") => "text/csv; charset=UTF-8; header=absent",
        n if n.starts_with("tabseparated") || n.starts_with("tsv") => "text/tab-separated-values; charset=UTF-8",
        n if n.starts_with("rowbinary") || n == "native" || n == "parquet" || n.starts_with("arrow") || n == "msgpack" => {
            "application/octet-stream"
        }
        _ => "text/plain; charset=UTF-8",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn repeated_headers_are_found() {
        assert_eq!(joint("RowBinaryWithNamesAndTypes").header(b"\x01\x01a\x05UInt8\x07"), Some(9));
        assert_eq!(joint("RowBinaryWithNamesAndTypes").header(b"\x01\x01a\x05UIn"), None);
        assert_eq!(joint("TSVWithNamesAndTypes").header(b"a\nUInt8\n1\n"), Some(8));
        assert_eq!(joint("RowBinary").header(b"x"), Some(0));
        assert_eq!(joint("Pretty"), Joint::Whole);
    }

    proptest! {
        #[test]
        fn any_chunk_is_read(chunk in proptest::collection::vec(any::<u8>(), 0..200)) {
            for joint in [Joint::Columns(true), Joint::Columns(false), Joint::Lines(2)] {
                if let Some(length) = joint.header(&chunk) {
                    prop_assert!(length <= chunk.len());
                }
            }
        }
    }
}
