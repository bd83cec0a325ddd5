//! Trends: which rows are asked for, and how the sparse rows of the tables become points, one per bucket and series, zeros included.

use crate::error::{Error, invalid};
use crate::operation::Reads;
use crate::param::{Block, CategoryFilter, Context, CountryFilter, DeviceFilter, Flag, Target, TextList, TimeRange, VersionFilter};
use crate::store::{Bind, Row, Statement};
use crate::zone::Zone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The version of rows that are merged over versions.
const MERGED: &str = "MERGED";
/// All versions, or all countries.
const ALL: &str = "-1";
/// Version and country where there is nothing at all.
const NO_DATA: &str = "NO_STATS_DATA";

/// What every trend takes besides its range.
pub type TrendParameters = (CategoryFilter, DeviceFilter, VersionFilter, CountryFilter, Dimensions);

/// How [`Dimensions`] are spelled.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TrendDimensions")]
pub struct DimensionFields {
    /// Whether there is a row for each country.
    need_country_dimension: Option<Flag>,
    /// Whether there is one row for all versions that are asked for. Its devices are exact unless the service is configured otherwise.
    merge_multiple_versions_with_inaccurate_result: Option<Flag>,
    /// Not supported: the roll-ups are not kept by scene.
    user_scene_tag_list: Option<TextList>,
}

/// Into which rows the answer is split.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dimensions {
    by_country: bool,
    /// One row for all versions.
    merge: bool,
}

impl Block for Dimensions {
    type Fields = DimensionFields;

    fn check(fields: DimensionFields, _: &Context<'_>) -> Result<Self, Error> {
        if fields.user_scene_tag_list.is_some_and(|list| !list.0.is_empty()) {
            return Err(invalid("userSceneTagList", "trends are not kept by scene"));
        }
        let by_country = fields.need_country_dimension.unwrap_or_default().0;
        Ok(Self { by_country, merge: fields.merge_multiple_versions_with_inaccurate_result.unwrap_or_default().0 })
    }
}

/// Which rows are asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    pub category: CategoryFilter,
    pub devices: DeviceFilter,
    pub versions: VersionFilter,
    pub countries: CountryFilter,
    pub dimensions: Dimensions,
    /// Merge versions by adding device counts up instead of counting each device once.
    pub plain_sums: bool,
}

/// Whether the tables give a row for each version and each country.
pub(crate) struct Split {
    by_version: bool,
    by_country: bool,
}

impl Bind for Split {
    const BLOCK: &'static str = "dimensions";
    const NAMES: &'static [&'static str] = &["by_version", "by_country"];

    fn bind(&self, statement: Statement) -> Statement {
        statement.flag("by_version", self.by_version).flag("by_country", self.by_country)
    }
}

/// A row of `trend.sql` and `cumulative.sql`.
#[derive(Debug, Clone, PartialEq, Row, Deserialize)]
pub struct TrendRow {
    /// Hours or days since the beginning of the range.
    pub bucket: u32,
    pub version: String,
    pub country: String,
    pub crash_num: u64,
    pub crash_user: u64,
    pub access_num: u64,
    pub access_user: u64,
}

/// A point of a trend as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "trend.Point")]
pub struct TrendPoint {
    pub app_id: String,
    pub platform_id: u8,
    /// The version; "-1" all, "MERGED" several merged, "NO_STATS_DATA" where the whole range is empty.
    pub version: String,
    /// The day or hour, `yyyyMMdd` or `yyyyMMddHH`.
    pub date: String,
    /// The category that was asked for.
    #[serde(rename = "type")]
    pub category: &'static str,
    /// The country; "-1" not split, "NO_STATS_DATA" where the whole range is empty.
    pub country: String,
    /// Occurrences of the category.
    pub crash_num: u64,
    /// Devices with such an occurrence.
    pub crash_user: u64,
    /// Always 0; kept for old clients.
    pub report_num_all_data: u64,
    /// Always 0; kept for old clients.
    pub report_device_all_data: u64,
    /// Starts of the app.
    pub access_num: u64,
    /// Connected devices: those of starts, heartbeats and reports of every category.
    pub access_user: u64,
}

/// The value of a series in a bucket without a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// Each bucket stands for itself: nothing.
    Zero,
    /// Values accumulate over the buckets of a day: what the day has so far. The first bucket is the day's first.
    SoFar { buckets_a_day: u32 },
}

impl Selection {
    /// A row for each version, not one for all.
    fn by_version(&self) -> bool {
        !self.dimensions.merge && !self.versions.any()
    }

    /// What the tables give rows for; where versions are merged by plain sums, [`fill`] adds their rows up.
    fn split(&self) -> Split {
        let by_version = !self.versions.any() && (!self.dimensions.merge || self.plain_sums);
        Split { by_version, by_country: self.dimensions.by_country }
    }

    /// Version and country of a row as they are written.
    fn labels(&self, row: &TrendRow) -> (String, String) {
        let version = if self.by_version() { row.version.clone() } else { self.label() };
        let country = if self.dimensions.by_country { row.country.clone() } else { ALL.to_owned() };
        (version, country)
    }

    /// The version of rows that are not split by version.
    fn label(&self) -> String {
        if self.dimensions.merge { MERGED.to_owned() } else { ALL.to_owned() }
    }

    /// Series that were asked for by name and are there even without a row.
    fn named(&self) -> BTreeSet<(String, String)> {
        let versions = if self.by_version() { self.versions.exact.clone() } else { vec![self.label()] };
        let countries = if self.dimensions.by_country { self.countries.0.clone() } else { vec![ALL.to_owned()] };
        versions.iter().flat_map(|version| countries.iter().map(|country| (version.clone(), country.clone()))).collect()
    }
}

