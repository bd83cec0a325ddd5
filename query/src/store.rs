//! The tables, read-only: the only place here that knows the client of the tables' server.
//!
//! The number of statements at once, of all and of each user, and the time and the bytes of each are bounded. A statement's permit is held until
//! the server says that the statement has ended, also where nobody waits for it any more: a server looks at its clock and at who
//! has left only between two blocks of rows, and what it still works on is not to be joined by more.

mod statement;

pub use crate::sql;
pub use clickhouse::Row;
pub use statement::{Bind, IdList, Statement, hex};

use crate::config::Limits;
use crate::metrics::STATEMENT_SECONDS;
use clickhouse::{Client, RowOwned, RowRead};
use service::clickhouse::Reader;
use service::fair_queue::{AcquireError, Bounds, FairPermit, FairQueue};
use service::telemetry::Histogram;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How much longer than the server's own limit we wait for its answer.
const GRACE: Duration = Duration::from_secs(5);
/// Rows of one answer; more is an error, not a cut.
const MAX_ROWS: u32 = 1_000_000;
/// Rows of a block where texts may be long; the server's own is 65,409.
const SMALL_BLOCK: &str = "4096";
/// A longer text says so to the server, whose own bound is 256 KiB.
const USUAL_TEXT: usize = 128 << 10;
/// How often the server is asked whether a statement that was given up has ended: first, and at most.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LAST_LOOK: Duration = Duration::from_secs(1);
/// How long such a question may take.
const LOOK: Duration = Duration::from_secs(5);

/// The server's codes that mean something here (`ErrorCodes.cpp` of its source).
const TOO_MANY_ROWS_OR_BYTES: u32 = 396;
const TOO_MANY_SIMULTANEOUS_QUERIES: u32 = 202;
const QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING: u32 = 216;

/// Why the tables gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The server refused; its own text may repeat what callers sent and is not passed on.
    #[error("the tables refused: code {0}")]
    Refused(u32),
    /// The server is away, broke off, or sent what does not fit the row.
    #[error("the tables are away or gave an answer that cannot be read")]
    Unreadable,
    /// No answer in time.
    #[error("the tables gave no answer in time")]
    TimedOut,
    /// There was no permit in time.
    #[error("the tables are busy, no permit came in time")]
    Busy,
    /// Too many statements of this user wait for a permit.
    #[error("too many questions of this user wait")]
    Crowded,
    /// More rows or bytes than an answer may have.
    #[error("the answer is larger than it may be")]
    TooLarge,
}

/// A connection to the tables for one user; cheap to clone, clones share the permits.
#[derive(Clone)]
pub struct Store {
    client: Client,
    permits: FairQueue<Arc<str>>,
    user: Arc<str>,
    timeout: Duration,
    require_projections: bool,
    answered: Histogram,
    failed: Histogram,
}

/// A row of a list that says how many rows the list has without its page.
pub trait Counted: RowOwned + RowRead + Send {
    /// Rows of the whole list.
    fn found(&self) -> u64;
}

impl Store {
    /// Reads with `reader`, within `limits`; for the service itself until [`Store::of`] says for whom.
    #[must_use]
    pub fn new(reader: Reader, limits: &Limits, require_projections: bool) -> Self {
        let client = Client::from(reader)
            .with_setting("max_execution_time", limits.statement_time.as_secs().max(1).to_string())
            .with_setting("max_result_rows", MAX_ROWS.to_string())
            .with_setting("max_result_bytes", limits.result_size.0.to_string())
            .with_setting("cancel_http_readonly_queries_on_client_close", "1");
        let [answered, failed] = ["answered", "failed"].map(|outcome| STATEMENT_SECONDS.with([outcome]));
        let permits = FairQueue::new(Bounds {
            permits: limits.statements,
            permits_per_key: limits.user_statements,
            waiting_per_key: limits.user_waiting,
            waiting_weight_per_key: usize::MAX,
            timeout: limits.wait.0,
        });
        let timeout = limits.statement_time.0 + GRACE;
        Self { client, permits, user: "".into(), timeout, require_projections, answered, failed }
    }

    /// A store for a user, whose statements wait for permits beside those of other users.
    #[must_use]
    pub fn of(&self, user: &str) -> Self {
        Self { user: user.into(), ..self.clone() }
    }

    /// All rows of the answer.
    ///
    /// # Errors
    /// The server is away, refuses, or takes longer than it may; too many statements wait.
    pub async fn fetch<R: RowOwned + RowRead + Send>(&self, statement: Statement) -> Result<Vec<R>, Error> {
        self.answer(statement).await.map(|(rows, _)| rows)
    }

    /// What `fold` makes of all rows of the answer, on a thread that may take long; the permit is held meanwhile.
    ///
    /// # Errors
    /// Those of [`Store::fetch`].
    pub async fn fold<R, T, F>(&self, statement: Statement, fold: F) -> Result<T, Error>
    where
        R: RowOwned + RowRead + Send,
        T: Send + 'static,
        F: FnOnce(Vec<R>) -> T + Send + 'static,
    {
        let (rows, permit) = self.answer(statement).await?;
        let folded = tokio::task::spawn_blocking(move || {
            let folded = fold(rows);
            drop(permit);
            folded
        });
        folded.await.map_err(|_| Error::Unreadable)
    }

