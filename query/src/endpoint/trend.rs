//! Counts and devices over time.

pub mod cumulative;
pub mod daily;
pub mod hourly;

pub use cumulative::CumulativeTrend;
pub use daily::DailyTrend;
pub use hourly::HourlyTrend;
