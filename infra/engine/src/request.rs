//! What a request asks for, read from its URL, its headers and, for forms, its fields.

use crate::encoding::Coding;
use crate::exception::{BAD_ARGUMENTS, Exception};
use crate::library::Params;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use std::time::Duration;

/// Parameters of the interface itself that are no settings and need nothing here: each statement has its own session.
const IGNORED: [&str; 11] = [
    "user",
    "password",
    "session_id",
    "session_timeout",
    "session_check",
    "close_session",
    "quota_key",
    "role",
    "client_protocol_version",
    "stacktrace",
    "buffer_size",
];

/// A statement as it was asked for.
#[derive(Default)]
pub struct Call {
    /// The text of the URL or of a form; the body's bytes follow it, as data or as more text.
    pub query: Option<String>,
    pub database: Option<String>,
    /// Output format where the statement names none; input format likewise.
    pub default_format: Option<String>,
    pub query_id: Option<String>,
    pub settings: Vec<(String, String)>,
    pub params: Params,
    /// The body is made of ClickHouse's compressed blocks.
    pub decompress: bool,
    /// The reply is to be.
    pub compress: bool,
    /// HTTP's own coding of the body and of the reply.
    pub body_coding: Coding,
    pub reply_coding: Coding,
    /// GET and HEAD may only read.
    pub safe_method: bool,
    /// The whole result is wanted before the first byte.
    pub whole: bool,
    /// The boundary of a form in the body.
    pub boundary: Option<String>,
}

impl Call {
    /// Reads URL and headers.
    pub fn new(method: &Method, pairs: &[(String, String)], headers: &HeaderMap) -> Result<Self, Exception> {
        let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let coding = headers.get(CONTENT_ENCODING).map(|v| v.to_str().unwrap_or("?"));
        let mut call = Self {
            database: header("x-clickhouse-database"),
            default_format: header("x-clickhouse-format"),
            safe_method: matches!(*method, Method::GET | Method::HEAD),
            body_coding: coding.map_or(Ok(Coding::Plain), |name| Coding::named(name).ok_or_else(|| unknown_coding(name)))?,
            boundary: headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).and_then(boundary),
            ..Self::default()
        };
        for (name, value) in pairs {
            call.take(name, value)?;
        }
        let wanted = call.settings.iter().find(|(n, _)| n == "enable_http_compression").map(|(_, v)| v != "0");
        let accepted = headers.get(ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or("");
        call.reply_coding = Coding::accepted(accepted, wanted);
        Ok(call)
    }

    /// How often the client wants to know how far the statement is; `None` where it does not.
    pub fn progress(&self) -> Option<Duration> {
        let setting = |name: &str| self.settings.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let milliseconds = setting("http_headers_progress_interval_ms").and_then(|text| text.parse().ok()).unwrap_or(100);
        setting("send_progress_in_http_headers").is_some_and(flag).then(|| Duration::from_millis(milliseconds))
    }

    /// Takes one parameter of the URL or field of a form.
    pub fn take(&mut self, name: &str, value: &str) -> Result<(), Exception> {
        let value = value.to_owned();
        match name {
            "query" => self.query = Some(value),
            "database" => self.database = Some(value),
            "default_format" => self.default_format = Some(value),
            "query_id" => self.query_id = Some(value),
            "decompress" => self.decompress = flag(&value),
            "compress" => self.compress = flag(&value),
            "wait_end_of_query" => self.whole = flag(&value),
            _ if IGNORED.contains(&name) => {}
            _ => match name.strip_prefix("param_") {
                Some(param) if !param.is_empty() => self.params.0.push((param.to_owned(), value)),
                _ => self.settings.push((name.to_owned(), value)),
            },
        }
        let printable = |text: &Option<String>| text.as_ref().is_none_or(|t| t.len() <= 200 && !t.chars().any(char::is_control));
        if printable(&self.query_id) && printable(&self.default_format) && printable(&self.database) {
            Ok(())
        } else {
            Err(Exception::new(BAD_ARGUMENTS, "query_id, default_format and database are short and without control characters"))
        }
    }
}

fn flag(value: &str) -> bool {
    !matches!(value, "" | "0" | "false")
}

fn unknown_coding(name: &str) -> Exception {
    Exception::new(BAD_ARGUMENTS, format_args!("Unknown Content-Encoding '{}': gzip, deflate, zstd and lz4 are known", name.escape_debug()))
}

fn boundary(content_type: &str) -> Option<String> {
    let (kind, rest) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = rest.split(';').find_map(|p| {
        let (name, value) = p.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    (!value.is_empty() && value.len() <= 200).then(|| value.to_owned())
}

/// The pairs of a query string, `+` as space; refuses what is not UTF-8.
pub fn pairs(query: &str) -> Result<Vec<(String, String)>, Exception> {
    let not_text = |_| Exception::new(BAD_ARGUMENTS, "The URL is not UTF-8");
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((String::from_utf8(decode(name)).map_err(not_text)?, String::from_utf8(decode(value)).map_err(not_text)?))
        })
        .collect()
}

fn decode(text: &str) -> Vec<u8> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parameters_settings_and_the_rest_are_told_apart() {
        let pairs =
            pairs("query=select+%7Ba%3AString%7D&param_a=%E9%97%AA%E9%80%80&max_threads=1&decompress=1&session_id=x&database=d").unwrap();
        let call = Call::new(&Method::POST, &pairs, &HeaderMap::new()).unwrap();
        assert_eq!(call.query.as_deref(), Some("select {a:String}"));
        assert_eq!(call.params.0, [("a".to_owned(), "闪退".to_owned())]);
        assert_eq!(call.settings, [("max_threads".to_owned(), "1".to_owned())]);
        assert!(call.decompress && !call.compress && !call.safe_method);
        assert_eq!(call.database.as_deref(), Some("d"));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert_eq!(pairs("a=%FF").unwrap_err().code, 36);
        let call = |text: &str| Call::new(&Method::GET, &pairs(text).unwrap(), &HeaderMap::new());
        assert!(call("query_id=a%0d%0ab").is_err());
        let headers = HeaderMap::from_iter([(CONTENT_ENCODING, "br".parse().unwrap())]);
        assert!(Call::new(&Method::POST, &[], &headers).is_err());
    }

    #[test]
    fn the_boundary_of_a_form_is_found() {
        assert_eq!(boundary("multipart/form-data; boundary=\"a b\""), Some("a b".into()));
        assert_eq!(boundary("Multipart/Form-Data; charset=x; Boundary=ab"), Some("ab".into()));
        assert_eq!(boundary("application/x-www-form-urlencoded; boundary=a"), None);
    }

    proptest! {
        #[test]
        fn any_query_string_is_read(text in "([a-z]|%|[0-9a-f]|&|=|\\+|闪|param_|query){0,60}") {
            if let Ok(pairs) = pairs(&text) {
                let _ = Call::new(&Method::GET, &pairs, &HeaderMap::new());
            }
        }
    }
}
