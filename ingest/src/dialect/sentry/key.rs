//! Where a client's key stands: a header, the query, or the DSN in the envelope itself (`https://KEY@host/PROJECT`).

use super::envelope;
use crate::dialect::bounds::ENVELOPE_HEADER;
use crate::dialect::inflate::beginning;

/// `Sentry sentry_version=7, sentry_key=…`.
pub(crate) fn of_header(header: &str) -> Option<&str> {
    let fields = header.trim().strip_prefix("Sentry").or_else(|| header.trim().strip_prefix("sentry")).unwrap_or(header);
    fields.split([',', ' ']).find_map(|field| field.trim().strip_prefix("sentry_key=")).filter(|key| !key.is_empty())
}

/// In the envelope's own header; only that line is decompressed.
pub(crate) fn of_envelope(body: &[u8], encoding: Option<&str>) -> Option<String> {
    let head = beginning(body, encoding, ENVELOPE_HEADER).ok()?;
    let (header, _) = envelope::open(&head).ok()?;
    of_dsn(&header.dsn.0).map(str::to_owned)
}

fn of_dsn(dsn: &str) -> Option<&str> {
    let (_, rest) = dsn.split_once("://")?;
    let (credentials, _) = rest.split_once('@')?;
    credentials.split(':').next().filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_where_clients_put_them() {
        assert_eq!(of_header("Sentry sentry_version=7, sentry_client=x/1, sentry_key=abc, sentry_secret=d"), Some("abc"));
        assert_eq!(of_header("Sentry sentry_key=abc,sentry_version=7"), Some("abc"));
        for none in ["", "Sentry", "Sentry sentry_key=", "Basic abc"] {
            assert_eq!(of_header(none), None, "{none}");
        }
        assert_eq!(of_dsn("https://abc@shop.cn/1"), Some("abc"));
        assert_eq!(of_dsn("http://abc:secret@127.0.0.1:8080/path/1"), Some("abc"));
        for none in ["", "https://shop.cn/1", "abc@shop.cn/1", "https://@shop.cn/1"] {
            assert_eq!(of_dsn(none), None, "{none}");
        }
        let envelope = b"{\"dsn\":\"https://abc@shop.cn/1\"}\n{\"type\":\"event\"}\n{}";
        assert_eq!(of_envelope(envelope, None).as_deref(), Some("abc"));
        let packed = zstd::encode_all(&envelope[..], 1).unwrap_or_default();
        assert_eq!(of_envelope(&packed, Some("zstd")).as_deref(), Some("abc"));
        assert_eq!(of_envelope(b"{}", None), None);
    }
}
