//! `GET /v1/admin/stats/active`: devices of a day, of the week and of the month that end with it.

use crate::envelope::AppKey;
use crate::error::{Error, invalid};
use crate::operation::{AdminAsked, AdminOperation, Reads};
use crate::param::{App, Block, Context, Text};
use crate::sql;
use crate::store::Row;
use crate::zone::{DAY, Zone};
use schemars::JsonSchema;
use schemas::version::Version;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// Devices that were connected.
pub struct ActiveDevices;

/// How a [`LastDay`] is spelled.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "active.LastDay")]
pub struct LastDayFields {
    /// Last day of all three, yyyy-MM-dd, by the clock of the service's zone.
    date: Text,
}

/// The day that is asked for.
pub struct LastDay {
    date: String,
    /// The Unix second at which it begins.
    midnight: i64,
}

impl Block for LastDay {
    type Fields = LastDayFields;

    fn check(fields: LastDayFields, context: &Context<'_>) -> Result<Self, Error> {
        Ok(Self { midnight: midnight(&fields.date, context.settings.time_zone)?, date: fields.date.0 })
    }
}

/// Distinct devices with a start or a heartbeat.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "active.Counts")]
pub struct ActiveCounts {
    /// The last day of all three.
    date: String,
    /// Devices on that day.
    dau: u64,
    /// Devices in the 7 days that end with it.
    wau: u64,
    /// Devices in the 30 days that end with it.
    mau: u64,
    /// Newest version first; texts that are not versions come last, by name. A device that had two versions counts in both, and once above.
    versions: Vec<VersionDevices>,
}

/// Distinct devices of one app version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "active.VersionDevices")]
pub struct VersionDevices {
    /// The version as sent; empty where none was sent.
    version: String,
    dau: u64,
    wau: u64,
    mau: u64,
}

/// A row of `active.sql`.
#[derive(Debug, Clone, Row, Deserialize)]
struct Devices {
    whole: bool,
    version: String,
    dau: u64,
    wau: u64,
    mau: u64,
}

impl AdminOperation for ActiveDevices {
    const PATH: &'static str = "/v1/admin/stats/active";
    const SUMMARY: &'static str = "Devices of a day, week and month, by version (Bearer)";
    const APP_IS_KNOWN: bool = true;
    type Uses = Reads;
    type Envelope = AppKey;
    type Parameters = (App, LastDay);
    type Answer = ActiveCounts;

    async fn answer(reads: &Reads, asked: AdminAsked<Self>) -> Result<ActiveCounts, Error> {
        let (App(app), LastDay { date, midnight }) = asked.parameters;
        // The tables know nothing before 1970.
        let begin = |days: i64| (midnight - (days - 1) * DAY).max(0);
        let statement = sql!("active.sql")
            .frugal()
            .text("app", app)
            .time("month", begin(30))
            .time("week", begin(7))
            .time("day", begin(1))
            .time("to", midnight + DAY);
        Ok(reads.store.fold(statement, |rows| counts(date, rows)).await?)
    }
}

/// The Unix second at which the day begins in the zone.
fn midnight(date: &str, zone: Zone) -> Result<i64, Error> {
    let has_form = date.len() == 10 && date.bytes().enumerate().all(|(at, byte)| (byte == b'-') == matches!(at, 4 | 7));
    let midnight = has_form.then(|| zone.day(date)).flatten();
    midnight.ok_or_else(|| invalid("date", "expected a day as yyyy-MM-dd"))
}

fn counts(date: String, rows: Vec<Devices>) -> ActiveCounts {
    let mut active = ActiveCounts { date, ..ActiveCounts::default() };
    for Devices { whole, version, dau, wau, mau } in rows {
        match whole {
            true => (active.dau, active.wau, active.mau) = (dau, wau, mau),
            false => active.versions.push(VersionDevices { version, dau, wau, mau }),
        }
    }
    active.versions.sort_by_cached_key(|row| (Reverse(Version::parse(&row.version).ok()), row.version.clone()));
    active
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn row(whole: bool, version: &str, counts: [u64; 3]) -> Devices {
        let [dau, wau, mau] = counts;
        Devices { whole, version: version.to_owned(), dau, wau, mau }
    }

    #[test]
    fn versions_come_newest_first_and_the_others_last() {
        let names = ["1.9", "", "1.10.0.1", "开发版", "1.10", "v1.10.0", "1.10-beta"];
        let mut rows: Vec<Devices> = names.iter().map(|name| row(false, name, [1, 1, 1])).collect();
        rows.insert(3, row(true, "", [2, 3, 4]));
        let active = counts("2026-01-31".to_owned(), rows);
        assert_eq!((active.dau, active.wau, active.mau), (2, 3, 4));
        let order: Vec<&str> = active.versions.iter().map(|row| row.version.as_str()).collect();
        assert_eq!(order, ["1.10.0.1", "1.10", "v1.10.0", "1.10-beta", "1.9", "", "开发版"]);
    }

    #[test]
    fn no_rows_are_zeros() {
        assert_eq!(counts("d".to_owned(), Vec::new()), ActiveCounts { date: "d".to_owned(), ..ActiveCounts::default() });
    }

    #[test]
    fn a_day_has_one_form() {
        let zone: Zone = "+05:30".parse().unwrap();
        assert_eq!(midnight("2023-07-05", zone).unwrap(), 1_688_495_400);
        for bad in ["", "20230705", "2023-7-5", "2023-02-30", "2023/07/05", "2023-07-05 ", "昨天", "2023-07-0a", "202-307-05", "0000-00-00"]
        {
            assert!(midnight(bad, zone).is_err(), "{bad}");
        }
    }
}
