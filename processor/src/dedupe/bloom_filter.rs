//! Which ids may have been delivered with a date ahead: a fixed number of bits. A wrong answer costs a look-up and nothing else.

use super::Id;

const BITS: usize = 1 << 16;

/// A Bloom filter of two hashes.
#[derive(Clone)]
pub struct BloomFilter {
    words: Box<[u64]>,
}

impl Default for BloomFilter {
    fn default() -> Self {
        Self { words: vec![0; BITS / 64].into_boxed_slice() }
    }
}

impl BloomFilter {
    /// Adds an id.
    pub fn insert(&mut self, id: &Id) {
        for bit in bits(id) {
            self.words[bit / 64] |= 1 << (bit % 64);
        }
    }

    /// Whether the id may have been added; false only if it was not.
    #[must_use]
    pub fn may_hold(&self, id: &Id) -> bool {
        bits(id).iter().all(|bit| self.words[bit / 64] & (1 << (bit % 64)) != 0)
    }
}

/// The bits of an id, from its last four bytes: the first bytes are its hash in [`super::Ids`].
fn bits(id: &Id) -> [usize; 2] {
    [usize::from(u16::from_le_bytes([id[12], id[13]])), usize::from(u16::from_le_bytes([id[14], id[15]]))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_held_and_little_else() {
        let id = |n: u32| {
            let mut id = [0; 16];
            id[12..].copy_from_slice(&n.wrapping_mul(0x9E37_79B9).to_le_bytes());
            id
        };
        let mut marks = BloomFilter::default();
        (0..1000).for_each(|n| marks.insert(&id(n)));
        assert!((0..1000).all(|n| marks.may_hold(&id(n))));
        let mistaken = (1000..11_000).filter(|n| marks.may_hold(&id(*n))).count();
        assert!(mistaken < 100, "{mistaken} of 10000");
    }
}
