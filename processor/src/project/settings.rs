//! `[processor.grouping]`, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What projects decide about their issues. The stamp of these rules stands beside the grouping version in every row; a change of them
/// groups what comes afterwards, and what is there already only after a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GroupingConfig {
    /// What counts in an app's reports.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<AppGrouping>,
    /// Reports that belong together because an operator says so. The first that fits decides, before the client's own fingerprint.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<ServerRule>,
}

/// What counts in the reports of an app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AppGrouping {
    /// Id of the app; absent: every app that has no entry of its own.
    pub app: String,
    /// Beginnings of frames that are the application's, whatever they look like: `com.shop.`, `libshop`. Frames are spelled as
    /// `aftershock group --explain` shows them.
    pub in_app: Vec<String>,
    /// Frames that are not looked at: `com.shop.log.*`; `*` stands for any text.
    pub irrelevant: Vec<String>,
    /// What two reports of one issue have in common: `default` (the measured rules), `type`, `message` (with the type), `top_frame`
    /// (likewise), `frames` (the type and all frames of the application). Where a report has no such thing, the default.
    pub group_by: GroupBy,
}

/// What reports of one issue have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    #[default]
    Default,
    Type,
    Message,
    TopFrame,
    Frames,
}

/// Reports that fit get the fingerprint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerRule {
    /// How the explanation of a report calls it; absent: its number.
    pub name: String,
    /// Id of the app; absent: every app.
    pub app: String,
    /// What a report must have, all of it: `when.type`, `when.message`, `when.frame`; `*` stands for any text.
    pub when: When,
    /// The fingerprint: texts, in which `{{ default }}`, `{{ type }}`, `{{ message }}` (its form, without what varies) and
    /// `{{ frame }}` (the first that counts) stand for what the report has.
    pub fingerprint: Vec<String>,
}

/// Patterns over a report; each must fit where it is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// The exception, with its package: `*.SQLException`.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub exception: String,
    /// The message, as it was sent: `*磁盘已满*`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Any frame, as `aftershock group --explain` shows it: `com.shop.pay.*`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub frame: String,
}

impl When {
    /// The patterns with their keys.
    pub(super) fn patterns(&self) -> [(&'static str, &str); 3] {
        [("type", &self.exception), ("message", &self.message), ("frame", &self.frame)]
    }
}
