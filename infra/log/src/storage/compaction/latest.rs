//! Which offset is the latest of each key, in bounded memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// Keys as 128 bits of two keyed hashes: nobody who does not know the two random seeds can make two keys meet.
#[derive(Debug, Default)]
pub struct Latest {
    hashers: (RandomState, RandomState),
    offsets: HashMap<[u64; 2], i64>,
}

impl Latest {
    /// Takes note of a record. Offsets come in ascending order.
    pub fn note(&mut self, key: &[u8], offset: i64) {
        self.offsets.insert(self.digest(key), offset);
    }

    /// Whether a later record of this key is known.
    pub fn supersedes(&self, key: &[u8], offset: i64) -> bool {
        self.offsets.get(&self.digest(key)).is_some_and(|latest| *latest > offset)
    }

    /// How many keys are known; each takes about 30 bytes.
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    fn digest(&self, key: &[u8]) -> [u64; 2] {
        [self.hashers.0.hash_one(key), self.hashers.1.hash_one(key)]
    }
}
