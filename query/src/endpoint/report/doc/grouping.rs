//! `grouping` of a report: what decided its issue.

use super::Report;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a report is where it is. `aftershock group --explain` tells more of a report that is at hand.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grouping {
    /// The issue of its fingerprint, which may be a part of the one that is shown.
    issue_id: String,
    fingerprint: String,
    /// In words.
    signature: String,
    /// What was recognised: exception, native, oom, anr, message.
    kind: String,
    /// What decided: a rule of the project, client, a wish of the app, or the kinds of the parts.
    basis: String,
    /// What went into the fingerprint, in order: frames and the form of the message that counted, or what was chosen instead.
    parts: Vec<Part>,
    /// Version of the grouping.
    version: u16,
    /// Stamp of the projects' rules; 0 = none.
    rules: u32,
}

/// One thing that counted.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "GroupingPart")]
pub struct Part {
    /// rule, client, kind, type, frame, class, message.
    kind: String,
    value: String,
}

/// The explanation that stands in the row.
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
