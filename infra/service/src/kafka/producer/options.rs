//! How a producer is configured.

use crate::telemetry::Gauge;
use std::time::Duration;

/// How a producer behaves.
#[derive(Clone, Debug)]
pub struct ProducerOptions {
    /// Name of the client at the broker.
    pub client_id: String,
    /// Time from [`Producer::send`](super::Producer::send) to the end of all attempts.
    pub delivery_timeout: Duration,
    /// Messages that may wait at once.
    pub queue_messages: usize,
    /// Bytes that may wait at once.
    pub queue_bytes: usize,
    /// How long a message waits for others to be sent with.
    pub linger: Duration,
    /// Shows how many messages wait for their acknowledgement, including those whose sender no longer waits.
    pub queued: Gauge,
}

impl Default for ProducerOptions {
    fn default() -> Self {
        ProducerOptions {
            client_id: "aftershock".to_owned(),
            delivery_timeout: Duration::from_secs(10),
            queue_messages: 100_000,
            queue_bytes: 128 << 20,
            linger: Duration::from_millis(2),
            queued: Gauge::default(),
        }
    }
}
