//! The nonces that were used. Another text under a used nonce is an attack, or a device that counts wrong; the same text is a
//! re-delivery.
//!
//! The memory has two generations. When the young one is full it takes the place of the old one, whose nonces are
//! forgotten: so at least half of the capacity is remembered once it was filled, and never more than the capacity.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Never used twice with a key.
pub(crate) type Nonce = [u8; 12];
/// Proves that the sealer had the key.
pub(super) type Tag = [u8; 16];
/// Tells keys apart; equal for equal keys, also after the credentials were read again.
pub(super) type KeyId = [u8; 8];

/// The nonces of all keys.
pub(super) struct Nonces {
    generations: Mutex<Generations>,
    per_generation: usize,
}

#[derive(Default)]
struct Generations {
    young: HashMap<(KeyId, Nonce), Tag>,
    old: HashMap<(KeyId, Nonce), Tag>,
}

impl Nonces {
    /// Remembers at most `capacity`.
    pub(super) fn new(capacity: usize) -> Self {
        Self { generations: Mutex::default(), per_generation: capacity / 2 }
    }

    /// Remembers a nonce with the tag of its text; false where it was used for another.
    pub(super) fn admit(&self, key: KeyId, nonce: Nonce, tag: Tag) -> bool {
        let place = (key, nonce);
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = generations.young.get(&place).or_else(|| generations.old.get(&place)) {
            return *known == tag;
        }
        if generations.young.len() >= self.per_generation {
            generations.old = std::mem::take(&mut generations.young);
        }
        if self.per_generation > 0 {
            generations.young.insert(place, tag);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonce(number: u32) -> Nonce {
        let mut nonce = Nonce::default();
        nonce[..4].copy_from_slice(&number.to_le_bytes());
        nonce
    }

    #[test]
    fn another_text_under_a_nonce_is_noticed_within_the_window() {
        let nonces = Nonces::new(200);
        let (one, other) = ([1; 16], [2; 16]);
        for number in 0..10_000 {
            assert!(nonces.admit([0; 8], nonce(number), one), "{number}");
            let early = number.saturating_sub(99);
            assert!(nonces.admit([0; 8], nonce(early), one), "a re-delivery");
            assert!(!nonces.admit([0; 8], nonce(early), other), "{early} was forgotten at {number}");
            let generations = nonces.generations.lock().unwrap_or_else(PoisonError::into_inner);
            assert!(generations.young.len() + generations.old.len() <= 200);
        }
        assert!(nonces.admit([1; 8], nonce(9_999), other), "under another key");
        assert!(nonces.admit([0; 8], nonce(5), other), "long forgotten");
        assert!(Nonces::new(0).admit([0; 8], nonce(1), one));
    }
}
