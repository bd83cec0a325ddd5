//! `getRealTimeHourlyStatEx`: counts and devices inside each hour.

use crate::envelope::A;
use crate::error::Error;
use crate::operation::{Asked, Operation, Reads};
use crate::param::HourRange;
use crate::sql;
use crate::trend::{self, Buckets, TrendParameters, TrendPoint};
use crate::zone::{HOUR, Zone};

/// The hourly trend.
pub struct HourlyTrend;

impl Operation for HourlyTrend {
    const NAME: &'static str = "getRealTimeHourlyStatEx";
    const SUMMARY: &'static str = "Hourly trend";
    type Uses = Reads;
    type Envelope = A;
    type Parameters = (HourRange, TrendParameters);
    type Answer = Vec<TrendPoint>;

    async fn answer(reads: &Reads, asked: Asked<Self>) -> Result<Vec<TrendPoint>, Error> {
        let (hours, filters) = asked.parameters;
        let range = hours.within(reads.settings.limits.hours)?;
        let buckets = Buckets::each(sql!("trend.sql"), range, HOUR, Zone::hour_label);
        trend::answer(reads, asked.target, filters, buckets).await
    }
}
