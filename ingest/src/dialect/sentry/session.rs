//! Sessions to connections: what was started counts once, however often the client tells how it goes on.
//!
//! A single session is known by its id, so that a start that is told twice is one. Sessions that a server counted together
//! carry no ids: each post of them counts. They are one record that says how many it stands for.

use super::contexts;
use super::event::Sdk;
use super::lenient::{object, skip};
use super::release::Release;
use super::timestamp::Timestamp;
use super::values::{Flag, List, Text, Whole};
use crate::batch::Items;
use crate::dialect::bounds::{SESSION_GROUPS, SESSION_RECORDS, SESSION_STARTS, SHORT};
use crate::dialect::copy_budget::CopyBudget;
use crate::dialect::cut::beginning;
use crate::dialect::native_connection::identified;
use crate::dialect::{Dialect, Received, platform};
use crate::encoded::EncodedRecord;
use schemas::platform::Platform;
use schemas::record::{Connection, ConnectionKind};
use serde_json::json;

object! {
    /// One session.
    Session<'a>, other: skip, {
        id: Text<'a> = "sid",
        device: Text<'a> = "did",
        init: Flag = "init",
        started: Timestamp = "started",
        attributes: Attributes<'a> = "attrs",
    } []
}

object! {
    /// Sessions that were counted together.
    Sessions<'a>, other: skip, {
        groups: List<Group<'a>, SESSION_GROUPS> = "aggregates",
        attributes: Attributes<'a> = "attrs",
    } []
}

object! {
    /// How many sessions of a minute ended how.
    Group<'a>, other: skip, {
        device: Text<'a> = "did",
        started: Timestamp = "started",
        exited: Whole = "exited",
        errored: Whole = "errored",
        abnormal: Whole = "abnormal",
        crashed: Whole = "crashed",
        unhandled: Whole = "unhandled",
    } []
}

object! {
    /// What all sessions of an item have in common.
    Attributes<'a>, other: skip, {
        release: Text<'a> = "release",
        environment: Text<'a> = "environment",
        ip_address: Text<'a> = "ip_address",
        user_agent: Text<'a> = "user_agent",
    } []
}

/// Reads sessions into connections.
pub(super) struct Reader<'a> {
    pub(super) received: &'a Received,
    pub(super) sdk: &'a Sdk<'a>,
    pub(super) budget: &'a CopyBudget,
    pub(super) connections: Items<EncodedRecord>,
    /// Starts that were taken.
    pub(super) taken: u32,
    /// Starts above the bound.
    pub(super) over: u64,
}

impl Reader<'_> {
    /// A session; false where it only says how one goes on.
    pub(super) fn single(&mut self, session: &Session<'_>) -> bool {
        if session.init.0 != Some(true) {
            return false;
        }
        if self.connections.len() >= SESSION_RECORDS {
            self.over = self.over.saturating_add(1);
        } else if self.within(1) == 1 {
            let mut start = self.start(&session.attributes);
            start.event_id = super::report::identifier(&session.id.0);
            start.device_id = session.device.to_owned();
            start.occurred_at = session.started.0;
            self.push(start);
        }
        true
    }

    /// As many starts as the groups say: one record for all groups of an item, or for those of a device where they name some.
    pub(super) fn aggregated(&mut self, sessions: &Sessions<'_>) {
        let mut counts: Vec<(&str, u32)> = Vec::new();
        for group in &sessions.groups.0 {
            let parts = [group.exited, group.errored, group.abnormal, group.crashed, group.unhandled];
            let stated = parts.iter().filter_map(|part| u64::try_from(part.0?).ok()).fold(0_u64, u64::saturating_add);
            let is_full = self.connections.len() + counts.len() >= SESSION_RECORDS;
            match counts.iter_mut().find(|(device, _)| *device == group.device.0) {
                Some((_, count)) => *count += self.within(stated),
                None if is_full => self.over = self.over.saturating_add(stated),
                None => counts.push((&group.device.0, self.within(stated))),
            }
        }
        for (device, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            let mut start = self.start(&sessions.attributes);
            start.device_id = device.to_owned();
            self.push(Connection { count, ..start });
        }
    }

    /// How many of so many starts are within the bound of an envelope; those that are not are counted as over it.
    fn within(&mut self, stated: u64) -> u32 {
        let room = (SESSION_STARTS as u64).saturating_sub(u64::from(self.taken));
        let count = u32::try_from(stated.min(room)).unwrap_or_default();
        self.taken += count;
        self.over = self.over.saturating_add(stated - u64::from(count));
        count
    }

    fn push(&mut self, start: Connection) {
        let nonce = self.received.nonce_of(self.connections.len());
        self.connections.push(self.budget.encoded(identified(start, nonce)));
    }

    fn start(&self, attributes: &Attributes<'_>) -> Connection {
        let release = Release::of(&attributes.release.0);
        let mut start = self.received.connection(Dialect::Sentry.name(), ConnectionKind::Start);
        start.version = release.version.to_owned();
        start.platform_id = platform::number(match contexts::platform_of("", &self.sdk.name.0) {
            Platform::Pc if self.sdk.name.0.starts_with("sentry.cocoa") => Platform::Ios,
            Platform::Pc => platform::of_os_info(attributes.user_agent.or(&Text(self.received.user_agent.as_str().into()))),
            platform => platform,
        });
        if !attributes.ip_address.is_empty() && attributes.ip_address.0.parse::<std::net::IpAddr>().is_ok() {
            start.client_ip = attributes.ip_address.to_owned();
        }
        start.extra = extra([("environment", &attributes.environment.0), ("package", release.package), ("build", release.build)]);
        start
    }
}

