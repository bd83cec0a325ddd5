//! Failures of a statement in ClickHouse's form: a number, a text and the HTTP status that goes with it.

use http::StatusCode;
use std::fmt;

/// What went wrong with one request. The text goes to the client, so it is written for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// ClickHouse's error code.
    pub code: u32,
    /// `Code: N. DB::Exception: what. (NAME)`.
    pub text: String,
}

macro_rules! codes {
    ($($constant:ident = $number:literal;)*) => {
        $(pub const $constant: (u32, &str) = ($number, stringify!($constant));)*
    };
}

codes! {
    CHECKSUM_DOESNT_MATCH = 40;
    NOT_IMPLEMENTED = 48;
    BAD_ARGUMENTS = 36;
    SYNTAX_ERROR = 62;
    UNKNOWN_COMPRESSION_METHOD = 89;
    UNKNOWN_SETTING = 115;
    READONLY = 164;
    TOO_MANY_SIMULTANEOUS_QUERIES = 202;
    NETWORK_ERROR = 210;
    QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING = 216;
    CANNOT_DECOMPRESS = 271;
    REQUIRED_PASSWORD = 194;
    AUTHENTICATION_FAILED = 516;
    ABORTED = 236;
}

impl Exception {
    /// One of the shim's own failures.
    pub fn new((code, name): (u32, &str), message: impl fmt::Display) -> Self {
        Self { code, text: format!("Code: {code}. DB::Exception: {message}. ({name})") }
    }

    /// A failure as the engine words it; its number is taken from the text.
    pub fn from_engine(text: String) -> Self {
        let code =
            text.find("Code: ").and_then(|at| text[at + 6..].split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()).unwrap_or(1001);
        Self {
            code,
            text: if text.is_empty() { "Code: 1001. DB::Exception: the statement failed. (STD_EXCEPTION)".to_owned() } else { text },
        }
    }

    /// The status ClickHouse answers with for this code (`exceptionCodeToHTTPStatus` of its source names the same groups).
    pub fn status(&self) -> StatusCode {
        match self.code {
            194 => StatusCode::UNAUTHORIZED,
            192 | 193 | 516 | 511 => StatusCode::FORBIDDEN,
            // Arguments, syntax, and values that do not parse.
            6 | 26 | 27 | 33 | 36 | 38 | 40 | 41 | 42 | 43 | 53 | 62 | 69 | 70 | 72 | 73 | 89 | 117 | 130 | 131 | 271 | 321 | 441 | 456
            | 457 => StatusCode::BAD_REQUEST,
            // Names that are not there.
            16 | 46 | 47 | 50 | 56 | 60 | 63 | 81 | 115 => StatusCode::NOT_FOUND,
            159 | 160 => StatusCode::REQUEST_TIMEOUT,
            48 => StatusCode::NOT_IMPLEMENTED,
            202 | 209 | 210 | 236 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The body of an error reply: the text with the server's version, as ClickHouse ends it.
    pub fn body(&self, version: &str) -> String {
        if self.text.contains("(version ") { format!("{}\n", self.text) } else { format!("{} (version {version})\n", self.text) }
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Exception {}

impl From<Exception> for std::io::Error {
    fn from(exception: Exception) -> Self {
        Self::other(exception)
    }
}

impl From<std::io::Error> for Exception {
    /// Readers of a request body fail with an `Exception` inside; everything else is a body that does not decode.
    fn from(error: std::io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()) {
            Some(exception) => exception.clone(),
            None => Self::new(CANNOT_DECOMPRESS, format_args!("Cannot read the request body: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_read_from_the_engines_text() {
        let exception = Exception::from_engine("Code: 60. DB::Exception: Table x does not exist. (UNKNOWN_TABLE)".into());
        assert_eq!((exception.code, exception.status()), (60, StatusCode::NOT_FOUND));
        assert_eq!(Exception::from_engine("something else".into()).code, 1001);
        assert!(exception.body("26.7").ends_with("(UNKNOWN_TABLE) (version 26.7)\n"));
    }

    #[test]
    fn an_exception_survives_the_way_through_a_reader() {
        let exception = Exception::new(CHECKSUM_DOESNT_MATCH, "bad");
        assert_eq!(Exception::from(std::io::Error::from(exception.clone())), exception);
    }
}
