//! The native dialect's connections: starts of an SDK and heartbeats.

use super::bounds::{ID, SHORT, VERSION};
use super::copy_budget::CopyBudget;
use super::cut::cut;
use super::extra::Extra;
use super::json_records::{Form, Reader};
use super::object::{Draft, Field};
use super::{Dialect, Received, native, occurred};
use crate::batch::Items;
use crate::encoded::EncodedRecord;
use crate::rejection::Rejection;
use schemas::digest::{self, Delivery};
use schemas::ids::ConnectionId;
use schemas::platform::Platform;
use schemas::record::{Connection, ConnectionKind};
use serde::de::MapAccess;

/// Reads one connection, an array, or one a line where `content_type` says NDJSON.
///
/// # Errors
/// What makes the body as a whole unreadable or too large; a bad item is an error in its place.
pub fn parse(body: &[u8], content_type: Option<&str>, received: &Received) -> Result<Items<EncodedRecord>, Rejection> {
    let start = |index| Start {
        nonce: received.nonce_of(index),
        kind: String::new(),
        platform_id: None,
        connection: received.connection(Dialect::Native.name(), ConnectionKind::Start),
    };
    Reader { form: Form::of(content_type), budget: &CopyBudget::of(body.len()), start }.read(body)
}

struct Start {
    nonce: u128,
    kind: String,
    platform_id: Option<i64>,
    connection: Connection,
}

impl Draft for Start {
    type Record = Connection;

    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, A>) -> Result<(), A::Error> {
        let connection = &mut self.connection;
        match field.name() {
            "platformId" => field.integer(&mut self.platform_id),
            "productVersion" => field.text(&mut connection.version),
            "deviceId" => field.text(&mut connection.device_id),
            "userId" => field.text(&mut connection.user_id),
            "country" => field.text(&mut connection.country),
            "isVirtualMachine" => field.boolean(&mut connection.is_emulator),
            "model" => field.text(&mut connection.model),
            "osVer" => field.text(&mut connection.os_version),
            "occurredAt" => field.integer(&mut connection.occurred_at),
            "eventId" => field.text(&mut connection.event_id),
            "kind" => field.text(&mut self.kind),
            _ => field.keep(),
        }
    }

    fn finish(self, extra: Extra) -> Result<Connection, Rejection> {
        let mut connection = self.connection;
        connection.platform_id = native::platform_id(self.platform_id)?;
        connection.kind = match self.kind.as_str() {
            "" | "start" => ConnectionKind::Start,
            "heartbeat" => ConnectionKind::Heartbeat,
            _ => return Err(Rejection::invalid("kind: expected start or heartbeat")),
        };
        connection.occurred_at = occurred(connection.occurred_at);
        connection.extra = extra.json();
        identified(connection, self.nonce)
    }
}

impl Received {
    /// A connection of which only what the server knows is filled in.
    pub(super) fn connection(&self, dialect: &str, kind: ConnectionKind) -> Connection {
        Connection {
            connection_id: ConnectionId([0; 16]),
            app_id: self.app_id.clone(),
            dialect: dialect.to_owned(),
            kind,
            platform_id: super::platform::number(Platform::Pc),
            version: String::new(),
            device_id: String::new(),
            user_id: String::new(),
            country: String::new(),
            is_emulator: None,
            model: String::new(),
            os_version: String::new(),
            event_id: String::new(),
            occurred_at: None,
            received_at: self.received_at,
            client_ip: self.client_ip.clone(),
            extra: String::new(),
            count: 1,
        }
    }
}

/// Gives the connection its id. A record of connections has no place to mark a cut, so an id that would have to be cut is
/// refused. Version, model and the like are cut as those of reports are: rates are made of both, by the same names.
pub(super) fn identified(mut connection: Connection, nonce: u128) -> Result<Connection, Rejection> {
    for (name, text) in [("device id", &connection.device_id), ("userId", &connection.user_id), ("eventId", &connection.event_id)] {
        if text.len() > ID {
            return Err(Rejection::invalid(format!("{name}: longer than {ID} bytes")));
        }
    }
    // Two connections of one device and moment are told apart by what they say.
    let content = format!("{}|{}|{}", connection.kind.name(), connection.platform_id, connection.version);
    let delivery = Delivery::new(&connection.event_id, &connection.device_id, connection.occurred_at, nonce);
    connection.connection_id = digest::connection_id(&connection.app_id, content.as_bytes(), delivery);
    cut(&mut connection.version, VERSION);
    cut(&mut connection.os_version, VERSION);
    cut(&mut connection.country, SHORT);
    cut(&mut connection.model, SHORT);
    Ok(connection)
}
