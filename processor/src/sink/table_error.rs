//! Errors of the tables' server, and whose fault they are.

use std::time::Duration;

/// ClickHouse's codes for values that a table refuses: parsing, conversion, ranges, sizes, constraints.
const CONTENT_CODES: [u32; 19] = [6, 26, 27, 33, 38, 41, 69, 70, 72, 117, 128, 131, 321, 349, 376, 407, 467, 469, 691];
/// Codes for statements that do not fit the table; no record is at fault.
const TABLE_CODES: [u32; 7] = [16, 20, 36, 43, 47, 53, 62];
/// Codes for a server that cannot serve now: accounts, networks, disks, limits of load, tables that do not exist yet.
#[rustfmt::skip]
const AWAY_CODES: [u32; 28] = [
    60, 81, 159, 160, 164, 192, 193, 194, 202, 203, 209, 210, 216, 225, 236, 242, 243, 252, 279, 285, 319, 394, 439, 473, 497, 516, 999, 1000,
];

/// An error of the tables' server. The outcome of an insert is unknown then.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The server is away or refuses.
    #[error(transparent)]
    Answer(#[from] clickhouse::error::Error),
    /// The server did not answer in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// Many rows were refused one by one, and none was taken.
    #[error("the table refused each of {0} rows, the last with code {1:?}")]
    RefusesAll(usize, Option<u32>),
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The server is at fault; a later attempt may succeed.
    Server,
    /// The server or a row is at fault, for example when memory is short.
    Doubtful,
    /// One or several rows are at fault.
    Content,
    /// The table or the statement is at fault; a later attempt changes nothing.
    Table,
}

impl TableError {
    /// Whose fault the error is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        use clickhouse::error::Error;
        match self {
            Self::TimedOut(_) => Blame::Server,
            Self::RefusesAll(..) => Blame::Table,
            Self::Answer(Error::BadResponse(text)) => match code(text) {
                Some(code) if CONTENT_CODES.contains(&code) => Blame::Content,
                Some(code) if TABLE_CODES.contains(&code) => Blame::Table,
                Some(code) if !AWAY_CODES.contains(&code) => Blame::Doubtful,
                Some(_) | None => Blame::Server,
            },
            Self::Answer(
                Error::Network(_)
                | Error::TimedOut
                | Error::Compression(_)
                | Error::Decompression(_)
                | Error::NotEnoughData
                | Error::Other(_),
            ) => Blame::Server,
            // A row that cannot be written.
            Self::Answer(Error::Custom(_) | Error::SequenceMustHaveLength | Error::DataFormat(_)) => Blame::Content,
            Self::Answer(_) => Blame::Table,
        }
    }

    /// Whether a later attempt may succeed.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self.blame(), Blame::Server | Blame::Doubtful)
    }

    /// The server's error code, if it gave one.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        match self {
            Self::Answer(clickhouse::error::Error::BadResponse(text)) => code(text),
            Self::RefusesAll(_, code) => *code,
            Self::Answer(_) | Self::TimedOut(_) => None,
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
    fn the_code_tells_whose_fault_it_is() {
        let said = |text: &str| TableError::from(Error::BadResponse(text.to_owned()));
        assert_eq!(said("Code: 60. DB::Exception: Table does not exist").blame(), Blame::Server);
        assert_eq!(said("502 Bad Gateway").blame(), Blame::Server);
        assert_eq!(TableError::TimedOut(Duration::from_secs(1)).blame(), Blame::Server);
        assert_eq!(said("Code: 241. DB::Exception: Memory limit exceeded").blame(), Blame::Doubtful);
        assert_eq!(said("Code: 469. DB::Exception: Constraint 毒 is violated").blame(), Blame::Content);
        assert_eq!(said("Code: 53. DB::Exception: Type mismatch 中文").blame(), Blame::Table);
        assert_eq!(TableError::from(Error::SchemaMismatch(String::new())).blame(), Blame::Table);
        assert_eq!(TableError::from(Error::SequenceMustHaveLength).blame(), Blame::Content);
        assert_eq!(TableError::RefusesAll(1_000, Some(469)).blame(), Blame::Table);
    }

    #[test]
    fn waiting_helps_where_the_server_may_be_at_fault() {
        let said = |code: u32| TableError::from(Error::BadResponse(format!("Code: {code}. DB::Exception: …")));
        assert_eq!([60, 241, 469, 53].map(|code| said(code).is_passing()), [true, true, false, false]);
    }

    #[test]
    fn no_code_stands_in_two_lists() {
        let mut all = [&CONTENT_CODES[..], &TABLE_CODES, &AWAY_CODES].concat();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
