//! What the tables' server said, and whether waiting may help.

use std::time::Duration;

/// ClickHouse's codes for data or statements that do not fit the table: trying again changes nothing.
const DATA_CODES: [u32; 14] = [6, 16, 20, 27, 33, 36, 41, 43, 47, 53, 62, 70, 117, 349];

/// Why the tables' server did not do what was asked. The outcome of an insert is unknown then.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It is away or refuses.
    #[error(transparent)]
    Answer(#[from] clickhouse::error::Error),
    /// It did not answer in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
}

impl Failure {
    /// Whether waiting and trying again may help.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        use clickhouse::error::Error;
        match self {
            Self::TimedOut(_) => true,
            Self::Answer(Error::BadResponse(text)) => code(text).is_none_or(|code| !DATA_CODES.contains(&code)),
            Self::Answer(error) => matches!(
                error,
                Error::Network(_)
                    | Error::TimedOut
                    | Error::Compression(_)
                    | Error::Decompression(_)
                    | Error::NotEnoughData
                    | Error::Other(_)
            ),
        }
    }
}

/// The number in `Code: 60. DB::Exception: …`.
fn code(text: &str) -> Option<u32> {
    let rest = &text[text.find("Code: ")? + 6..];
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clickhouse::error::Error;

    #[test]
    fn a_missing_table_passes_and_a_type_mismatch_does_not() {
        let said = |text: &str| Failure::from(Error::BadResponse(text.to_owned()));
        assert!(said("Code: 60. DB::Exception: Table does not exist").is_passing());
        assert!(said("Code: 241. DB::Exception: Memory limit exceeded").is_passing());
        assert!(said("502 Bad Gateway").is_passing());
        assert!(!said("Code: 53. DB::Exception: Type mismatch 中文").is_passing());
        assert!(Failure::TimedOut(Duration::from_secs(1)).is_passing());
        assert!(!Failure::from(Error::SchemaMismatch(String::new())).is_passing());
    }
}
