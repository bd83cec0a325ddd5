//! The access log: a line for each request that the settings select.
//!
//! A line tells how a request went and nothing of its content: the endpoint's path instead of the sent one, no query, no header, no body.

use http::{Method, StatusCode, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Which requests are written to the log, as events of the target `access`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccessLog {
    /// The share of requests with a status below 400 that is written, from 0 (none) to 1 (all).
    #[schemars(with = "f64")]
    pub sample: Share,
    /// Of the others, at most so many a second are; the next line says how many were left out.
    pub errors_per_second: u32,
    /// Whether a line names the address of the connection's other end, which is personal data.
    pub addresses: bool,
}

impl Default for AccessLog {
    fn default() -> Self {
        AccessLog { sample: Share(0.0), errors_per_second: 10, addresses: false }
    }
}

/// A number from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Share(f64);

impl TryFrom<f64> for Share {
    type Error = String;
    fn try_from(share: f64) -> Result<Self, String> {
        match (0.0..=1.0).contains(&share) {
            true => Ok(Share(share)),
            false => Err(format!("expected a share from 0 to 1, found {share}")),
        }
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> f64 {
        share.0
    }
}

/// What a line says about a request.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) service: &'a str,
    pub(super) route: &'static str,
    pub(super) method: &'a Method,
    pub(super) version: Version,
    pub(super) status: StatusCode,
    pub(super) elapsed: Duration,
    pub(super) received: usize,
    pub(super) sent: usize,
    pub(super) peer: SocketAddr,
}

/// Writes the access log within its limits.
#[derive(Debug)]
pub(super) struct AccessLogger {
    settings: AccessLog,
    errors: Mutex<Window>,
}

/// The lines of one second.
#[derive(Debug)]
struct Window {
    began: Instant,
    written: u32,
    left_out: u64,
}

impl AccessLogger {
    pub(super) fn new(settings: AccessLog) -> Self {
        AccessLogger { settings, errors: Mutex::new(Window { began: Instant::now(), written: 0, left_out: 0 }) }
    }

    /// Writes the line of a request, if the settings want it.
    pub(super) fn log(&self, entry: &Entry<'_>) {
        let Some(left_out) = self.admits(entry.status) else { return };
        let address = self.settings.addresses.then(|| entry.peer.ip().to_canonical());
        tracing::info!(
            target: "access",
            service = entry.service,
            http.method = method(entry.method),
            http.route = entry.route,
            http.version = ?entry.version,
            http.status = entry.status.as_u16(),
            duration_ms = entry.elapsed.as_secs_f64() * 1e3,
            received.bytes = entry.received,
            sent.bytes = entry.sent,
            client.address = address.map(tracing::field::display),
            left_out = (left_out > 0).then_some(left_out),
            "request answered"
        );
    }

    /// Whether a request of this status is written, and how many were not before it.
    fn admits(&self, status: StatusCode) -> Option<u64> {
        if status.as_u16() < 400 {
            let share = self.settings.sample.0;
            return (share > 0.0 && rand::random::<f64>() < share).then_some(0);
        }
        let mut window = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        if window.began.elapsed() >= Duration::from_secs(1) {
            window.began = Instant::now();
            window.written = 0;
        }
        if window.written >= self.settings.errors_per_second {
            window.left_out += 1;
            return None;
        }
        window.written += 1;
        Some(std::mem::take(&mut window.left_out))
    }
}

/// A client may send any word as the method; only known ones are written.
pub(super) fn method(method: &Method) -> &str {
    match *method {
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::DELETE | Method::OPTIONS | Method::PATCH => method.as_str(),
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn logger(text: &str) -> AccessLogger {
        AccessLogger::new(toml::from_str(text).unwrap())
    }

    #[test]
    fn successes_are_sampled() {
        let written = |share: &str| {
            let logger = logger(&format!("sample = {share}"));
            (0..10_000).filter(|_| logger.admits(StatusCode::OK).is_some()).count()
        };
        assert_eq!((written("0"), written("1")), (0, 10_000));
        let half = written("0.5");
        assert!((4_000..6_000).contains(&half), "{half}");
    }

    #[test]
    fn errors_are_written_up_to_their_rate_and_none_is_forgotten() {
        let logger = logger("errors_per_second = 3");
        let burst: Vec<Option<u64>> = (0..5).map(|_| logger.admits(StatusCode::BAD_REQUEST)).collect();
        assert_eq!(burst, [Some(0), Some(0), Some(0), None, None]);
        logger.errors.lock().unwrap().began -= Duration::from_secs(1);
        assert_eq!(logger.admits(StatusCode::SERVICE_UNAVAILABLE), Some(2));
        assert_eq!(logger.admits(StatusCode::NOT_FOUND), Some(0));
    }

    #[test]
    fn a_share_lies_between_none_and_all() {
        for wrong in ["-0.1", "1.01", "nan", "'half'"] {
            assert!(toml::from_str::<AccessLog>(&format!("sample = {wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_made_up_method_is_not_written() {
        assert_eq!(method(&Method::POST), "POST");
        assert_eq!(method(&Method::from_bytes(b"SECRET-7f3a").unwrap()), "other");
    }
}
