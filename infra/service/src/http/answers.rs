//! The memory of answers that their clients have not read yet, bounded over all connections together.

use super::memory::{Exhausted, MemoryLimit, Reservation};
use super::{Body, Response};
use bytes::Bytes;
use std::sync::Arc;

/// A smaller answer is not counted: connections are bounded, and the socket takes it at once.
const UNCOUNTED_BYTES: usize = 4 << 10;

/// The bytes of an answer; their memory is given back when the last of them is sent, or the connection has ended.
struct AnswerBytes {
    bytes: Bytes,
    _held: Reservation,
}

impl AsRef<[u8]> for AnswerBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The response, with its bytes counted until they are sent.
///
/// # Errors
/// All answers together would be too many bytes.
pub(super) fn counted(response: Response, memory: &Arc<MemoryLimit>) -> Result<Response, Exhausted> {
    let length = response.body().bytes().len();
    if length < UNCOUNTED_BYTES {
        return Ok(response);
    }
    let mut held = Reservation::empty(memory);
    held.grow(length)?;
    Ok(response.map(|body| Body::from(Bytes::from_owner(AnswerBytes { bytes: body.bytes().clone(), _held: held }))))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{StatusCode, text};
    use super::*;

    #[test]
    fn an_answer_counts_until_its_last_byte_is_gone() {
        let memory = MemoryLimit::new(10_000);
        let answer = |length: usize| counted(text(StatusCode::OK, "长".repeat(length / 3)), &memory);
        let first = answer(6_000).unwrap();
        assert_eq!(answer(6_000).err(), Some(Exhausted));
        assert!(answer(300).is_ok(), "small ones always pass");
        // As the server hands it to the connection: the body is gone, its bytes are not.
        let bytes = first.into_body().bytes().clone();
        let rest = bytes.slice(5_997..);
        drop(bytes);
        assert_eq!(answer(6_000).err(), Some(Exhausted));
        assert_eq!(rest, "长".as_bytes());
        drop(rest);
        assert!(answer(6_000).is_ok());
    }
}
