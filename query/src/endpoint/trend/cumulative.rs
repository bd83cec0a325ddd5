//! `getAppRealTimeTrendAppendEx`: counts and devices from 00:00 of the day to the end of each hour.

use crate::envelope::A;
use crate::error::Error;
use crate::operation::{Asked, Operation, Reads};
use crate::param::{HourRange, TimeRange};
use crate::sql;
use crate::trend::{self, Buckets, Gap, TrendParameters, TrendPoint};
use crate::zone::{HOUR, Zone};

/// The cumulative trend. A device counts once a day, however many hours it is seen in.
pub struct CumulativeTrend;

impl Operation for CumulativeTrend {
    const NAME: &'static str = "getAppRealTimeTrendAppendEx";
    const SUMMARY: &'static str = "Cumulative trend of each day";
    type Uses = Reads;
    type Envelope = A;
    type Parameters = (HourRange, TrendParameters);
    type Answer = Vec<TrendPoint>;

    async fn answer(reads: &Reads, asked: Asked<Self>) -> Result<Vec<TrendPoint>, Error> {
        let (hours, filters) = asked.parameters;
        let TimeRange(hours) = hours.within(reads.settings.limits.cumulative_hours)?;
        // The first day counts from its midnight, wherever in it the range begins.
        let midnight = reads.settings.time_zone.midnight(hours.start);
        let bucket = |second: i64| u32::try_from((second - midnight) / HOUR).unwrap_or_default();
        let buckets = Buckets {
            statement: sql!("cumulative.sql"),
            range: TimeRange(midnight..hours.end),
            seconds: HOUR,
            shown: bucket(hours.start)..bucket(hours.end),
            gap: Gap::SoFar { buckets_a_day: 24 },
            label: Zone::hour_label,
        };
        trend::answer(reads, asked.target, filters, buckets).await
    }
}
