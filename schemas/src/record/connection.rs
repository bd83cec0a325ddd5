//! `connection`: an SDK's start-up or a heartbeat, the denominator of every rate.

use super::{Codec, Record};
use crate::ids::ConnectionId;
use serde::{Deserialize, Serialize};

/// What a connection says: the SDK started, or it is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionKind {
    /// The SDK was initialised: counted in `accessNum`.
    Start,
    /// A periodic sign of life: the device is connected, and nothing is counted in `accessNum`.
    Heartbeat,
}

impl ConnectionKind {
    /// The name in the native dialect and in the table's enum.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Heartbeat => "heartbeat",
        }
    }
}

/// One connection, or several starts that a client counted together. Absent text is empty; times are Unix milliseconds. The fields are
/// described in `avro/connection.2.avsc`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub connection_id: ConnectionId,
    pub app_id: String,
    /// The wire protocol it came by.
    pub dialect: String,
    pub kind: ConnectionKind,
    /// 1 Android, 2 iOS, 10 PC.
    pub platform_id: i32,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub device_id: String,
    #[serde(default)]
    pub user_id: String,
    #[serde(default)]
    pub country: String,
    #[serde(default)]
    pub is_emulator: Option<bool>,
    #[serde(default)]
    pub model: String,
    #[serde(default)]
    pub os_version: String,
    #[serde(default)]
    pub event_id: String,
    #[serde(default)]
    pub occurred_at: Option<i64>,
    pub received_at: i64,
    #[serde(default)]
    pub client_ip: String,
    /// JSON object of the fields that the dialect does not know; empty where there are none.
    #[serde(default)]
    pub extra: String,
    /// How many connections the record stands for; 1 in records without the field.
    #[serde(default = "one")]
    pub count: u32,
}

fn one() -> u32 {
    1
}

impl Record for Connection {
    const TOPIC: &'static str = "connections";
    const SCHEMAS: &'static [&'static str] = &[include_str!("../../avro/connection.1.avsc"), include_str!("../../avro/connection.2.avsc")];

    /// The connection's id, so that a re-delivery is in the partition of the first delivery.
    fn key(&self) -> Vec<u8> {
        self.connection_id.0.to_vec()
    }

    fn codec() -> &'static Codec {
        static CODEC: Codec = Codec::new();
        &CODEC
    }
}
