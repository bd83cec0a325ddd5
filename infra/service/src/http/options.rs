//! What a server is told: its bounds, its certificate, whom it believes, what it writes down.

use super::{AccessLog, Limits, Tls};
use ipnet::IpNet;

/// How a server serves.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What clients may take of it.
    pub limits: Limits,
    /// With it every connection is encrypted, without it none.
    pub tls: Option<Tls>,
    /// Which requests are written down.
    pub access_log: AccessLog,
    /// Networks of proxies: many clients come from one of their addresses, so these are not bounded each, and they may send chunked
    /// bodies over connections that go on.
    pub trusted_proxies: Vec<IpNet>,
}

impl From<Limits> for Options {
    fn from(limits: Limits) -> Self {
        Options { limits, ..Options::default() }
    }
}
