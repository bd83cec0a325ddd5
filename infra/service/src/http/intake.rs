//! Reading a request's body: within its limit, its time and the memory of all bodies together.

use super::Limits;
use super::memory::{Exhausted, Reservation};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Duration, Instant, timeout_at};

/// How long a body may arrive slowly before its rate counts.
const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// Why a body was not read.
#[derive(Debug, PartialEq)]
pub(super) enum BodyError {
    TooLarge,
    NoMemory,
    Broken,
    TooSlow,
}

impl From<Exhausted> for BodyError {
    fn from(_: Exhausted) -> Self {
        BodyError::NoMemory
    }
}

/// How fast a body must arrive.
struct Pace {
    began: Instant,
    max: Duration,
    /// Bytes per second; 0 = no minimum.
    rate: u64,
}

impl Pace {
    fn of(limits: &Limits) -> Self {
        Pace { began: Instant::now(), max: *limits.body_timeout, rate: limits.min_body_rate.0 }
    }

    /// When the next byte of a body, or its end, must have arrived, after this many bytes.
    fn deadline(&self, arrived: usize) -> Instant {
        let allowed = match self.rate {
            0 => self.max,
            rate => GRACE_PERIOD + Duration::from_secs_f64(arrived as f64 / rate as f64),
        };
        self.began + allowed.min(self.max)
    }
}

/// Reads `body` whole. What has arrived is counted, not what was announced: a client that only
/// announces takes nothing from others.
pub(super) async fn read(mut body: Incoming, limit: usize, limits: &Limits, held: &mut Reservation) -> Result<Bytes, BodyError> {
    let announced = body.size_hint().exact();
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(BodyError::TooLarge);
    }
    let pace = Pace::of(limits);
    let Some(first) = next(&mut body, &pace, held).await? else { return Ok(Bytes::new()) };
    if first.len() > limit {
        return Err(BodyError::TooLarge);
    }
    // A body that came in one piece is handed on without a copy.
    let Some(second) = next(&mut body, &pace, held).await? else { return Ok(first) };
    let expected = announced.map_or(first.len() * 4, |length| length as usize);
    let mut whole = BytesMut::with_capacity(expected.min(limit));
    whole.extend_from_slice(&first);
    let mut piece = Some(second);
    while let Some(bytes) = piece {
        if whole.len() + bytes.len() > limit {
            return Err(BodyError::TooLarge);
        }
        whole.extend_from_slice(&bytes);
        piece = next(&mut body, &pace, held).await?;
    }
    Ok(whole.freeze())
}

async fn next(body: &mut Incoming, pace: &Pace, held: &mut Reservation) -> Result<Option<Bytes>, BodyError> {
    while !body.is_end_stream() {
        // A timer is set only where the bytes are not there yet.
        match timeout_at(pace.deadline(held.bytes()), body.frame()).await {
            Err(_) => return Err(BodyError::TooSlow),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(BodyError::Broken),
            // Trailers say nothing that an endpoint wants.
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    held.grow(data.len())?;
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
