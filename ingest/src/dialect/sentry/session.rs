//! Sessions to connections: what was started counts once, however often the client tells how it goes on.
//!
//! A single session is known by its id, so that a start that is told twice is one. Sessions that a server counted together
//! carry no ids: each post of them counts.

use super::event::Sdk;
use super::lenient::{object, skip};
use super::moment::Moment;
use super::release::Release;
use super::surroundings;
use super::values::{Flag, List, Text, Whole};
use crate::dialect::allowance::Allowance;
use crate::dialect::bounds::{SESSION_GROUPS, SHORT};
use crate::dialect::cut::beginning;
use crate::dialect::native_connection::identified;
use crate::dialect::{Items, Received, name, platform};
use crate::ready::Ready;
use schemas::record::{Connection, ConnectionKind};
use serde_json::json;

/// Starts of one envelope that are taken one by one; more are refused and counted.
pub(super) const MOST_STARTS: usize = 10_000;

object! {
    /// One session.
    Session<'a>, other: skip, {
        id: Text<'a> = "sid",
        device: Text<'a> = "did",
        init: Flag = "init",
        started: Moment = "started",
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
        started: Moment = "started",
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
    pub(super) allowance: &'a Allowance,
    pub(super) connections: Items<Ready<Connection>>,
    /// Starts above the bound.
    pub(super) over: u64,
}

impl Reader<'_> {
    /// A session; false where it only says how one goes on.
    pub(super) fn single(&mut self, session: &Session<'_>) -> bool {
        if session.init.0 != Some(true) {
            return false;
        }
        let mut start = self.start(&session.attributes);
        start.event_id = super::report::identifier(&session.id.0);
        start.device_id = session.device.to_owned();
        start.occurred_at = session.started.0;
        self.push(start);
        true
    }

    /// As many starts as the groups say.
    pub(super) fn aggregated(&mut self, sessions: &Sessions<'_>) {
        for group in &sessions.groups.0 {
            let parts = [group.exited, group.errored, group.abnormal, group.crashed, group.unhandled];
            let count = parts.iter().filter_map(|part| u64::try_from(part.0?).ok()).fold(0_u64, u64::saturating_add);
            let room = MOST_STARTS.saturating_sub(self.connections.len());
            let taken = usize::try_from(count).unwrap_or(usize::MAX).min(room);
            self.over = self.over.saturating_add(count - taken as u64);
            if taken == 0 {
                continue;
            }
            let mut start = self.start(&sessions.attributes);
            start.device_id = group.device.to_owned();
            for _ in 0..taken {
                self.push(start.clone());
            }
        }
    }

    fn push(&mut self, start: Connection) {
        if self.connections.len() >= MOST_STARTS {
            self.over += 1;
            return;
        }
        let nonce = self.received.nonce_of(self.connections.len());
        self.connections.push(self.allowance.ready(identified(start, nonce)));
    }

    fn start(&self, attributes: &Attributes<'_>) -> Connection {
        let release = Release::of(&attributes.release.0);
        let mut start = self.received.connection(name::SENTRY, ConnectionKind::Start);
        start.version = release.version.to_owned();
        start.platform_id = match surroundings::platform_id("", &self.sdk.name.0) {
            platform::PC if self.sdk.name.0.starts_with("sentry.cocoa") => platform::IOS,
            platform::PC => platform::of_os_info(attributes.user_agent.or(&Text(self.received.user_agent.as_str().into()))),
            platform => platform,
        };
        if !attributes.ip_address.is_empty() && attributes.ip_address.0.parse::<std::net::IpAddr>().is_ok() {
            start.client_ip = attributes.ip_address.to_owned();
        }
        let more = [("environment", &*attributes.environment.0), ("package", release.package), ("build", release.build)];
        let more: serde_json::Map<String, serde_json::Value> = more
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_owned(), json!(beginning(value, SHORT))))
            .collect();
        if !more.is_empty() {
            start.extra = serde_json::Value::Object(more).to_string();
        }
        start
    }
}
