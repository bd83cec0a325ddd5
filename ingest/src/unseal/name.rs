//! Which sealed text it was: the same at every edge and after every start, so that a recorded body is a re-delivery wherever
//! and whenever it is sent again.

use sha2::{Digest as _, Sha256};
use std::fmt;

/// A hash of the key and of what tells one text sealed with it from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name([u8; 16]);

impl Name {
    /// Of parts of which the first is known to nobody without the secret: else a report could be made up that has the name
    /// of one that was overheard, and takes its place.
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
