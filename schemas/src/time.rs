//! The report's hour and the log's day. Times are Unix milliseconds, UTC.

/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// How far back a client's clock is believed (HOUSE, section 6).
pub const CREDIBLE_PAST_MS: i64 = 90 * DAY_MS;
/// How far ahead a client's clock is believed.
pub const CREDIBLE_FUTURE_MS: i64 = 10 * 60_000;

/// Whose clock a report's hour goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i8)]
pub enum Clock {
    /// The client said when, and it is credible.
    Client = 1,
    /// The client did not say.
    Server = 2,
    /// The client said, but it is not credible: the received time decides.
    Distrusted = 3,
}

/// The moment that decides a report's hour: what the client said, where that lies within
/// [received − 90 days, received + 10 minutes], else the received time.
pub fn event_time(occurred_at: Option<i64>, received_at: i64) -> (i64, Clock) {
    let Some(occurred_at) = occurred_at else {
        return (received_at, Clock::Server);
    };
    let earliest = received_at.saturating_sub(CREDIBLE_PAST_MS);
    let latest = received_at.saturating_add(CREDIBLE_FUTURE_MS);
    if (earliest..=latest).contains(&occurred_at) { (occurred_at, Clock::Client) } else { (received_at, Clock::Distrusted) }
}

/// Start of the hour in seconds, as ClickHouse's `DateTime` holds it; clamped to its range.
pub fn hour_of(milliseconds: i64) -> u32 {
    let seconds = milliseconds.div_euclid(HOUR_MS).saturating_mul(HOUR_MS / 1000);
    u32::try_from(seconds.max(0)).unwrap_or(u32::MAX - u32::MAX % 3600)
}

/// UTC day of an append time, as ClickHouse's `Date` holds it (days since 1970); clamped to its range.
pub fn log_day(appended_at: i64) -> u16 {
    u16::try_from(appended_at.div_euclid(DAY_MS).max(0)).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIVED: i64 = 1_763_700_000_000;

    #[test]
    fn the_client_is_believed_within_the_window_and_at_its_edges() {
        for occurred in [RECEIVED, RECEIVED - CREDIBLE_PAST_MS, RECEIVED + CREDIBLE_FUTURE_MS] {
            assert_eq!(event_time(Some(occurred), RECEIVED), (occurred, Clock::Client));
        }
        for occurred in [RECEIVED - CREDIBLE_PAST_MS - 1, RECEIVED + CREDIBLE_FUTURE_MS + 1, i64::MIN, i64::MAX] {
            assert_eq!(event_time(Some(occurred), RECEIVED), (RECEIVED, Clock::Distrusted));
        }
        assert_eq!(event_time(None, RECEIVED), (RECEIVED, Clock::Server));
    }

    #[test]
    fn hours_and_days_are_cut_down_and_clamped() {
        assert_eq!(hour_of(7_199_999), 3600);
        assert_eq!(hour_of(-1), 0);
        assert_eq!(hour_of(i64::MAX) % 3600, 0);
        assert_eq!(log_day(DAY_MS - 1), 0);
        assert_eq!(log_day(DAY_MS), 1);
        assert_eq!(log_day(i64::MIN), 0);
    }
}
