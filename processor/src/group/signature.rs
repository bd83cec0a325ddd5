//! The line people read: `NullPointerException | com.shop.Cart.total | com.shop.Checkout.pay`.

use crate::fingerprint::{Evidence, NamedFrame};
use crate::frames::location::head;

/// Bytes of a signature, a name or a frame that are kept.
pub const MAX_BYTES: usize = 500;

/// The signature of a decision.
#[must_use]
pub fn of(client: &[String], evidence: &Evidence<'_>, top: &[NamedFrame<'_>]) -> String {
    let mut out = String::new();
    for own in client.iter().filter(|own| !own.trim().is_empty() && !own.trim().starts_with("{{")) {
        append(&mut out, own.trim());
    }
    let short = evidence.exception.rsplit(['.', '/']).next().unwrap_or("");
    // A class loses its package; a sentence has none.
    append(&mut out, if short.is_empty() || evidence.exception.contains(' ') { evidence.exception } else { short });
    if evidence.recurring.is_empty() {
        top.iter().take(2).for_each(|frame| append(&mut out, frame.name));
    } else {
        evidence.recurring.iter().take(2).for_each(|name| append(&mut out, name));
    }
    if top.is_empty() && evidence.recurring.is_empty() {
        append(&mut out, evidence.message);
    }
    if out.is_empty() {
        out.push_str("(nothing was said)");
    }
    let end = cut(&out).len();
    out.truncate(end);
    out
}

fn append(out: &mut String, value: &str) {
    if value.is_empty() {
        return;
    }
    if !out.is_empty() {
        out.push_str(" | ");
    }
    out.push_str(value);
}

/// The first 500 bytes, at a character boundary.
#[must_use]
pub fn cut(value: &str) -> &str {
    cut_to(value, MAX_BYTES)
}

/// The first `limit` bytes, at a character boundary.
#[must_use]
pub fn cut_to(value: &str, limit: usize) -> &str {
    head(value, limit)
}
