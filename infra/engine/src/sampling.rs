//! Samples of a statement's progress until its reply begins.
//!
//! A server writes a progress header into the open head from time to time. The head of a reply is sent here as a whole, so
//! the samples taken until then are in it one after the other.

use crate::library::Counts;
use crate::progress::Progress;
use crate::session::Mark;
use crate::store::Store;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// Samples that a head takes; many clients read at most 100 headers.
const MAX_SAMPLES: usize = 40;
/// Shortest time between two samples, whatever the client asks for.
const MIN_INTERVAL: Duration = Duration::from_millis(10);

/// What was seen of one statement until its reply began.
pub struct Samples {
    taken: Vec<Progress>,
    /// `None` where the client does not want to know.
    interval: Option<Duration>,
}

impl Samples {
    pub fn every(interval: Option<Duration>) -> Self {
        Self { taken: Vec::new(), interval: interval.map(|wanted| wanted.max(MIN_INTERVAL)) }
    }

    /// Waits for the reply to begin, and looks at the statement meanwhile.
    pub async fn until<T>(&mut self, store: &Arc<Store>, mark: &Mark, begun: impl Future<Output = T>) -> T {
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
        if self.taken.len() >= MAX_SAMPLES {
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
    fn samples_are_bounded_and_span_the_whole_time() {
        let mut samples = Samples::every(Some(Duration::ZERO));
        for n in 1..=1000 {
            samples.taken.push(Progress { total_rows: n, ..Progress::default() });
            samples.thin();
        }
        assert!((MAX_SAMPLES / 2..=MAX_SAMPLES).contains(&samples.taken.len()));
        assert!(samples.taken.windows(2).all(|two| two[0].total_rows < two[1].total_rows));
        assert!(samples.interval.unwrap() > MIN_INTERVAL);
        assert_eq!(samples.summary(Counts { read_rows: 7, ..Counts::default() }, Duration::ZERO).total_rows, 1000);
    }
}
