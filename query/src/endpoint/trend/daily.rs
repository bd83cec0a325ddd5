//! `getTrendEx`: counts and devices of each day.

use crate::envelope::A;
use crate::error::Error;
use crate::operation::{Asked, Operation, Reads};
use crate::param::DayRange;
use crate::sql;
use crate::trend::{self, Buckets, TrendParameters, TrendPoint};
use crate::zone::{DAY, Zone};

/// The daily trend.
pub struct DailyTrend;

impl Operation for DailyTrend {
    const NAME: &'static str = "getTrendEx";
    const SUMMARY: &'static str = "Daily trend";
    type Uses = Reads;
    type Envelope = A;
    type Parameters = (DayRange, TrendParameters);
    type Answer = Vec<TrendPoint>;

    async fn answer(reads: &Reads, asked: Asked<Self>) -> Result<Vec<TrendPoint>, Error> {
        let (DayRange(days), filters) = asked.parameters;
        let buckets = Buckets::each(sql!("trend.sql"), days, DAY, Zone::day_label);
        trend::answer(reads, asked.target, filters, buckets).await
    }
}
