//! `GET /v1/admin/stats/active`: devices of a day, of the week and of the month that end with it.

use crate::admin::{self, Documented};
use crate::app_key::{Refusal, Reply};
use crate::authenticate::Gate;
use crate::error::{Error, invalid};
use crate::param::Text;
use crate::store::{Row, Statement, Store};
use crate::zone::{DAY, Zone};
use schemars::JsonSchema;
use schemas::version::Version;
use serde::{Deserialize, Serialize};
use service::http::{Endpoint, Json, Method, Request, Response};
use std::cmp::Reverse;

/// Active devices.
pub struct Active {
    pub gate: Gate,
    pub store: Store,
    pub zone: Zone,
}

/// The request, not yet read.
pub struct Question(Request);

#[derive(Debug, Deserialize)]
struct Asked {
    app_id: Text,
    date: Text,
}

/// Distinct devices with a start or a heartbeat.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ActiveDevices {
    /// The last day of all three.
    date: String,
    /// On that day.
    dau: u64,
    /// In the 7 days that end with it.
    wau: u64,
    /// In the 30 days that end with it.
    mau: u64,
    /// Newest first; those that are no versions come last, by name. A device that had two of them counts in both, and once above.
    versions: Vec<OfVersion>,
}

/// The same for one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OfVersion {
    /// As sent; empty where none was.
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

impl service::http::Input for Question {
    fn from_request(request: Request) -> Result<Self, Response> {
        Ok(Self(request))
    }

    fn query() -> Documented {
        &[("app_id", "id of the app"), ("date", "yyyy-MM-dd, a day of the service's zone")]
    }
}

impl Endpoint for Active {
    const METHODS: &'static [Method] = &[Method::GET];
    const PATH: &'static str = "/v1/admin/stats/active";
    const SUMMARY: &'static str = "Devices of a day, week and month, by version (Bearer)";
    const TAG: &'static str = "admin";
    const BODY_LIMIT: usize = crate::param::bounds::LONGEST_BODY;
    type Input = Question;
    type Output = Json<Reply<ActiveDevices>>;
    type Error = Refusal;

    async fn call(&self, Question(request): Question) -> Result<Json<Reply<ActiveDevices>>, Refusal> {
        let (operator, Asked { app_id, date }) = admin::asked(&self.gate, &request)?;
        let midnight = midnight(&date, self.zone)?;
        self.gate.known(&app_id)?;
        // The tables know nothing before 1970.
        let begin = |days: i64| (midnight - (days - 1) * DAY).max(0);
        let statement = Statement::from_projections(include_str!("active.sql"))
            .frugal()
            .text("app", app_id.0)
            .time("month", begin(30))
            .time("week", begin(7))
            .time("day", begin(1))
            .time("to", midnight + DAY);
        Ok(Json(Reply::ok(self.store.of(&operator.id).fold(statement, |rows| fold(date.0, rows)).await?)))
    }
}

/// The Unix second at which the day begins in the zone.
fn midnight(date: &str, zone: Zone) -> Result<i64, Error> {
    let has_form = date.len() == 10 && date.bytes().enumerate().all(|(at, byte)| (byte == b'-') == matches!(at, 4 | 7));
    let midnight = has_form.then(|| zone.day(date)).flatten();
    midnight.ok_or_else(|| invalid("date", "expected a day as yyyy-MM-dd"))
}

fn fold(date: String, rows: Vec<Devices>) -> ActiveDevices {
    let mut active = ActiveDevices { date, ..ActiveDevices::default() };
    for Devices { whole, version, dau, wau, mau } in rows {
        match whole {
            true => (active.dau, active.wau, active.mau) = (dau, wau, mau),
            false => active.versions.push(OfVersion { version, dau, wau, mau }),
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
        let active = fold("2026-01-31".to_owned(), rows);
        assert_eq!((active.dau, active.wau, active.mau), (2, 3, 4));
        let order: Vec<&str> = active.versions.iter().map(|row| row.version.as_str()).collect();
        assert_eq!(order, ["1.10.0.1", "1.10", "v1.10.0", "1.10-beta", "1.9", "", "开发版"]);
    }

    #[test]
    fn no_rows_are_zeros() {
        assert_eq!(fold("d".to_owned(), Vec::new()), ActiveDevices { date: "d".to_owned(), ..ActiveDevices::default() });
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
