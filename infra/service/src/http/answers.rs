//! The memory of answers: what is written and not yet taken by its client is bounded over all connections together.

use std::sync::Arc;

use bytes::Bytes;

use super::intake::{Budget, Refusal, Share};
use super::{Body, Response};

/// A smaller answer is not counted: connections are bounded, and the socket takes it at once.
const SMALL: usize = 4 << 10;

/// Bytes that give their share of the memory back when the last of them has left, or their connection has ended.
struct Counted {
    bytes: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The response, its bytes counted as long as they are there.
///
/// # Errors
/// All answers together would be too many bytes.
pub(super) fn counted(response: Response, budget: &Arc<Budget>) -> Result<Response, Refusal> {
    let length = response.body().bytes().len();
    if length < SMALL {
        return Ok(response);
    }
    let mut share = Share::none(budget);
    share.grow(length)?;
    Ok(response.map(|body| Body::from(Bytes::from_owner(Counted { bytes: body.bytes().clone(), _share: share }))))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{StatusCode, text};
    use super::*;

    #[test]
    fn an_answer_counts_until_its_last_byte_is_gone() {
        let budget = Budget::new(10_000);
        let answer = |length: usize| counted(text(StatusCode::OK, "长".repeat(length / 3)), &budget);
        let first = answer(6_000).unwrap();
        assert_eq!(answer(6_000).err(), Some(Refusal::NoMemory));
        assert!(answer(300).is_ok(), "small ones always pass");
        // As the server hands it to the connection: the body is gone, its bytes are not.
        let bytes = first.into_body().bytes().clone();
        let rest = bytes.slice(5_997..);
        drop(bytes);
        assert_eq!(answer(6_000).err(), Some(Refusal::NoMemory));
        assert_eq!(rest, "长".as_bytes());
        drop(rest);
        assert!(answer(6_000).is_ok());
    }
}
