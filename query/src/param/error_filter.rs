//! Which reports the list of errors is made of.

use super::{Block, Context, Integer, Text};
use crate::error::{Error, invalid};
use crate::store::{Bind, Statement};
use crate::zone::sql_time;
use schemars::JsonSchema;
use schemas::time::DAY_MS;
use serde::Deserialize;

/// The latest millisecond that the tables can hold a time for: end of the year 2299.
const END_OF_TIME: i64 = 10_413_791_999_999;

/// How an [`ErrorFilter`] is spelled.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ErrorFilter")]
pub struct ErrorFilterFields {
    /// Only this app; all that the token may see where it is absent.
    app_id: Option<Text>,
    /// Only this platform, as clients send it.
    platform: Option<Text>,
    /// Only this level: 1 fatal, 2 error, 3 warn, 4 info.
    level: Option<Integer>,
    /// Only this app version.
    app_version: Option<Text>,
    /// Only this error code.
    error_code: Option<Text>,
    /// Only reports of this device.
    device_id: Option<Text>,
    /// Only reports with this text in message or stack.
    keyword: Option<Text>,
    /// Only reports received at or after this time, Unix milliseconds.
    start: Option<Integer>,
    /// Only reports received at or before this time, Unix milliseconds.
    end: Option<Integer>,
}

/// Filters of the list of errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorFilter {
    /// The app that is named.
    pub app: Option<String>,
    platform: String,
    level: u8,
    version: String,
    error_code: String,
    device_id: String,
    keyword: String,
    start_ms: i64,
    end_ms: i64,
}

impl Block for ErrorFilter {
    type Fields = ErrorFilterFields;

    fn check(fields: ErrorFilterFields, _: &Context<'_>) -> Result<Self, Error> {
        let text = |value: Option<Text>| value.unwrap_or_default().0;
        let moment = |value: Option<Integer>, otherwise: i64| value.map_or(otherwise, |value| value.0.clamp(0, END_OF_TIME));
        Ok(Self {
            app: fields.app_id.map(|app| app.0),
            platform: text(fields.platform),
            level: u8::try_from(fields.level.unwrap_or_default().0).map_err(|_| invalid("level", "expected 1, 2, 3 or 4"))?,
            version: text(fields.app_version),
            error_code: text(fields.error_code),
            device_id: text(fields.device_id),
            keyword: text(fields.keyword),
            start_ms: moment(fields.start, 0),
            end_ms: moment(fields.end, END_OF_TIME),
        })
    }
}

impl Bind for ErrorFilter {
    const BLOCK: &'static str = "error_filter";
    const NAMES: &'static [&'static str] =
        &["platform", "level", "version", "error_code", "device_id", "keyword", "start_ms", "end_ms", "first_day"];

    fn bind(&self, statement: Statement) -> Statement {
        // The log takes a report after the edge did; a day more for clocks that differ.
        let first_day = sql_time(((self.start_ms - DAY_MS) / 1000).max(0));
        statement
            .text("platform", &self.platform)
            .unsigned("level", self.level)
            .text("version", &self.version)
            .text("error_code", &self.error_code)
            .text("device_id", &self.device_id)
            .text("keyword", &self.keyword)
            .integer("start_ms", self.start_ms)
            .integer("end_ms", self.end_ms)
            .text("first_day", first_day.split(' ').next().unwrap_or_default())
    }
}
