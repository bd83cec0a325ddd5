//! The hour in which a report counts, and the day of a log position. Times are Unix milliseconds, UTC.

/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// How far before the time of receipt a client's clock is credible, in milliseconds.
pub const CREDIBLE_PAST_MS: i64 = 90 * DAY_MS;
/// How far after the time of receipt a client's clock is credible, in milliseconds.
pub const CREDIBLE_FUTURE_MS: i64 = 10 * 60_000;

/// Whose clock decides the hour of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i8)]
pub enum Clock {
    /// The client gave a credible time.
    Client = 1,
    /// The client gave no time; the time of receipt decides.
    Server = 2,
    /// The client gave a time that is not credible; the time of receipt decides.
    Distrusted = 3,
}

/// The time that decides a report's hour: the client's time where that is between 90 days before and 10 minutes after the time of receipt,
/// else the time of receipt.
pub fn event_time(occurred_at: Option<i64>, received_at: i64) -> (i64, Clock) {
    let Some(occurred_at) = occurred_at else {
        return (received_at, Clock::Server);
    };
    let earliest = received_at.saturating_sub(CREDIBLE_PAST_MS);
    let latest = received_at.saturating_add(CREDIBLE_FUTURE_MS);
    if (earliest..=latest).contains(&occurred_at) { (occurred_at, Clock::Client) } else { (received_at, Clock::Distrusted) }
}

/// The start of the hour in seconds, as a ClickHouse `DateTime`; clamped to its range.
pub fn hour_of(milliseconds: i64) -> u32 {
    let seconds = milliseconds.div_euclid(HOUR_MS).saturating_mul(HOUR_MS / 1000);
    u32::try_from(seconds.max(0)).unwrap_or(u32::MAX - u32::MAX % 3600)
}

/// The UTC day of an append time, as a ClickHouse `Date` (days since 1970); clamped to its range.
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