impl TrendRow {
    fn add(&mut self, other: &Self) {
        self.crash_num += other.crash_num;
        self.crash_user += other.crash_user;
        self.access_num += other.access_num;
        self.access_user += other.access_user;
    }

    fn nothing(bucket: u32, version: &str, country: &str) -> Self {
        let (version, country) = (version.to_owned(), country.to_owned());
        Self { bucket, version, country, crash_num: 0, crash_user: 0, access_num: 0, access_user: 0 }
    }
}

/// The buckets of a trend.
pub struct Buckets {
    /// What gives their rows.
    pub statement: Statement,
    /// The time that the tables are asked for, from the beginning of bucket 0.
    pub range: TimeRange,
    /// Length of a bucket in seconds.
    pub seconds: i64,
    /// The buckets that are shown.
    pub shown: Range<u32>,
    pub gap: Gap,
    /// How the beginning of a bucket is written.
    pub label: fn(Zone, i64) -> String,
}

impl Buckets {
    /// Every bucket of a range, each for itself.
    #[must_use]
    pub fn each(statement: Statement, range: TimeRange, seconds: i64, label: fn(Zone, i64) -> String) -> Self {
        let count = u32::try_from(range.seconds() / seconds).unwrap_or_default();
        Self { statement, range, seconds, shown: 0..count, gap: Gap::Zero, label }
    }
}

/// The points of a trend.
///
/// # Errors
/// The wildcards stand for too many versions, or there are too many points; the tables give no answer.
pub async fn answer(reads: &Reads, target: Target, parameters: TrendParameters, buckets: Buckets) -> Result<Vec<TrendPoint>, Error> {
    let (category, devices, versions, countries, dimensions) = parameters;
    let (zone, plain_sums, most) = (reads.settings.time_zone, reads.settings.plain_device_sums, reads.settings.limits.points);
    let versions = reads.resolve(&target, versions, &buckets.range).await?;
    let selection = Selection { category, devices, versions, countries, dimensions, plain_sums };
    let statement = buckets
        .statement
        .bind(&target)
        .bind(&buckets.range)
        .bind(&category)
        .bind(&devices)
        .bind(&selection.versions)
        .bind(&selection.countries)
        .bind(&selection.split())
        .integer("bucket_seconds", buckets.seconds);
    let points = move |rows| {
        let frame = Frame { buckets: buckets.shown, gap: buckets.gap, most };
        let date = |bucket| (buckets.label)(zone, buckets.range.0.start + i64::from(bucket) * buckets.seconds);
        Ok(write(fill(rows, &selection, frame)?, &target, &selection, date))
    };
    reads.store.fold(statement, points).await?
}

/// What an answer covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub buckets: Range<u32>,
    pub gap: Gap,
    /// Points of one answer.
    pub most: usize,
}

/// Every bucket of the frame for every series, in the order bucket, version, country. Where there are no rows at all, each bucket has one filler.
///
/// # Errors
/// More points than the frame takes.
pub fn fill(rows: Vec<TrendRow>, selection: &Selection, frame: Frame) -> Result<Vec<TrendRow>, Error> {
    let Frame { buckets, gap, most } = frame;
    if rows.is_empty() {
        return Ok(buckets.map(|bucket| TrendRow::nothing(bucket, NO_DATA, NO_DATA)).collect());
    }
    let mut series: BTreeMap<(String, String), BTreeMap<u32, TrendRow>> = BTreeMap::new();
    let mut labels = selection.named();
    for row in rows {
        labels.insert(selection.labels(&row));
        series.entry((row.version.clone(), row.country.clone())).or_default().insert(row.bucket, row);
    }
    let points = labels.len().saturating_mul(buckets.len());
    if points > most {
        return Err(invalid("endDate", format!("{points} points: ask for fewer versions, countries or a shorter range, at most {most}")));
    }
    let mut filled = Vec::with_capacity(points);
    for bucket in buckets {
        let mut points: BTreeMap<_, _> = labels.iter().map(|label| (label, TrendRow::nothing(bucket, &label.0, &label.1))).collect();
        for row in series.values().filter_map(|rows| gap.at(rows, bucket)) {
            if let Some(point) = points.get_mut(&selection.labels(row)) {
                point.add(row);
            }
        }
        filled.extend(points.into_values());
    }
    Ok(filled)
}

impl Gap {
    /// What a series says about a bucket.
    fn at(self, rows: &BTreeMap<u32, TrendRow>, bucket: u32) -> Option<&TrendRow> {
        match self {
            Self::Zero => rows.get(&bucket),
            Self::SoFar { buckets_a_day } => {
                let midnight = bucket - bucket % buckets_a_day.max(1);
                rows.range(midnight..=bucket).next_back().map(|(_, row)| row)
            }
        }
    }
}

/// The points as they are written.
fn write(rows: Vec<TrendRow>, target: &Target, selection: &Selection, date: impl Fn(u32) -> String) -> Vec<TrendPoint> {
    let point = |row: TrendRow| TrendPoint {
        app_id: target.app.clone(),
        platform_id: target.platform,
        date: date(row.bucket),
        version: row.version,
        category: selection.category.name(),
        country: row.country,
        crash_num: row.crash_num,
        crash_user: row.crash_user,
        report_num_all_data: 0,
        report_device_all_data: 0,
        access_num: row.access_num,
        access_user: row.access_user,
    };
    rows.into_iter().map(point).collect()
}

#[cfg(test)]
mod tests;
