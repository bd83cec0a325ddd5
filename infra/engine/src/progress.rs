//! How far a statement is: `X-ClickHouse-Progress` while it runs, `X-ClickHouse-Summary` once its reply begins.
//!
//! A server writes a progress header into the open head from time to time. The head of a reply goes out here as a whole, so
//! the samples taken until then stand in it one after the other.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use crate::library::Counts;
use crate::session::Mark;
use crate::store::Store;

/// Samples that a head takes; many clients read at most 100 headers.
const MOST: usize = 40;
/// Shortest time between two looks, whatever the client asks for.
const SHORTEST: Duration = Duration::from_millis(10);

/// How far a statement is, or was in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub counts: Counts,
    /// Rows to read as the engine estimates them; 0 where it does not say.
    pub total_rows: u64,
    pub elapsed: Duration,
    /// Bytes of memory at that moment; known while it runs.
    pub memory: Option<u64>,
}

impl Progress {
    /// The object that a server writes, all numbers as strings.
    pub fn json(&self) -> String {
        let c = &self.counts;
        let memory = self.memory.map_or_else(String::new, |bytes| format!(r#","memory_usage":"{bytes}""#));
        format!(
            r#"{{"read_rows":"{}","read_bytes":"{}","written_rows":"{}","written_bytes":"{}","total_rows_to_read":"{}","result_rows":"{}","result_bytes":"{}","elapsed_ns":"{}"{memory}}}"#,
            c.read_rows,
            c.read_bytes,
            c.written_rows,
            c.written_bytes,
            self.total_rows,
            c.result_rows,
            c.result_bytes,
            self.elapsed.as_nanos()
        )
    }

    /// Reads what [`Store::progress`] asks the engine for: six numbers and a time, between tabs.
    pub fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.trim_end().split('\t').collect();
        let [read_rows, read_bytes, written_rows, written_bytes, total, memory, elapsed] = fields[..] else { return None };
        let number = |text: &str| text.parse::<u64>().ok();
        let counts = Counts {
            read_rows: number(read_rows)?,
            read_bytes: number(read_bytes)?,
            written_rows: number(written_rows)?,
            written_bytes: number(written_bytes)?,
            ..Counts::default()
        };
        let elapsed = Duration::try_from_secs_f64(elapsed.parse().ok()?).ok()?;
        Some(Self { counts, total_rows: number(total)?, elapsed, memory: number(memory) })
    }
}

/// What was seen of one statement until its reply began.
pub struct Samples {
    taken: Vec<Progress>,
    /// `None` where the client does not want to know.
    interval: Option<Duration>,
}

impl Samples {
    pub fn every(interval: Option<Duration>) -> Self {
        Self { taken: Vec::new(), interval: interval.map(|wanted| wanted.max(SHORTEST)) }
    }

    /// Waits for the reply to begin, and looks at the statement meanwhile.
    pub async fn until<T>(&mut self, (store, mark): (&Arc<Store>, &Mark), begun: impl Future<Output = T>) -> T {
        let mut begun = pin!(begun);
        while let Some(interval) = self.interval {
            let look = async {
                tokio::time::sleep(interval).await;
                let (store, mark) = (store.clone(), mark.clone());
                tokio::task::spawn_blocking(move || store.progress(&mark)).await.ok().flatten()
            };
            tokio::select! {
                done = &mut begun => return done,
                seen = look => self.taken.extend(seen),
            }
            self.thin();
        }
        begun.await
    }

    /// Leaves out every other sample, and looks half as often from then on.
    fn thin(&mut self) {
        if self.taken.len() >= MOST {
            let mut kept = true;
            self.taken.retain(|_| {
                kept = !kept;
                kept
            });
            self.interval = self.interval.map(|interval| interval * 2);
        }
    }

    pub fn taken(&self) -> &[Progress] {
        &self.taken
    }

    /// What a statement was in the end. All that it read was to be read, unless the engine said that there is more.
    pub fn summary(&self, counts: Counts, elapsed: Duration) -> Progress {
        let estimated = self.taken.iter().map(|sample| sample.total_rows).max();
        Progress { counts, total_rows: estimated.unwrap_or(0).max(counts.read_rows), elapsed, memory: None }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_line_of_the_engine_becomes_an_object_of_strings() {
        let progress = Progress::parse("1\t2\t3\t4\t50\t600\t0.25\n").unwrap();
        assert_eq!(
            progress.json(),
            r#"{"read_rows":"1","read_bytes":"2","written_rows":"3","written_bytes":"4","total_rows_to_read":"50","result_rows":"0","result_bytes":"0","elapsed_ns":"250000000","memory_usage":"600"}"#
        );
        for line in ["", "1\t2", "1\t2\t3\t4\t5\t6\tx", "1\t2\t3\t4\t5\t6\t-1"] {
            assert_eq!(Progress::parse(line), None, "{line}");
        }
    }

    #[test]
    fn samples_are_bounded_and_span_the_whole_time() {
        let mut samples = Samples::every(Some(Duration::ZERO));
        for n in 1..=1000 {
            samples.taken.push(Progress { total_rows: n, ..Progress::default() });
            samples.thin();
        }
        assert!((MOST / 2..=MOST).contains(&samples.taken.len()));
        assert!(samples.taken.windows(2).all(|two| two[0].total_rows < two[1].total_rows));
        assert!(samples.interval.unwrap() > SHORTEST);
        assert_eq!(samples.summary(Counts { read_rows: 7, ..Counts::default() }, Duration::ZERO).total_rows, 1000);
    }
}
