//! Rows of the table `connections`.

use super::{Position, Table};
use crate::digest;
use crate::record::{Connection, ConnectionKind};
use crate::time;
use clickhouse::Row;
use serde::{Deserialize, Serialize};

/// A row of the table `connections`. The columns are described in `clickhouse/0003_connections.sql` and
/// `clickhouse/0007_connection_count.sql`. Times are Unix milliseconds, `hour` is in seconds, `log_day` in days.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct ConnectionRow {
    pub log_generation: u16,
    pub log_day: u16,
    pub log_partition: u32,
    pub log_offset: u64,
    pub appended_at: i64,
    pub received_at: i64,
    pub occurred_at: Option<i64>,
    pub event_at: i64,
    pub hour: u32,
    pub clock: i8,
    pub connection_id: [u8; 16],
    pub event_id: String,
    pub app_id: String,
    pub dialect: String,
    pub kind: i8,
    pub platform_id: u8,
    pub version: String,
    pub device_id: String,
    pub device: Option<u64>,
    pub user_id: String,
    pub country: String,
    pub is_emulator: bool,
    pub model: String,
    pub os_version: String,
    pub client_ip: String,
    pub extra: String,
    pub count: u32,
}

impl ConnectionRow {
    /// The row of a record at its place in the log.
    #[must_use]
    pub fn new(position: Position, record: Connection) -> Self {
        let (event_at, clock) = time::event_time(record.occurred_at, record.received_at);
        Self {
            log_generation: position.generation,
            log_day: time::log_day(position.appended_at),
            log_partition: position.partition,
            log_offset: position.offset,
            appended_at: position.appended_at,
            received_at: record.received_at,
            occurred_at: record.occurred_at,
            event_at,
            hour: time::hour_of(event_at),
            clock: clock as i8,
            connection_id: record.connection_id.0,
            event_id: record.event_id,
            device: digest::device_key(&record.app_id, &record.device_id),
            app_id: record.app_id,
            dialect: record.dialect,
            kind: match record.kind {
                ConnectionKind::Start => 1,
                ConnectionKind::Heartbeat => 2,
            },
            platform_id: u8::try_from(record.platform_id).unwrap_or_default(),
            version: record.version,
            device_id: record.device_id,
            user_id: record.user_id,
            country: record.country,
            is_emulator: record.is_emulator.unwrap_or_default(),
            model: record.model,
            os_version: record.os_version,
            client_ip: record.client_ip,
            extra: record.extra,
            count: record.count,
        }
    }
}

impl Table for ConnectionRow {
    const NAME: &'static str = "connections";
    const ID: &'static str = "connection_id";

    fn id(&self) -> [u8; 16] {
        self.connection_id
    }
}
