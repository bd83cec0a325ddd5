//! `[query]`, the configuration of the service.

use crate::zone::Zone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::config::{Size, Span};
use service::http::{AccessLog, Options, Tls};

/// What the query service may be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address of the OpenAPI and the admin queries; port 0 picks a free one.
    pub listen: String,
    /// Address of readiness (`/readyz`) and metrics (`/metrics`), which the one above does not show; port 0 picks a free one. Not encrypted,
    /// for this machine and networks of one's own. At most 256 connections and 32 requests at once, else bounded as the one above.
    pub admin_listen: String,
    /// Requests per minute and OpenAPI user, all operations together; 0 = no limit.
    pub requests_per_minute: u32,
    /// How far a signature's time may lie from ours, either way.
    pub signature_window: Span,
    /// Offset from UTC of the day and hour strings of the OpenAPI.
    pub time_zone: Zone,
    /// Add the device counts of merged versions and days up, a device of two of them counting twice, instead of merging them exactly.
    pub plain_device_sums: bool,
    /// An issue with one of these texts in its exception's name, message or key frame is a system exit. An empty list: no issue is a system exit.
    pub system_exit_keywords: Vec<String>,
    /// Refuse a trend that the tables could not answer from their roll-ups alone, instead of reading the rows. For tests: where there are no rows to
    /// read the engine takes no roll-up either, and the trend is refused too.
    pub require_projections: bool,
    /// What one request may take of the tables.
    pub limits: Limits,
    /// What a client may take of the server.
    pub http: service::http::Limits,
    /// Encryption of every connection; absent: connections are not encrypted.
    pub tls: Option<Tls>,
    /// Which requests are written to the log.
    pub access_log: AccessLog,
}

/// What one request may take of the tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Longest time of one statement.
    pub statement_time: Span,
    /// Statements at once; more wait their turn. A statement that was given up counts until the tables' server has ended it.
    pub statements: usize,
    /// Of these, statements of one user at once.
    pub user_statements: usize,
    /// Statements of one user that may wait; one more is answered 429.
    pub user_waiting: usize,
    /// How long a statement may wait for its turn; longer is answered 503 with `Retry-After`.
    pub wait: Span,
    /// Bytes of the rows of one statement; a question that would need more is refused.
    pub result_size: Size,
    /// Hours of one hourly trend.
    pub hours: u32,
    /// Hours of one cumulative trend.
    pub cumulative_hours: u32,
    /// Days of one daily trend or top list.
    pub days: u32,
    /// Points of one trend: buckets times versions times countries.
    pub points: usize,
    /// Issues of one page or top list.
    pub issues: u32,
    /// Reports of one page.
    pub reports: u32,
}

/// What an operation may know of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The clock of day and hour strings.
    pub time_zone: Zone,
    /// Whether device counts of merged versions and days are added up.
    pub plain_device_sums: bool,
    /// What tells a system exit.
    pub system_exit_keywords: Vec<String>,
    /// What one request may take of the tables.
    pub limits: Limits,
}

impl From<&Config> for Settings {
    fn from(config: &Config) -> Self {
        Self {
            time_zone: config.time_zone,
            plain_device_sums: config.plain_device_sums,
            system_exit_keywords: config.system_exit_keywords.clone(),
            limits: config.limits.clone(),
        }
    }
}

impl Config {
    /// How the service's server serves.
    #[must_use]
    pub fn server(&self) -> Options {
        let (limits, tls, access_log) = (self.http.clone(), self.tls.clone(), self.access_log.clone());
        Options { limits, tls, access_log, ..Options::default() }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8081".to_owned(),
            admin_listen: "127.0.0.1:8084".to_owned(),
            requests_per_minute: 25,
            signature_window: Span::seconds(300),
            time_zone: Zone::default(),
            plain_device_sums: false,
            system_exit_keywords: Vec::new(),
            require_projections: false,
            limits: Limits::default(),
            http: service::http::Limits::default(),
            tls: None,
            access_log: AccessLog::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            statement_time: Span::seconds(30),
            statements: 8,
            user_statements: 2,
            user_waiting: 32,
            wait: Span::seconds(30),
            result_size: Size::mib(32),
            hours: 2_160,
            cumulative_hours: 360,
            days: 400,
            points: 100_000,
            issues: 500,
            reports: 100,
        }
    }
}