    /// The first row of the answer, if there is one.
    ///
    /// # Errors
    /// Those of [`Store::fetch`].
    pub async fn first<R: RowOwned + RowRead + Send>(&self, statement: Statement) -> Result<Option<R>, Error> {
        Ok(self.fetch(statement).await?.into_iter().next())
    }

    /// Whether the server answers. It takes no permit: callers see to it that it is not asked often.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), Error> {
        service::clickhouse::ping(&self.client).await.map_err(|_| Error::Unreadable)
    }

    async fn answer<R: RowOwned + RowRead + Send>(&self, statement: Statement) -> Result<(Vec<R>, FairPermit<Arc<str>>), Error> {
        let begun = Instant::now();
        let result = self.run(statement).await;
        let seconds = if result.is_ok() { &self.answered } else { &self.failed };
        seconds.observe(begun.elapsed());
        result
    }

    /// Runs it in a task of its own, which has the permit until the server is done with it, whether or not anybody still waits here.
    async fn run<R: RowOwned + RowRead + Send>(&self, statement: Statement) -> Result<(Vec<R>, FairPermit<Arc<str>>), Error> {
        let permit = self.permits.acquire(Arc::clone(&self.user), 0).await.map_err(|refused| match refused {
            AcquireError::QueueFull => Error::Crowded,
            AcquireError::TimedOut => Error::Busy,
        })?;
        let id = format!("query-{:032x}", rand::random::<u128>());
        let query = self.query(&statement).with_setting("query_id", &id);
        let (client, timeout) = (self.client.clone(), self.timeout);
        let (mut sender, receiver) = oneshot::channel();
        tokio::spawn(async move {
            // The loser is dropped with its connection, which tells the server that nobody waits.
            let answered = tokio::select! {
                answered = tokio::time::timeout(timeout, query.fetch_all::<R>()) => Some(answered),
                () = sender.closed() => None,
            };
            let failure = match answered {
                // Where nobody takes them, rows and permit are dropped here.
                Some(Ok(Ok(rows))) => return drop(sender.send(Ok((rows, permit)))),
                Some(Ok(Err(error))) => failure(&error),
                Some(Err(_)) | None => Error::TimedOut,
            };
            let has_ended = matches!(failure, Error::Refused(_) | Error::TooLarge);
            // Nobody may be waiting any more.
            drop(sender.send(Err(failure)));
            if !has_ended {
                ended(&client, &id).await;
            }
            drop(permit);
        });
        receiver.await.unwrap_or(Err(Error::Unreadable))
    }

    fn query(&self, statement: &Statement) -> clickhouse::query::Query {
        let text = statement.text_with_lists();
        let mut query = self.client.query_raw(&text);
        for (name, value) in &statement.parameters {
            query = query.param(name, value);
        }
        if text.len() > USUAL_TEXT {
            query = query.with_setting("max_query_size", (2 * text.len()).to_string());
        }
        if statement.frugal {
            query = query.with_setting("max_threads", "1").with_setting("max_block_size", SMALL_BLOCK);
        }
        match self.require_projections && statement.from_projections {
            true => query.with_setting("force_optimize_projection", "1"),
            false => query,
        }
    }
}

/// Waits until no statement of this id runs: the server refuses a second one of the same id as long as the first is there.
async fn ended(client: &Client, id: &str) {
    let mut pause = FIRST_LOOK;
    loop {
        tokio::time::sleep(pause).await;
        let look = client.query("select 1").with_setting("query_id", id).fetch_one::<u8>();
        match tokio::time::timeout(LOOK, look).await {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => match failure(&error) {
                Error::Refused(QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING | TOO_MANY_SIMULTANEOUS_QUERIES) => {}
                // Refused for another reason, but not for this one.
                Error::Refused(_) | Error::TooLarge => return,
                Error::Unreadable | Error::TimedOut | Error::Busy | Error::Crowded => {}
            },
            Err(_) => {}
        }
        pause = (2 * pause).min(LAST_LOOK);
    }
}

fn failure(error: &clickhouse::error::Error) -> Error {
    tracing::debug!(%error, "the tables gave no answer");
    let clickhouse::error::Error::BadResponse(text) = error else { return Error::Unreadable };
    match code(text) {
        Some(TOO_MANY_ROWS_OR_BYTES) => Error::TooLarge,
        Some(code) => Error::Refused(code),
        None => Error::Unreadable,
    }
}

/// The number in `Code: 62. DB::Exception: …`.
fn code(text: &str) -> Option<u32> {
    let digits = text.split_once("Code: ")?.1;
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod sql_files;

#[cfg(test)]
mod tests {
    use super::*;
    use clickhouse::error::Error::{BadResponse, NotEnoughData};

    #[test]
    fn only_the_code_of_a_refusal_is_passed_on() {
        let said = |text: &str| failure(&BadResponse(text.to_owned()));
        assert_eq!(said("Code: 62. DB::Exception: Syntax error: '\x1b]0;'. (SYNTAX_ERROR)"), Error::Refused(62));
        assert_eq!(said("Code: 396. DB::Exception: Limit for result exceeded").to_string(), "the answer is larger than it may be");
        assert_eq!(said("Code: 62. DB::Exception: \nforged").to_string(), "the tables refused: code 62");
        assert_eq!([said("502 Bad Gateway"), said("Code: x"), failure(&NotEnoughData)], [Error::Unreadable; 3]);
    }
}
