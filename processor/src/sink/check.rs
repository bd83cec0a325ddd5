//! Finds the rows that a table refuses. They are tried on an empty copy of the table, so that the table itself gets a slice as one insert or not at
//! all.

use super::table_error::Blame;
use super::{Sink, TableError};
use schemas::row::Table;
use std::ops::Range;
use std::time::Duration;

/// If this many rows are refused and none is taken, the table is at fault and not the rows.
const REFUSED_LIMIT: usize = 1_000;
/// Attempts with a single row where the server may be at fault.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);

impl<T: Table> Sink<T> {
    /// The rows that the table refuses: their indexes in `rows`, with the server's answers. Halves are tried until each refused row is alone, so a few
    /// refused rows cost a few inserts.
    ///
    /// # Errors
    /// The server is away, or the table takes no row at all.
    pub async fn refused(&self, rows: &[T]) -> Result<Vec<(usize, String)>, TableError> {
        let twin = format!("{}_check_{}", self.table.name, self.table.partition.column());
        // What a processor that was killed has left.
        self.run(&format!("drop table if exists {twin} sync")).await?;
        self.run(&format!("create table {twin} as {}", self.table.name)).await?;
        let found = self.search(&twin, rows).await;
        self.run(&format!("drop table if exists {twin} sync")).await?;
        found
    }

    async fn search(&self, twin: &str, rows: &[T]) -> Result<Vec<(usize, String)>, TableError> {
        let (mut refused, mut has_taken) = (Vec::new(), false);
        let whole = 0..rows.len();
        let mut left: Vec<Range<usize>> = vec![whole];
        while let Some(range) = left.pop().filter(|range| !range.is_empty()) {
            let Err(failure) = self.try_rows(twin, &rows[range.clone()]).await else {
                has_taken = true;
                continue;
            };
            match failure.blame() {
                Blame::Server | Blame::Table => return Err(failure),
                Blame::Content | Blame::Doubtful if range.len() == 1 => refused.push((range.start, failure.to_string())),
                Blame::Content | Blame::Doubtful => {
                    let middle = range.start + range.len() / 2;
                    left.push(middle..range.end);
                    left.push(range.start..middle);
                }
            }
            if refused.len() >= REFUSED_LIMIT && !has_taken {
                return Err(TableError::RefusesAll(refused.len(), failure.code()));
            }
        }
        Ok(refused)
    }

    async fn try_rows(&self, twin: &str, rows: &[T]) -> Result<(), TableError> {
        let mut tries = 1;
        loop {
            let outcome = self.write(twin, rows, &[("async_insert", "0"), ("insert_deduplicate", "0")]).await;
            match outcome {
                Err(failure) if failure.blame() == Blame::Doubtful && rows.len() == 1 && tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn run(&self, statement: &str) -> Result<(), TableError> {
        self.table.within(self.table.client.query_raw(statement).execute()).await
    }
}
