//! Records that could not be processed leave here, whole, before their slice is committed.

use schemas::record::{self, Record, RejectedReport};
use service::kafka::{Config, Producer, ProducerOptions};

use crate::error::Error;

/// Writes to the topic of dead letters.
#[derive(Clone)]
pub struct DeadLetters(Producer);

impl DeadLetters {
    /// Connects in the background.
    ///
    /// # Errors
    /// A property that the client library does not take.
    pub fn new(kafka: &Config) -> Result<Self, Error> {
        let options = ProducerOptions {
            client_id: "aftershock-processor".to_owned(),
            queue_messages: 20_000,
            queue_bytes: 64 << 20,
            ..ProducerOptions::default()
        };
        Ok(Self(Producer::new(kafka, options)?))
    }

    /// Returns once the log has every one of them. A letter that is sent again has the same key and counts once.
    ///
    /// # Errors
    /// The log is away or full: to be sent again, all of them.
    pub async fn send(&self, letters: &[RejectedReport]) -> Result<(), Error> {
        let mut deliveries = Vec::with_capacity(letters.len());
        for letter in letters {
            deliveries.push(self.0.send(RejectedReport::TOPIC, &letter.key(), &record::encode(letter)?)?);
        }
        for delivery in deliveries {
            delivery.await?;
        }
        Ok(())
    }
}
