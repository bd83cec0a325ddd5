//! The nearest of many profiles. Where there are many, only profiles that share a rare token are compared.

use super::{Profile, Rarity, similarity};
use std::collections::HashMap;

/// Tokens of a profile by which other profiles are found, the rarest first.
const ASKED: usize = 24;
/// A token of more profiles than this is not used to find others.
const COMMON: usize = 400;
/// The most profiles with which one is compared.
const COMPARED: usize = 200;

/// A profile that is near another one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// Its index in the list.
    pub other: usize,
    pub score: f64,
}

/// For each of `profiles` the `top` nearest others with at least `min_score`, the nearest first.
#[must_use]
pub fn nearest(profiles: &[Profile], top: usize, min_score: f64) -> Vec<Vec<Near>> {
    let rarity = Rarity::of(profiles);
    let mut holders: HashMap<u64, Vec<u32>> = HashMap::new();
    let asked: Vec<Vec<u64>> = profiles.iter().map(|profile| rarest(profile, &rarity)).collect();
    for (place, names) in asked.iter().enumerate() {
        names.iter().for_each(|name| holders.entry(*name).or_default().push(place as u32));
    }
    let of_one = |place: usize| {
        let few = if profiles.len() <= COMPARED { profiles.len() as u32 } else { 0 };
        let mut shared: HashMap<u32, f64> = (0..few).filter(|other| *other as usize != place).map(|other| (other, 0.0)).collect();
        for name in &asked[place] {
            let Some(found) = holders.get(name) else { continue };
            found
                .iter()
                .filter(|other| **other as usize != place)
                .for_each(|other| *shared.entry(*other).or_default() += 1.0 / found.len() as f64);
        }
        let mut candidates: Vec<(u32, f64)> = shared.into_iter().collect();
        candidates.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let compared = candidates.into_iter().take(COMPARED).map(|(other, _)| other as usize);
        let mut near: Vec<Near> =
            compared.map(|other| Near { other, score: similarity(&profiles[place], &profiles[other], &rarity) }).collect();
        near.retain(|near| near.score >= min_score);
        near.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.other.cmp(&b.other)));
        near.truncate(top);
        near
    };
    (0..profiles.len()).map(of_one).collect()
}

fn rarest(profile: &Profile, rarity: &Rarity) -> Vec<u64> {
    let mut names: Vec<(u32, u64)> = profile.tokens().map(|token| (rarity.seen(token.name), token.name)).collect();
    if profile.exception != 0 && names.is_empty() {
        names.push((1, profile.exception));
    }
    names.sort_unstable();
    names.dedup();
    // What one profile alone has finds no other.
    let telling = names.into_iter().filter(|(seen, _)| *seen as usize <= COMMON && (*seen > 1 || profile.tokens().next().is_none()));
    telling.take(ASKED).map(|(_, name)| name).collect()
}
