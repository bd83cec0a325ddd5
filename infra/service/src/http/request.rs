//! A request as an endpoint sees it: with its whole body, its path and query decoded on demand.

use bytes::Bytes;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::net::SocketAddr;

/// One request with its whole body.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method as sent; `HEAD` where a `GET` endpoint is asked for its headers.
    pub method: Method,
    /// The path as sent (still percent-encoded), less doubled slashes at its start and one at its end.
    pub path: String,
    /// What `{name}` and `{*tail}` of the endpoint's path matched, percent-decoded, in their order.
    pub path_params: Vec<(String, String)>,
    /// The raw query, without `?`.
    pub query: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body, within the endpoint's limit.
    pub body: Bytes,
    /// The other end of the connection, before any proxy header is believed.
    pub peer: SocketAddr,
}

impl Request {
    /// The first header of this name, if it is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The query as decoded pairs, in order, repeated names kept.
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        query_pairs(&self.query)
    }

    /// What `{name}` of the endpoint's path matched.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.path_params.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// Decodes `a=1&b=2` (also form bodies): `%XX`, and `+` as space. A name without `=` has an empty value.
///
/// ```
/// let pairs = service::http::query_pairs("name=%E4%BD%A0+x&flag");
/// assert_eq!(pairs, [("name".into(), "你 x".into()), ("flag".into(), String::new())]);
/// ```
pub fn query_pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// Decodes `%XX`; a `%` without two digits stays, bytes that are not UTF-8 become U+FFFD.
///
/// ```
/// assert_eq!(service::http::percent_decode("a%2Fb+c%zz"), "a/b+c%zz");
/// ```
pub fn percent_decode(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded_pair_by_pair() {
        let pairs = query_pairs("a=1&b=x+y%2Bz&&flag&%E4%BD%A0=%E5%A5%BD&s=abc==&bad=%zz%4&=v&x=%FF&%2B+=%26");
        let expected = [
            ("a", "1"),
            ("b", "x y+z"),
            ("flag", ""),
            ("你", "好"),
            ("s", "abc=="),
            ("bad", "%zz%4"),
            ("", "v"),
            ("x", "\u{FFFD}"),
            ("+ ", "&"),
        ];
        let expected: Vec<(String, String)> = expected.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        assert_eq!(pairs, expected);
    }

    #[test]
    fn broken_escapes_do_no_harm() {
        for text in ["%", "%4", "%你", "%E4%BD", "abc%", "%%41"] {
            let _ = percent_decode(text);
        }
        assert_eq!(percent_decode("%%41"), "%A");
        assert_eq!(percent_decode("%E4%BD"), "\u{FFFD}");
    }
}
