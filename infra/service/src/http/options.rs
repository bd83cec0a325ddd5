//! The options of a server: its limits, its certificate, its trusted proxies, its access log.

use super::{AccessLog, Limits, Tls};
use ipnet::IpNet;

/// How a server serves.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Limits of connections and requests.
    pub limits: Limits,
    /// Where set, every connection is encrypted; otherwise no connection is.
    pub tls: Option<Tls>,
    /// Which requests are logged.
    pub access_log: AccessLog,
    /// Networks of proxies: many clients come from one of their addresses, so connections per address are not limited for them, and
    /// their connections go on after a chunked body.
    pub trusted_proxies: Vec<IpNet>,
}

impl From<Limits> for Options {
    fn from(limits: Limits) -> Self {
        Options { limits, ..Options::default() }
    }
}
