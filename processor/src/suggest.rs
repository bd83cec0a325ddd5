//! Near issues, for a person to judge: what reports have in common, in time linear in their length.
//!
//! Two stacks are aligned as FaST does (Rodrigues et al. 2022): the n-th time a frame occurs in the one is paired with the n-th time it
//! occurs in the other, with no table of all pairs. A pair weighs by how near the top it stands, how rare its frame is among the issues
//! at hand and whose it is, and less the further it has moved. The messages' words are aligned likewise. Nothing here changes an issue.

mod index;
mod profile;

pub use index::{Near, nearest};
pub use profile::Profile;

use std::collections::HashMap;

use profile::Token;

/// What a pair loses by each frame that it has moved.
const MOVED: f64 = 0.05;
/// What frames, message and type count among one another.
const SHARES: [f64; 3] = [6.0, 3.0, 1.0];

/// How rare each token is among some profiles.
#[derive(Clone, Debug, Default)]
pub struct Rarity {
    seen: HashMap<u64, u32>,
    profiles: u32,
}

impl Rarity {
    /// Counts in how many profiles each token is.
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

    /// 1 for what is in one profile alone, towards 0 for what is in all.
    fn of_token(&self, token: &Token) -> f64 {
        let profiles = f64::from(self.profiles.max(1));
        (1.0 + profiles / f64::from(self.seen(token.name))).ln() / (1.0 + profiles).ln()
    }

    fn weight(&self, token: &Token) -> f64 {
        token.weight * self.of_token(token)
    }
}

/// How much two profiles have in common, 0 to 1; the same in both directions, 1 for equal ones.
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

/// The weight of what is paired by the weight of all; `None` where neither has anything.
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
