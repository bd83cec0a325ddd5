//! `getAppRealTimeTrendAppendEx`: counts and devices from 00:00 of the day to the end of each hour.

use super::hourly_trend::hours;
use crate::envelope::A;
use crate::error::Error;
use crate::operation::{Asked, Operation};
use crate::store::{Statement, Store};
use crate::trend::{self, Frame, Gap, TrendParameters, TrendPoint};
use crate::zone::{HOUR, Zone};
use service::http::Method;

/// The cumulative trend. A device counts once a day, however many hours it is seen in.
pub struct CumulativeTrend {
    pub store: Store,
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
        let Asked { target, parameters, .. } = asked;
        let hours = hours(&parameters, self.zone, self.most)?;
        let selection = parameters.selection(self.plain_device_sums)?;
        // The first day counts from its midnight, wherever in it the range begins.
        let midnight = self.zone.midnight(hours.start);
        let statement = Statement::from_projections(include_str!("cumulative_trend.sql")).time("from", midnight).time("to", hours.end);
        let rows = self.store.fetch(selection.bind(statement, &target)).await?;
        let bucket = |second: i64| u32::try_from((second - midnight) / HOUR).unwrap_or_default();
        let buckets = bucket(hours.start)..bucket(hours.end);
        let filled = trend::fill(rows, &selection, Frame { buckets, gap: Gap::SoFar { buckets_a_day: 24 }, most: self.most_points })?;
        Ok(trend::write(filled, &target, &selection, |bucket| self.zone.hour_label(midnight + i64::from(bucket) * HOUR)))
    }
}
