//! The aliases of every app and platform that was asked for of late. They are read again only when the tables hold changes that they did not hold
//! before, which is one cheap question: how far the changes are in the tables. A replay or a restore may put other changes at the same places of the log, so
//! nothing is remembered for longer than a minute.

use super::Issues;
use super::aliases::{AliasRow, Aliases};
use crate::error::Error;
use crate::param::Target;
use crate::sql;
use crate::store::{Row, Store};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Issues that are remembered over all apps and platforms: some 35 MB.
const MAX_WEIGHT: usize = 100_000;
/// What an app and platform weighs without any: at most 1,000 of them are remembered.
const LEAST_WEIGHT: usize = 100;

/// For how long aliases are remembered at most.
const MAX_AGE: Duration = Duration::from_secs(60);

/// Aliases by app and platform; clones share them.
#[derive(Debug, Clone, Default)]
pub struct IssueCache(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    by_target: HashMap<Target, Entry>,
    /// Counts the uses.
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    position: Vec<Position>,
    aliases: Arc<Aliases>,
    read_at: Instant,
    last_use: u64,
}

/// The highest offset of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
struct Position {
    log_generation: u16,
    log_partition: u32,
    highest: u64,
}

impl IssueCache {
    /// The issues of an app on a platform, as the tables have them now.
    ///
    /// # Errors
    /// The tables give no answer.
    pub async fn of(&self, store: &Store, target: &Target) -> Result<Issues, Error> {
        let now = Instant::now();
        // Read before the facts: these may be newer than it says, never older.
        let position: Vec<Position> = store.fetch(sql!("position.sql")).await?;
        let aliases = match self.find(target, &position, now) {
            Some(aliases) => aliases,
            None => {
                let facts = sql!("aliases.sql").bind(target);
                let aliases = Arc::new(store.fold(facts, |facts: Vec<AliasRow>| Aliases::fold(&facts)).await?);
                self.keep(target, position, &aliases, now);
                aliases
            }
        };
        Ok(Issues { store: store.clone(), target: target.clone(), aliases })
    }

    fn find(&self, target: &Target, position: &[Position], now: Instant) -> Option<Arc<Aliases>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.uses += 1;
        let uses = entries.uses;
        let entry = entries.by_target.get_mut(target).filter(|entry| entry.position == position && now < entry.read_at + MAX_AGE)?;
        entry.last_use = uses;
        Some(entry.aliases.clone())
    }

    /// Those that were not asked for the longest make room.
    fn keep(&self, target: &Target, position: Vec<Position>, aliases: &Arc<Aliases>, read_at: Instant) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last_use = entries.uses;
        entries.by_target.insert(target.clone(), Entry { position, aliases: aliases.clone(), read_at, last_use });
        let mut weight: usize = entries.by_target.values().map(Entry::weight).sum();
        while weight > MAX_WEIGHT {
            let oldest = entries.by_target.iter().min_by_key(|(_, entry)| entry.last_use).map(|(target, _)| target.clone());
            let Some(removed) = oldest.and_then(|oldest| entries.by_target.remove(&oldest)) else { return };
            weight -= removed.weight();
        }
    }
}

impl Entry {
    fn weight(&self) -> usize {
        LEAST_WEIGHT + self.aliases.weight()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn target(app: usize) -> Target {
        Target { app: app.to_string(), platform: 1 }
    }

    fn at(highest: u64) -> Vec<Position> {
        vec![Position { log_generation: 0, log_partition: 0, highest }]
    }

    /// Aliases with so many parts.
    fn aliases(parts: usize) -> Arc<Aliases> {
        let value = |from: usize, to: usize| {
            let issues: Vec<String> = (from..to).map(|part| format!("{part:032X}")).collect();
            serde_json::json!({ "issues": issues }).to_string()
        };
        let fact = |value| AliasRow { issue: "F".repeat(32), value, author: String::new(), changed_ms: 0 };
        let facts: Vec<AliasRow> = (0..parts).step_by(100).map(|from| fact(value(from, (from + 100).min(parts)))).collect();
        let aliases = Aliases::fold(&facts);
        assert_eq!(aliases.parts(), parts);
        Arc::new(aliases)
    }

    #[test]
    fn a_change_in_the_tables_makes_them_be_read_again() {
        let (cache, now) = (IssueCache::default(), Instant::now());
        cache.keep(&target(1), at(5), &aliases(3), now);
        assert!(cache.find(&target(1), &at(5), now).is_some());
        assert!(cache.find(&target(1), &at(6), now).is_none());
        assert!(cache.find(&target(1), &[at(5), at(5)].concat(), now).is_none());
        assert!(cache.find(&target(2), &at(5), now).is_none());
    }

    /// As after a replay that puts other changes in the same places.
    #[test]
    fn after_a_minute_they_are_read_again_in_any_case() {
        let (cache, now) = (IssueCache::default(), Instant::now());
        cache.keep(&target(1), at(5), &aliases(3), now);
        assert!(cache.find(&target(1), &at(5), now + MAX_AGE - Duration::from_millis(1)).is_some());
        assert!(cache.find(&target(1), &at(5), now + MAX_AGE).is_none());
    }

    #[test]
    fn apps_that_nobody_asks_for_are_forgotten() {
        let (cache, now) = (IssueCache::default(), Instant::now());
        let large = aliases(20_000);
        for app in 0..10 {
            cache.keep(&target(app), at(5), &large, now);
            assert!(cache.find(&target(0), &at(5), now).is_some(), "it is asked for all the time");
        }
        let entries = cache.0.lock().unwrap();
        let weight: usize = entries.by_target.values().map(Entry::weight).sum();
        assert!(weight <= MAX_WEIGHT && entries.by_target.contains_key(&target(9)), "{weight}");
    }
}
