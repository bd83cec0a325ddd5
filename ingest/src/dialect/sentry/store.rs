//! Bodies of old clients: JSON, zlib, or Base64 of either, without a word about it in the headers.

use crate::dialect::inflate::inflate;
use crate::rejection::Rejection;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// The first byte of every zlib stream that clients write.
const ZLIB: u8 = 0x78;

/// The JSON of a body.
pub(super) fn unpacked(body: Cow<'_, [u8]>) -> Result<Cow<'_, [u8]>, Rejection> {
    let text = body.trim_ascii();
    if text.starts_with(b"{") {
        return Ok(body);
    }
    if text.first() == Some(&ZLIB) {
        return Ok(Cow::Owned(inflate(&body, Some("deflate"))?.into_owned()));
    }
    match STANDARD.decode(text) {
        Ok(packed) if packed.first() == Some(&ZLIB) => Ok(Cow::Owned(inflate(&packed, Some("deflate"))?.into_owned())),
        Ok(plain) => Ok(Cow::Owned(plain)),
        // Whatever it is: reading it as JSON says what is wrong.
        Err(_) => Ok(body),
    }
}
