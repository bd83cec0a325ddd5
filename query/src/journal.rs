//! The log as this service sees it: what is stated about issues goes there, and comes back as rows of the tables; releases are kept there.

use crate::error::Error;
use crate::releases::Releases;
use crate::sql;
use crate::store::Store;
use schemas::record::{self, IssueChange, Record};
use service::credentials::Keyring;
use service::kafka::{Admin, Config, Producer, ProducerOptions};
use std::time::{Duration, Instant};

/// How long a reply waits for the tables to show what it stated.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long it waits between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// The log, for operations that change something or ask about the log; cheap to clone.
#[derive(Clone)]
pub struct Journal {
    changes: ChangeWriter,
    /// The releases that are published.
    pub releases: Releases,
    /// Offsets of the log and of its consumers.
    pub offsets: Admin,
}

/// A writer of issue changes; cheap to clone.
#[derive(Clone)]
pub struct ChangeWriter(Producer);

impl ChangeWriter {
    /// Writes to the log of `kafka`, under the name `client_id`.
    ///
    /// # Errors
    /// A property that the log's client does not take.
    pub fn new(kafka: &Config, client_id: &str) -> Result<Self, Error> {
        let options = ProducerOptions { client_id: client_id.to_owned(), ..ProducerOptions::default() };
        Ok(Self(Producer::new(kafka, options)?))
    }

    /// Puts a change in the log; it is there whatever becomes of the reply.
    ///
    /// # Errors
    /// The log does not acknowledge it. It may be in the log all the same; a repetition states it once.
    pub async fn append(&self, change: &IssueChange) -> Result<(), Error> {
        let bytes = record::encode(change)?;
        self.0.send(IssueChange::TOPIC, &change.key(), &bytes)?.await?;
        Ok(())
    }
}

impl Journal {
    /// The log of `kafka`; `keyring` has the key that signs releases.
    ///
    /// # Errors
    /// A property that the log's client does not take.
    pub fn new(kafka: &Config, keyring: &Keyring) -> Result<Self, Error> {
        let changes = ChangeWriter::new(kafka, "aftershock-query")?;
        Ok(Self { changes, releases: Releases::new(kafka, keyring)?, offsets: Admin::new(kafka)? })
    }

    /// Puts a change in the log and waits until the tables have it; false where that takes too long.
    ///
    /// # Errors
    /// The log does not acknowledge it; the tables give no answer.
    pub async fn record_and_wait(&self, store: &Store, change: &IssueChange) -> Result<bool, Error> {
        self.changes.append(change).await?;
        let id = change.change_id.to_string();
        let begun = Instant::now();
        while begun.elapsed() < TIMEOUT {
            let rows: Option<u64> = store.first(sql!("change_seen.sql").text("change", &id)).await?;
            if rows.is_some_and(|rows| rows > 0) {
                return Ok(true);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(false)
    }
}
