//! Reading a request's body: within its limit, its time and the memory of all bodies together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Duration, Instant, timeout_at};

use super::Limits;

/// How long a body may come slowly before its rate counts.
const GRACE: Duration = Duration::from_secs(5);

/// The memory of all bodies of a server.
#[derive(Debug)]
pub(super) struct Budget {
    used: AtomicUsize,
    limit: usize,
}

/// A body's share of the [`Budget`], given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

/// Why a body was not read.
#[derive(Debug, PartialEq)]
pub(super) enum Refusal {
    TooLarge,
    NoMemory,
    Broken,
    TooSlow,
}

/// How fast a body must come.
struct Pace {
    began: Instant,
    longest: Duration,
    /// Bytes a second; 0 = any.
    rate: u64,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Budget { used: AtomicUsize::new(0), limit })
    }
}

impl Share {
    pub(super) fn none(budget: &Arc<Budget>) -> Self {
        Share { budget: Arc::clone(budget), bytes: 0 }
    }

    /// What has arrived so far.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        let before = self.budget.used.fetch_add(bytes, Relaxed);
        self.bytes += bytes;
        match before + bytes <= self.budget.limit {
            true => Ok(()),
            false => Err(Refusal::NoMemory),
        }
    }
}

impl Pace {
    fn of(limits: &Limits) -> Self {
        Pace { began: Instant::now(), longest: *limits.body_timeout, rate: limits.min_body_rate.0 }
    }

    /// When a body must have brought its next byte, or its end, of which so much has arrived.
    fn deadline(&self, arrived: usize) -> Instant {
        let earned = match self.rate {
            0 => self.longest,
            rate => GRACE + Duration::from_secs_f64(arrived as f64 / rate as f64),
        };
        self.began + earned.min(self.longest)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Relaxed);
    }
}

/// Reads `body` whole. What has arrived is counted, not what was announced: a client that only
/// announces takes nothing from others.
pub(super) async fn read(mut body: Incoming, limit: usize, limits: &Limits, share: &mut Share) -> Result<Bytes, Refusal> {
    let announced = body.size_hint().exact();
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(Refusal::TooLarge);
    }
    let pace = Pace::of(limits);
    let Some(first) = next(&mut body, &pace, share).await? else { return Ok(Bytes::new()) };
    if first.len() > limit {
        return Err(Refusal::TooLarge);
    }
    // A body that came in one piece is handed on without a copy.
    let Some(second) = next(&mut body, &pace, share).await? else { return Ok(first) };
    let expected = announced.map_or(first.len() * 4, |length| length as usize);
    let mut whole = BytesMut::with_capacity(expected.min(limit));
    whole.extend_from_slice(&first);
    let mut piece = Some(second);
    while let Some(bytes) = piece {
        if whole.len() + bytes.len() > limit {
            return Err(Refusal::TooLarge);
        }
        whole.extend_from_slice(&bytes);
        piece = next(&mut body, &pace, share).await?;
    }
    Ok(whole.freeze())
}

async fn next(body: &mut Incoming, pace: &Pace, share: &mut Share) -> Result<Option<Bytes>, Refusal> {
    while !body.is_end_stream() {
        // A timer is set only where the bytes are not there yet.
        match timeout_at(pace.deadline(share.bytes), body.frame()).await {
            Err(_) => return Err(Refusal::TooSlow),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(Refusal::Broken),
            // Trailers say nothing that an endpoint wants.
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    share.grow(data.len())?;
                    return Ok(Some(data));
                }
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_come_back() {
        let budget = Budget::new(10);
        let mut first = Share::none(&budget);
        let mut second = Share::none(&budget);
        assert_eq!(first.grow(6), Ok(()));
        assert_eq!(second.grow(5), Err(Refusal::NoMemory));
        drop(second);
        assert_eq!(first.grow(4), Ok(()));
        drop(first);
        assert_eq!(budget.used.load(Relaxed), 0);
    }

    #[test]
    fn a_body_earns_time_by_what_it_brings() {
        let limits =
            Limits { body_timeout: crate::config::Span::seconds(30), min_body_rate: crate::config::Size(100), ..Limits::default() };
        let pace = Pace::of(&limits);
        let seconds = |arrived| (pace.deadline(arrived) - pace.began).as_secs();
        assert_eq!([seconds(0), seconds(1000), seconds(1 << 20)], [5, 15, 30]);
        let any = Pace::of(&Limits { min_body_rate: crate::config::Size(0), ..limits });
        assert_eq!((any.deadline(0) - any.began).as_secs(), 30);
    }
}
