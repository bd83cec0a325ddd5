//! `[ingest]`: where the edge listens, which proxies it trusts, how much it takes and how long it waits.

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::config::{Size, Span};
use service::disk::Space;
use service::http::{self, AccessLog, Limits, Tls};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// `[ingest]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address to listen on; port 0 takes a free one.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// Address of readiness (`/readyz`) and metrics (`/metrics`), which the one above does not show; port 0 takes a free one. Not encrypted,
    /// for this machine and private networks. At most 256 connections and 32 requests at once; the other bounds are those of `listen`.
    #[schemars(with = "String")]
    pub admin_listen: SocketAddr,
    /// Reports per device and minute, each report of a batch counted, connections counted apart. A device is limited at each
    /// address for itself, so that nobody locks it out in its name. Ids such as `unknown` or zeros do not count as devices. In
    /// the log-message and app-key dialects reports without a device count for their address (IPv6: its /64). 0 = no limit.
    pub reports_per_minute: u32,
    /// Reports per app, address (IPv6: its /64) and minute in all dialects, whatever devices they name; connections counted
    /// apart, starts by their count. Absent: 1,000 times `reports_per_minute` (120,000, which a server that reports for
    /// many users does not reach), so 0 there means no limit here either. 0 = no limit. Behind a proxy that is not
    /// in `trusted_proxies` all clients are one address.
    pub address_reports_per_minute: Option<u32>,
    /// Bytes of reports and connections, as they are in the log before it packs them, per app, address and minute. Absent:
    /// 2 KiB for each of `address_reports_per_minute` (234 MiB, 4 MiB a second). "0" = no limit.
    pub address_bytes_per_minute: Option<Size>,
    /// Reports and connections per app and minute, over all dialects; starts by their count. The last tenth is kept for
    /// crashes. An address may use it up unless its own limit is below. 0 = no limit. All of these limits can be set for an
    /// app in `credentials.toml`.
    pub app_reports_per_minute: u32,
    /// Bytes of reports and connections per app and minute; the last tenth is kept for crashes. "0" = no limit, which is the
    /// default: only its operator knows how large an app is; a client is limited by its address, the disk by `[retention]`.
    pub app_bytes_per_minute: Size,
    /// Reports and connections per app and UTC day, over all dialects, starts by their count, counted by this process since
    /// its start; the last tenth is kept for crashes. 0 = no limit.
    pub app_reports_per_day: u32,
    /// Nonces of the device channel (`aes-256-gcm`) that are remembered, over all apps, about 50 bytes each: another text
    /// under one of the last of them is refused. From half of this number on the oldest may be forgotten; a start forgets all.
    pub device_nonces: usize,
    /// The log-message dialect answers HTTP 200 for errors too, for clients that look at the body only.
    pub always_200: bool,
    /// Networks of proxies whose `X-Forwarded-For`, else `X-Real-IP`, count, as CIDRs. They must set the first or remove what
    /// the client sent as such; `Forwarded` never counts. Connections from there are not bounded by their address.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<IpNet>,
    /// What clients may take of the HTTP server.
    pub limits: Limits,
    /// Encrypts every connection; absent: connections are not encrypted.
    pub tls: Option<Tls>,
    /// Which requests are written to the log.
    pub access_log: AccessLog,
    /// How reports are put in the log.
    pub publish: Publish,
    /// How many bodies that take long to read may wait.
    pub long_bodies: LongBodies,
    /// How much room the disk of log and tables must have.
    pub disk: Disk,
}

/// `[ingest.long_bodies]`: bodies of more than 16 KiB (native dialect: 8 KiB), decompressed. As many are read at once as there are processors, in turn
/// by address (IPv6: its /64); others wait and keep their memory, of which `max_body_memory` counts what came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LongBodies {
    /// Long bodies from one address that may wait; one more is answered 503 with `Retry-After`.
    pub waiting_per_address: usize,
    /// Bytes that they may have together, as they came; one more body is answered 503 with `Retry-After`.
    pub waiting_bytes_per_address: Size,
    /// How long a body may wait; then it is answered 503 with `Retry-After`.
    pub timeout: Span,
}

