//! From the sparse rows of a trend to its points: one per bucket and series, zeros included. Pure.

use crate::endpoint::app_versions;
use crate::error::{Error, invalid};
use crate::param::{self, Flag, Integer, Target, Text, TextList, Versions, countries};
use crate::store::{Row, Statement, Store};
use schemars::JsonSchema;
use schemas::record::Category;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The version of a folded row.
const MERGED: &str = "MERGED";
/// All versions, or all countries.
const ALL: &str = "-1";
/// Version and country where there is nothing at all.
const NO_DATA: &str = "NO_STATS_DATA";

/// What the trends take. The range is inclusive.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrendParameters {
    /// `yyyyMMdd` or `yyyyMMddHH`.
    pub start_date: Option<Text>,
    /// Likewise.
    pub end_date: Option<Text>,
    /// Another name of startDate.
    pub start_hour: Option<Text>,
    /// Another name of endDate.
    pub end_hour: Option<Text>,
    /// crash, anr or error.
    #[serde(rename = "type")]
    pub category: Option<Text>,
    /// 0 all, 1 real devices, 2 emulators.
    pub vm: Option<Integer>,
    /// "-1" = all; `*` wildcard; several with `;`.
    pub version: Option<Text>,
    /// Versions, `*` wildcard; wins over version.
    pub version_list: Option<TextList>,
    /// A row for each country.
    pub need_country_dimension: Option<Flag>,
    /// Only these countries; empty = all.
    pub country_list: Option<TextList>,
    /// One row for all versions asked for. The fold is exact unless configured otherwise.
    pub merge_multiple_versions_with_inaccurate_result: Option<Flag>,
    /// Not supported: the roll-ups know no scenes.
    pub user_scene_tag_list: Option<TextList>,
}

/// Which rows are asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    pub category: Category,
    /// 0 all, 1 real devices, 2 emulators.
    pub vm: u8,
    pub versions: Versions,
    /// Fold the versions into one row.
    pub merge: bool,
    /// Fold by adding device counts up instead of merging them.
    pub plain_sums: bool,
    pub by_country: bool,
    /// Empty = all.
    pub countries: Vec<String>,
}

/// A row of the trend statements.
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
pub struct TrendPoint {
    pub app_id: String,
    pub platform_id: u8,
    /// The version; "-1" all, "MERGED" folded, "NO_STATS_DATA" where the whole range is empty.
    pub version: String,
    /// `yyyyMMdd` or `yyyyMMddHH`.
    pub date: String,
    /// The category asked for.
    #[serde(rename = "type")]
    pub category: &'static str,
    /// The country; "-1" not split, "NO_STATS_DATA" where the whole range is empty.
    pub country: String,
    /// Occurrences of the category.
    pub crash_num: u64,
    /// Affected devices.
    pub crash_user: u64,
    /// Always 0.
    pub report_num_all_data: u64,
    /// Always 0.
    pub report_device_all_data: u64,
    /// Starts.
    pub access_num: u64,
    /// Connected devices: those of starts, heartbeats and reports of every category.
    pub access_user: u64,
}

/// How a series goes on where there is no row.
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
        !self.merge && !self.versions.any()
    }

    /// The tables give a row for each version; where they are to be folded by plain sums, [`fill`] does it.
    fn split_versions(&self) -> bool {
        !self.versions.any() && (!self.merge || self.plain_sums)
    }

    /// With the versions that its wildcards stand for in `range` (Unix seconds).
    ///
    /// # Errors
    /// Those of [`app_versions::resolve`].
    pub async fn resolved(self, store: &Store, target: &Target, range: Range<i64>) -> Result<Self, Error> {
        Ok(Self { versions: app_versions::resolve(store, target, self.versions, range).await?, ..self })
    }

    /// The parameters that all trend statements share, less the range.
    #[must_use]
    pub fn bind(&self, statement: Statement, target: &Target) -> Statement {
        self.versions
            .bind(statement)
            .text("app", &target.app)
            .unsigned("platform", target.platform)
            .text("category", self.category.name())
            .unsigned("vm", self.vm)
            .texts("countries", &self.countries)
            .flag("by_version", self.split_versions())
            .flag("by_country", self.by_country)
    }

    /// Version and country of a row as they are written.
    fn labels(&self, row: &TrendRow) -> (String, String) {
        let version = if self.by_version() { row.version.clone() } else { self.label() };
        let country = if self.by_country { row.country.clone() } else { ALL.to_owned() };
        (version, country)
    }

    /// The version of rows that are not split by version.
    #[must_use]
    pub fn label(&self) -> String {
        if self.merge { MERGED.to_owned() } else { ALL.to_owned() }
    }

    /// Series that were asked for by name and are there even without a row.
    fn named(&self) -> BTreeSet<(String, String)> {
        let versions = if self.by_version() { self.versions.exact.clone() } else { vec![self.label()] };
        let countries = if self.by_country { self.countries.clone() } else { vec![ALL.to_owned()] };
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

/// What an answer covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub buckets: Range<u32>,
    pub gap: Gap,
    /// Points of one answer.
    pub most: usize,
}

/// Every bucket of the frame for every series, in the order bucket, version, country. Where there is no row at all: one filler a bucket.
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

impl TrendParameters {
    /// Where the range begins and ends, as written.
    #[must_use]
    pub fn range(&self) -> (Option<&Text>, Option<&Text>) {
        (self.start_date.as_ref().or(self.start_hour.as_ref()), self.end_date.as_ref().or(self.end_hour.as_ref()))
    }

    /// Which rows are asked for.
    ///
    /// # Errors
    /// A category, device kind or filter that there is not.
    pub fn selection(&self, plain_sums: bool) -> Result<Selection, Error> {
        if self.user_scene_tag_list.as_ref().is_some_and(|list| !list.0.is_empty()) {
            return Err(invalid("userSceneTagList", "trends are not kept by scene"));
        }
        let vm = match self.vm.unwrap_or_default().0 {
            0 => 0,
            1 => 1,
            2 => 2,
            _ => return Err(invalid("vm", "expected 0, 1 or 2")),
        };
        Ok(Selection {
            category: param::category(self.category.as_ref())?,
            vm,
            versions: Versions::read(self.version.as_ref(), self.version_list.as_ref())?,
            merge: self.merge_multiple_versions_with_inaccurate_result.unwrap_or_default().0,
            plain_sums,
            by_country: self.need_country_dimension.unwrap_or_default().0,
            countries: countries(self.country_list.as_ref()),
        })
    }
}

/// The points of an answer, out of the rows that there are; `date` names a bucket.
///
/// # Errors
/// Those of [`fill`].
pub fn points(
    rows: Vec<TrendRow>,
    frame: Frame,
    (selection, target): (&Selection, &Target),
    date: impl Fn(u32) -> String,
) -> Result<Vec<TrendPoint>, Error> {
    Ok(write(fill(rows, selection, frame)?, target, selection, date))
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
