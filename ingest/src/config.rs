//! `[ingest]`: what the edge listens on, whom it believes, how much it takes and how long it waits.

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::config::{Size, Span};
use service::http::{self, AccessLog, Limits, Tls};
use std::net::{Ipv4Addr, SocketAddr};

/// `[ingest]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address to listen on; port 0 takes a free one.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// Address of readiness (`/readyz`) and metrics (`/metrics`), which the one above does not show; port 0 takes a free one. Not encrypted,
    /// for this machine and networks of one's own. At most 256 connections and 32 requests at once, else bounded as the one above.
    #[schemars(with = "String")]
    pub admin_listen: SocketAddr,
    /// Reports per device and minute, each report of a batch counted, connections counted apart; in dialects 1 and 2
    /// reports without a device count for their address (IPv6: its /64). 0 = no limit.
    pub reports_per_minute: u32,
    /// Reports and connections per app and minute, over all dialects. 0 = no limit. This limit, the one above and the one
    /// below can be set for an app in `credentials.toml`.
    pub app_reports_per_minute: u32,
    /// Reports and connections per app and UTC day, over all dialects, counted by this process since its start. 0 = no limit.
    pub app_reports_per_day: u32,
    /// Nonces of the device channel (`aes-256-gcm`) that are remembered, over all apps, about 50 bytes each: another text
    /// under one of the last of them is refused. From half of this number on the oldest may be forgotten; a start forgets all.
    pub device_nonces: usize,
    /// Dialect 1 answers HTTP 200 for errors too, for clients that look at the body only.
    pub always_200: bool,
    /// Networks of proxies whose `X-Forwarded-For`, else `X-Real-IP`, count, as CIDRs. They must set the first or remove what
    /// the client sent as such; `Forwarded` never counts. Connections from there are not bounded by their address.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<IpNet>,
    /// What clients may take of the HTTP server.
    pub limits: Limits,
    /// Encrypts every connection; absent: none is.
    pub tls: Option<Tls>,
    /// Which requests are written to the log.
    pub access_log: AccessLog,
    /// How reports are put in the log.
    pub publish: Publish,
}

/// `[ingest.publish]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Publish {
    /// How long the log may take to acknowledge; then the client is answered 503.
    pub ack_timeout: Span,
    /// How long a record waits for company on its way to the log; part of every reply's time.
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
            app_reports_per_minute: 0,
            app_reports_per_day: 0,
            device_nonces: 200_000,
            always_200: false,
            trusted_proxies: Vec::new(),
            limits: Limits::default(),
            tls: None,
            access_log: AccessLog::default(),
            publish: Publish::default(),
        }
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
