//! Similar issues, for a person to judge, by what their reports have in common. The time is linear in the length of the reports.
//!
//! Two stacks are aligned as FaST does (Rodrigues et al. 2022): the n-th occurrence of a frame in the first is paired with its
//! n-th occurrence in the second, without a table of all pairs. The weight of a pair depends on its distance from the top, on how rare its frame is
//! among the compared issues, and on whose frame it is; it falls with the distance between both places. Words of messages are aligned in the same
//! way. Nothing here changes an issue.

mod index;
mod profile;

pub use index::{Near, nearest};
pub use profile::Profile;

use profile::Token;
use std::collections::HashMap;

/// How much of its weight a pair loses for each frame of distance between both places.
const MOVED: f64 = 0.05;
/// Weights of frames, message and type.
const SHARES: [f64; 3] = [6.0, 3.0, 1.0];

/// How rare each token is among some profiles.
#[derive(Clone, Debug, Default)]
pub struct Rarity {
    seen: HashMap<u64, u32>,
    profiles: u32,
}

impl Rarity {
    /// Counts the profiles of each token.
    #[must_use]
    pub fn of(profiles: &[Profile]) -> Self {
        let mut this = Self { profiles: u32::try_from(profiles.len()).unwrap_or(u32::MAX), ..Self::default() };
        for profile in profiles {
            let mut tokens: Vec<u64> = profile.tokens().map(|token| token.name).collect();
            tokens.sort_unstable();
            tokens.dedup();
            tokens.into_iter().for_each(|name| *this.seen.entry(name).or_default() += 1);
        }
        this
    }

    fn seen(&self, name: u64) -> u32 {
        self.seen.get(&name).copied().unwrap_or(1).max(1)
    }

    /// Near 1 for a token of one profile, near 0 for a token of all profiles.
    fn of_token(&self, token: &Token) -> f64 {
        let profiles = f64::from(self.profiles.max(1));
        (1.0 + profiles / f64::from(self.seen(token.name))).ln() / (1.0 + profiles).ln()
    }

    fn weight(&self, token: &Token) -> f64 {
        token.weight * self.of_token(token)
    }
}

/// How much two profiles have in common, from 0 to 1. It is symmetric, and 1 for equal profiles.
#[must_use]
pub fn similarity(a: &Profile, b: &Profile, rarity: &Rarity) -> f64 {
    let named = a.exception != 0 || b.exception != 0;
    let same = named && a.exception == b.exception;
    let parts = [aligned(&a.frames, &b.frames, rarity), aligned(&a.words, &b.words, rarity), named.then_some(f64::from(u8::from(same)))];
    let (mut sum, mut shares) = (0.0, 0.0);
    for (part, share) in parts.into_iter().zip(SHARES) {
        if let Some(part) = part {
            sum += share * part;
            shares += share;
        }
    }
    if shares > 0.0 { (sum / shares).clamp(0.0, 1.0) } else { 0.0 }
}

/// The weight of the pairs divided by the weight of all tokens; `None` where there are no tokens.
fn aligned(a: &[Token], b: &[Token], rarity: &Rarity) -> Option<f64> {
    if a.is_empty() && b.is_empty() {
        return None;
    }
    let all: f64 = a.iter().chain(b).map(|token| rarity.weight(token)).sum();
    // The places of each name in `b`, in order; `a` takes them one after the other.
    let mut places: HashMap<u64, (usize, Vec<usize>)> = HashMap::with_capacity(b.len());
    for (place, token) in b.iter().enumerate() {
        places.entry(token.name).or_default().1.push(place);
    }
    let mut paired = 0.0;
    for (place, token) in a.iter().enumerate() {
        let Some((taken, found)) = places.get_mut(&token.name) else { continue };
        let Some(other) = found.get(*taken) else { continue };
        *taken += 1;
        let weight = rarity.weight(token).min(rarity.weight(&b[*other]));
        paired += 2.0 * weight * (-MOVED * place.abs_diff(*other) as f64).exp();
    }
    Some(if all > 0.0 { paired / all } else { 0.0 })
}

#[cfg(test)]
mod tests;
