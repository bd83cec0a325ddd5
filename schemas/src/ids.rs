//! Ids: hashes of a fixed size, shown in hexadecimal.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A text that is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} hexadecimal digits")]
pub struct ParseIdError {
    expected: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $size:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(#[serde(with = "serde_bytes")] pub [u8; $size]);

        impl fmt::Display for $name {
            /// Writes upper-case hexadecimal, as the CrashSight OpenAPI does.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(const_hex::Buffer::<$size>::new().format_upper(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            /// Reads hexadecimal in either case; colons are ignored.
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_hex(text).map(Self).ok_or(ParseIdError { expected: 2 * $size })
            }
        }
    };
}

id! {
    /// Id of a report; a report that is sent again has the same id.
    ReportId, 16
}
id! {
    /// Id of a connection; a connection that is sent again has the same id.
    ConnectionId, 16
}
id! {
    /// Id of an issue: all occurrences of one fingerprint in an app, platform and category.
    IssueId, 16
}
id! {
    /// Id of an issue change.
    ChangeId, 16
}
id! {
    /// SHA-256 of the content of a report.
    Digest, 32
}

fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').take(2 * N + 1).collect();
    let mut bytes = [0; N];
    const_hex::decode_to_slice(digits, &mut bytes).ok().map(|()| bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hex_round_trips_in_either_case_and_with_colons() {
        let id = IssueId(*b"\x0f\x1e\x2d\x3c\x4b\x5a\x69\x78\x87\x96\xa5\xb4\xc3\xd2\xe1\xf0");
        assert_eq!(id.to_string(), "0F1E2D3C4B5A69788796A5B4C3D2E1F0");
        assert_eq!("0f1e2d3c4b5a69788796a5b4c3d2e1f0".parse::<IssueId>().unwrap(), id);
        assert_eq!("0F:1E:2D:3C:4B:5A:69:78:87:96:A5:B4:C3:D2:E1:F0".parse::<IssueId>().unwrap(), id);
    }

    #[test]
    fn other_lengths_and_letters_are_refused() {
        for text in [
            "",
            "0F",
            "0x1E2D3C4B5A69788796A5B4C3D2E1F0",
            "0x0F1E2D3C4B5A69788796A5B4C3D2E1F0",
            "zz1E2D3C4B5A69788796A5B4C3D2E1F0",
            "0F1E2D3C4B5A69788796A5B4C3D2E1F0AA",
            "中文",
        ] {
            assert!(text.parse::<IssueId>().is_err(), "{text}");
        }
    }
}