/// `[ingest.disk]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Disk {
    /// A folder on that disk. Absent: in standalone the data folder; elsewhere no disk is watched. Relative to the folder of the
    /// configuration file.
    pub folder: Option<PathBuf>,
    /// Free bytes below which reports and connections are answered 503 with `Retry-After`, and `/readyz` says so, until there
    /// is room again; measured once a second. Absent: 5 % of the disk, at most 2 GiB. 0 = no mark.
    pub min_free: Option<Size>,
}

/// A disk with less room than it must have; both in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    pub free: u64,
    /// Free bytes from which on reports are taken again.
    pub mark: u64,
}

/// `[ingest.publish]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Publish {
    /// How long the log may take to acknowledge; then the client is answered 503.
    pub ack_timeout: Span,
    /// How long a record waits for others to be sent with; part of every reply's time.
    pub linger: Span,
    /// Records that wait for the log above which new requests are answered 503 at once.
    pub busy_above: usize,
    /// Most records that may wait for the log.
    pub queue_messages: usize,
    /// Most bytes that may wait for the log.
    pub queue_bytes: Size,
    /// Largest record after encoding; larger ones are refused. Not above what the log's topics take.
    pub largest_record: Size,
}

impl Disk {
    /// Free bytes that a disk of this size must have.
    #[must_use]
    pub fn mark(&self, space: Space) -> u64 {
        // What a merge of the tables, the log's open segments and a second of the fastest flood want; on a small disk a share.
        self.min_free.map_or_else(|| (space.total / 20).min(2 << 30), |least| least.0)
    }

    /// Whether it has less.
    #[must_use]
    pub fn shortage(&self, space: Space) -> Option<Shortage> {
        let mark = self.mark(space);
        (space.free < mark).then_some(Shortage { free: space.free, mark })
    }
}

impl Config {
    /// How the edge's server serves.
    #[must_use]
    pub fn server(&self) -> http::Options {
        http::Options {
            limits: self.limits.clone(),
            tls: self.tls.clone(),
            access_log: self.access_log.clone(),
            trusted_proxies: self.trusted_proxies.clone(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            admin_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8083)),
            reports_per_minute: 120,
            address_reports_per_minute: None,
            address_bytes_per_minute: None,
            app_reports_per_minute: 0,
            app_bytes_per_minute: Size(0),
            app_reports_per_day: 0,
            device_nonces: 200_000,
            always_200: false,
            trusted_proxies: Vec::new(),
            limits: Limits::default(),
            tls: None,
            access_log: AccessLog::default(),
            publish: Publish::default(),
            long_bodies: LongBodies::default(),
            disk: Disk::default(),
        }
    }
}

impl Default for LongBodies {
    fn default() -> Self {
        Self { waiting_per_address: 256, waiting_bytes_per_address: Size::mib(32), timeout: Span::seconds(5) }
    }
}

impl Default for Publish {
    fn default() -> Self {
        Self {
            ack_timeout: Span::seconds(5),
            linger: Span::millis(3),
            busy_above: 20_000,
            queue_messages: 50_000,
            queue_bytes: Size::mib(128),
            largest_record: Size::mib(8),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_a_share_of_a_small_disk_and_bounded_on_a_large_one() {
        const GIB: u64 = 1 << 30;
        let disk = |total, free| Space { total, free };
        let default = Disk::default();
        assert_eq!(default.mark(disk(10 * GIB, 0)), GIB / 2);
        assert_eq!(default.mark(disk(1000 * GIB, 0)), 2 * GIB);
        assert_eq!(default.shortage(disk(1000 * GIB, 2 * GIB)), None);
        assert_eq!(default.shortage(disk(1000 * GIB, GIB)), Some(Shortage { free: GIB, mark: 2 * GIB }));
        let set = |bytes| Disk { min_free: Some(Size(bytes)), ..Disk::default() };
        assert_eq!(set(0).shortage(disk(GIB, 0)), None, "0 switches it off");
        assert_eq!(set(7).shortage(disk(GIB, 6)), Some(Shortage { free: 6, mark: 7 }));
    }
}
