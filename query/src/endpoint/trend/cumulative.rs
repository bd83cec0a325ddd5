//! `getAppRealTimeTrendAppendEx`: counts and devices from 00:00 of the day to the end of each hour.

use super::hourly_trend::hours;
use crate::envelope::A;
use crate::error::Error;
use crate::operation::{Asked, Operation};
use crate::store::Statement;
use crate::trend::{self, Frame, Gap, TrendParameters, TrendPoint};
use crate::zone::{HOUR, Zone};
use service::http::Method;

/// The cumulative trend. A device counts once a day, however many hours it is seen in.
pub struct CumulativeTrend {
    pub zone: Zone,
    pub plain_device_sums: bool,
    /// Hours of one answer.
    pub most: u32,
    /// Points of one answer.
    pub most_points: usize,
}

impl Operation for CumulativeTrend {
    const METHODS: &'static [Method] = &[Method::POST, Method::GET];
    crate::paths!("getAppRealTimeTrendAppendEx");
    const SUMMARY: &'static str = "Cumulative trend of each day";
    type Envelope = A;
    type Parameters = TrendParameters;
    type Answer = Vec<TrendPoint>;

    async fn answer(&self, asked: Asked<TrendParameters>) -> Result<Vec<TrendPoint>, Error> {
        let Asked { target, parameters, store, .. } = asked;
        let hours = hours(&parameters, self.zone, self.most)?;
        // The first day counts from its midnight, wherever in it the range begins.
        let midnight = self.zone.midnight(hours.start);
        let selection = parameters.selection(self.plain_device_sums)?.resolved(&store, &target, midnight..hours.end).await?;
        let statement = Statement::from_projections(include_str!("cumulative_trend.sql")).time("from", midnight).time("to", hours.end);
        let (statement, zone) = (selection.bind(statement, &target), self.zone);
        let bucket = |second: i64| u32::try_from((second - midnight) / HOUR).unwrap_or_default();
        let buckets = bucket(hours.start)..bucket(hours.end);
        let frame = Frame { buckets, gap: Gap::SoFar { buckets_a_day: 24 }, most: self.most_points };
        let date = move |bucket| zone.hour_label(midnight + i64::from(bucket) * HOUR);
        store.fold(statement, move |rows| trend::points(rows, frame, (&selection, &target), date)).await?
    }
}