/// The texts that are not empty, each within its bound, as JSON; the names of those that were cut stand beside them.
fn extra(texts: [(&str, &str); 3]) -> String {
    let (mut object, mut truncated) = (serde_json::Map::new(), Vec::new());
    for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        let kept = beginning(text, SHORT);
        if kept.len() < text.len() {
            truncated.push(name);
        }
        object.insert(name.to_owned(), json!(kept));
    }
    if !truncated.is_empty() {
        object.insert("truncated".to_owned(), json!(truncated));
    }
    if object.is_empty() { String::new() } else { serde_json::Value::Object(object).to_string() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(body: &str) -> (Vec<Connection>, u64) {
        let (received, sdk) = (Received { nonce: 7, ..Received::default() }, Sdk::default());
        let budget = CopyBudget::of(body.len());
        let mut reader = Reader { received: &received, sdk: &sdk, budget: &budget, connections: Vec::new(), taken: 0, over: 0 };
        reader.aggregated(&serde_json::from_str(body).unwrap());
        (reader.connections.into_iter().map(|start| start.unwrap().record().unwrap()).collect(), reader.over)
    }

    #[test]
    fn groups_are_one_record_with_their_count() {
        let groups = r#"{"attrs":{"release":"shop@1.0+7","environment":"生产"},"aggregates":[
            {"started":"2026-12-01T04:00:00Z","exited":9000,"errored":900,"crashed":90,"abnormal":9,"unhandled":1},
            {"did":"设备","exited":5},{"started":"2026-12-01T04:01:00Z","exited":7},{"exited":0},{"exited":-4},{"exited":"many"},{}]}"#;
        let (starts, over) = read(groups);
        let found: Vec<(u32, &str)> = starts.iter().map(|start| (start.count, start.device_id.as_str())).collect();
        assert_eq!((found, over), (vec![(10_007, ""), (5, "设备")], 0));
        assert_ne!(starts[0].connection_id, starts[1].connection_id);
        assert_eq!(starts[0].extra, r#"{"environment":"生产","package":"shop","build":"7"}"#);
    }

    #[test]
    fn an_envelope_states_no_more_than_its_bounds() {
        let most = SESSION_STARTS;
        let (starts, over) = read(&format!(
            r#"{{"aggregates":[{{"did":"a","exited":60000}},{{"exited":{most}}},{{"did":"a","exited":3}},{{"did":"b","exited":1}}]}}"#
        ));
        assert_eq!(starts.iter().map(|start| start.count).collect::<Vec<_>>(), [60_000, 40_000]);
        assert_eq!(over, 60_004);
        let huge = format!(r#"{{"aggregates":[{{"exited":{max},"errored":{max},"crashed":{max}}}]}}"#, max = i64::MAX);
        let (starts, over) = read(&huge);
        assert_eq!((starts[0].count, over), (SESSION_STARTS as u32, u64::MAX - SESSION_STARTS as u64));
        let devices: Vec<String> = (0..150).map(|number| format!(r#"{{"did":"d{number}","exited":2}}"#)).collect();
        let (starts, over) = read(&format!(r#"{{"aggregates":[{}]}}"#, devices.join(",")));
        assert_eq!((starts.len(), over), (SESSION_RECORDS, 0));
    }

    /// One request of 1.1 KB held ten thousand copies of a text of a megabyte.
    #[test]
    fn texts_are_cut_before_they_are_kept() {
        let body = format!(
            r#"{{"attrs":{{"release":"{}@1.0+{}","environment":"{}"}},"aggregates":[{{"exited":10000}},{{"did":"d","exited":1}}]}}"#,
            "包".repeat(100_000),
            "b".repeat(100_000),
            "e".repeat(1_000_000)
        );
        let (starts, _) = read(&body);
        assert_eq!(starts.len(), 2);
        for start in starts {
            let extra: serde_json::Value = serde_json::from_str(&start.extra).unwrap();
            let length = |name: &str| extra[name].as_str().unwrap().len();
            assert_eq!((length("environment"), length("package"), length("build")), (256, 255, 256));
            assert_eq!(extra["truncated"], json!(["environment", "package", "build"]));
        }
    }
}
