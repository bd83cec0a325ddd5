//! What is stated about issues, on its way to the log; the reply waits until it has come back as a row, so that the next read shows it.

use crate::error::Error;
use crate::store::Store;
use schemas::record::{self, IssueChange, Record};
use service::kafka::{Config, Producer, ProducerOptions};
use std::time::{Duration, Instant};

/// How long a reply waits for the tables.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

/// A writer of issue changes; cheap to clone.
#[derive(Clone)]
pub struct Journal {
    producer: Producer,
    /// The tables in which what was written appears.
    pub store: Store,
}

impl Journal {
    /// Writes to the log of `kafka`, looks into `store`.
    ///
    /// # Errors
    /// A property that the log's client does not take.
    pub fn new(kafka: &Config, store: &Store) -> Result<Self, Error> {
        let options = ProducerOptions { client_id: "aftershock-query".to_owned(), ..ProducerOptions::default() };
        Ok(Self { producer: Producer::new(kafka, options)?, store: store.clone() })
    }

    /// The same for a user, in whose name the tables are asked.
    #[must_use]
    pub fn of(&self, user: &str) -> Self {
        Self { store: self.store.of(user), ..self.clone() }
    }

    /// Puts a change in the log; it is there whatever becomes of the reply.
    ///
    /// # Errors
    /// The log does not acknowledge it: it may be there all the same, and whoever repeats it states it once.
    pub async fn append(&self, change: &IssueChange) -> Result<(), Error> {
        let bytes = record::encode(change)?;
        self.producer.send(IssueChange::TOPIC, &change.key(), &bytes)?.await?;
        Ok(())
    }

    /// Waits until `is_there` finds the change in the tables; false where it takes too long.
    ///
    /// # Errors
    /// The tables give no answer.
    pub async fn shown<F: Future<Output = Result<bool, Error>>>(&self, is_there: impl Fn() -> F) -> Result<bool, Error> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if is_there().await? {
                return Ok(true);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(false)
    }
}
