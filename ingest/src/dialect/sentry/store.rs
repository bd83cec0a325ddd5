//! Bodies of old clients: JSON, zlib, or Base64 of either, which no header names.

use crate::dialect::inflate::inflate;
use crate::rejection::Rejection;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// The first byte of every zlib stream that clients write.
const ZLIB: u8 = 0x78;

/// Whether a body is not plain JSON: it may become much longer while it is read.
pub(crate) fn is_packed(body: &[u8]) -> bool {
    !body.trim_ascii_start().starts_with(b"{")
}

/// The JSON of a body.
pub(super) fn unpacked(body: &[u8]) -> Result<Cow<'_, [u8]>, Rejection> {
    let text = body.trim_ascii();
    if !is_packed(text) {
        return Ok(Cow::Borrowed(body));
    }
    if text.first() == Some(&ZLIB) {
        return Ok(Cow::Owned(inflate(body, Some("deflate"))?.into_owned()));
    }
    match STANDARD.decode(text) {
        Ok(packed) if packed.first() == Some(&ZLIB) => Ok(Cow::Owned(inflate(&packed, Some("deflate"))?.into_owned())),
        Ok(plain) => Ok(Cow::Owned(plain)),
        // Whatever it is: reading it as JSON says what is wrong.
        Err(_) => Ok(Cow::Borrowed(body)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Write as _;

    const EVENT: &str = r#"{"message":"支付失败","event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}"#;
    /// [`EVENT`] as an old client of Python packs it: `base64.b64encode(zlib.compress(event))`, made with that language.
    const OF_PYTHON: &str = "eJyrVspNLS5OTE9VslJ6NmX9k90zni7Z+GLLUiUdpdSy1LyS+MwUoIxlarK5ZbKxcWqypaWJUWKShbGpsamFZVpyklGqgUlKslItAEXaGro=";

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(body: &[u8]) -> Result<Vec<u8>, Rejection> {
        unpacked(body).map(Cow::into_owned)
    }

    #[test]
    fn each_form_gives_the_json() {
        let packed = zlib(EVENT.as_bytes());
        let forms = [EVENT.into(), packed.clone(), STANDARD.encode(&packed).into(), STANDARD.encode(EVENT).into(), OF_PYTHON.into()];
        for form in forms {
            assert_eq!(read(&form).unwrap(), EVENT.as_bytes());
        }
        assert_eq!(read(format!("\n{}\r\n", STANDARD.encode(&packed)).as_bytes()).unwrap(), EVENT.as_bytes());
    }

    #[test]
    fn what_is_none_of_them_is_left_to_the_reader_of_json() {
        for body in ["", "null", "not base64!", "[]"] {
            assert!(read(body.as_bytes()).is_ok_and(|json| !json.starts_with(b"{")), "{body}");
        }
    }

    #[test]
    fn a_packed_body_is_cut_off_at_the_bound_and_a_broken_one_refused() {
        let bomb = zlib(&vec![b' '; 64 << 20]);
        for body in [STANDARD.encode(&bomb).into_bytes(), bomb] {
            assert!(matches!(read(&body), Err(Rejection::TooLarge(_))));
        }
        let mut broken = zlib(EVENT.as_bytes());
        broken.truncate(12);
        assert!(read(&broken).is_err() && read(STANDARD.encode(&broken).as_bytes()).is_err());
    }
}
