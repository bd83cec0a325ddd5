//! `grouping` of a report: what decided its issue.

use super::Report;
use schemars::JsonSchema;
use schemas::grouping::{Kind, PartKind};
use serde::{Deserialize, Serialize};

/// Why a report is in its issue. `aftershock group --explain` tells more of a report that is at hand.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "crashDoc.Grouping")]
pub struct Grouping {
    /// The issue of its fingerprint, which may be a part of the one that is shown.
    issue_id: String,
    fingerprint: String,
    /// What the issue is about, in words.
    signature: String,
    /// What sort of event the report is.
    #[schemars(with = "Kind")]
    kind: String,
    /// What decided: a rule of the project, the client, a setting of the app, or the kinds of the parts.
    basis: String,
    /// What went into the fingerprint, in order: frames and the form of the message that counted, or what was chosen instead.
    parts: Vec<Part>,
    /// Version of the grouping algorithm.
    version: u16,
    /// Stamp of the projects' rules; 0 where there are none.
    rules: u32,
}

/// One part of a fingerprint.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "crashDoc.GroupingPart")]
pub struct Part {
    /// What sort of thing counted.
    #[schemars(with = "PartKind")]
    kind: String,
    value: String,
}

/// The explanation that the row holds.
pub fn grouping(report: &Report) -> Grouping {
    Grouping {
        issue_id: report.issue.clone(),
        fingerprint: report.fingerprint.clone(),
        signature: report.signature.clone(),
        kind: report.kind.clone(),
        basis: report.grouping_basis.clone(),
        parts: serde_json::from_str(&report.grouping_parts).unwrap_or_default(),
        version: report.grouping_version,
        rules: report.grouping_rules,
    }
}
