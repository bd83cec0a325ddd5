//! The independent fold: maps and sets, nothing of the pipeline.

use super::generator::Event;
use crate::harness::Engine;
use std::collections::{BTreeMap, BTreeSet};

/// Category or kind, platform, hour in Unix seconds, version, country, emulator.
pub type Key = (String, u64, u64, String, String, bool);
/// Number of events, each as many as it stands for, and of distinct devices.
pub type Counts = (u64, u64);

fn hour(event: &Event) -> i64 {
    event.occurred_at.div_euclid(3_600_000) * 3_600_000
}

fn fold<'a>(events: impl Iterator<Item = &'a Event>) -> BTreeMap<Key, Counts> {
    let mut groups: BTreeMap<Key, (u64, BTreeSet<&str>)> = BTreeMap::new();
    for event in events {
        let seconds = u64::try_from(hour(event) / 1000).unwrap();
        let key = (
            event.category.to_owned(),
            u64::from(event.platform),
            seconds,
            event.version.clone(),
            event.country.to_owned(),
            event.is_emulator,
        );
        let group = groups.entry(key).or_default();
        group.0 += event.count;
        group.1.extend(Some(event.device.as_str()).filter(|device| !device.is_empty()));
    }
    groups.into_iter().map(|(key, (count, devices))| (key, (count, devices.len() as u64))).collect()
}

pub fn reports(events: &[Event]) -> BTreeMap<Key, Counts> {
    fold(events.iter().filter(|event| !event.is_connection))
}

pub fn connections(events: &[Event]) -> BTreeMap<Key, Counts> {
    fold(events.iter().filter(|event| event.is_connection))
}

/// The hours that have events, in Unix milliseconds, ascending.
pub fn hours(events: &[Event]) -> Vec<i64> {
    events.iter().map(hour).collect::<BTreeSet<_>>().into_iter().collect()
}

/// crashNum, crashUser, accessNum, accessUser of one hour, all versions and countries together.
pub fn trend_row(events: &[Event], platform: u8, category: &str, at: i64) -> [u64; 4] {
    let here: Vec<&Event> = events.iter().filter(|event| event.platform == platform && hour(event) == at).collect();
    let devices = |of: &dyn Fn(&Event) -> bool| {
        let named = here.iter().filter(|event| of(event) && !event.device.is_empty());
        named.map(|event| event.device.as_str()).collect::<BTreeSet<_>>().len() as u64
    };
    let count = |of: &dyn Fn(&Event) -> bool| here.iter().filter(|event| of(event)).map(|event| event.count).sum::<u64>();
    let reported = |event: &Event| !event.is_connection && event.category == category;
    [count(&reported), devices(&reported), count(&|event| event.is_connection && event.category == "start"), devices(&|_| true)]
}

/// The roll-up of a table, read from its projection only.
pub fn read(engine: &Engine, table: &str) -> BTreeMap<Key, Counts> {
    let (what, counted) = if table == "occurrences" { ("category", "count()") } else { ("kind", "sum(count)") };
    let query = format!(
        "select toString({what}) as what, platform_id, toUnixTimestamp(hour) as hour, version, country, is_emulator, {counted} as n, \
         finalizeAggregation(uniqExactState(device)) as devices from aftershock.{table} \
         group by {what}, platform_id, hour, version, country, is_emulator settings force_optimize_projection = 1"
    );
    let text = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap().to_owned();
    let number = |row: &serde_json::Value, name: &str| row[name].as_u64().unwrap_or_else(|| panic!("{name} in {row}"));
    let row = |row: serde_json::Value| {
        let key = (
            text(&row, "what"),
            number(&row, "platform_id"),
            number(&row, "hour"),
            text(&row, "version"),
            text(&row, "country"),
            row["is_emulator"] == true,
        );
        (key, (number(&row, "n"), number(&row, "devices")))
    };
    engine.rows(&query).into_iter().map(row).collect()
}
