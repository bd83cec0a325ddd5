//! The id of a sealed text: the same at every edge and after every start, so that a recorded body is a re-delivery wherever and
//! whenever it is sent again.

use sha2::{Digest as _, Sha256};
use std::fmt;

/// A hash of the key and of what differs between the texts sealed with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name([u8; 16]);

impl Name {
    /// Of parts, the first of which must not be known without the secret: else an attacker could make up a report with the id
    /// of one that was overheard, and take its place.
    pub(super) fn of(parts: [&[u8]; 3]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut name = [0; 16];
        name.copy_from_slice(&hash.finalize()[..16]);
        Self(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sealed-")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
