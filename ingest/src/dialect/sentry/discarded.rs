//! Client reports: what a client did not send, and why. Names are of bounded sets; others count as `other`.

use super::lenient::{object, skip};
use super::values::{List, Text, Whole};
use crate::batch::Discarded;
use crate::dialect::bounds::CLIENT_REPORT_LIST;

/// The most that one entry counts: a client's word is not worth more.
const MOST_QUANTITY: i64 = 1_000_000;

const REASONS: [&str; 16] = [
    "before_send",
    "backpressure",
    "buffer_overflow",
    "cache_overflow",
    "event_processor",
    "ignored",
    "insufficient_data",
    "internal_sdk_error",
    "invalid",
    "network_error",
    "no_parent_span",
    "queue_overflow",
    "ratelimit_backoff",
    "sample_rate",
    "send_error",
    "too_big",
];

const CATEGORIES: [&str; 16] = [
    "attachment",
    "default",
    "error",
    "feedback",
    "internal",
    "log_item",
    "log_byte",
    "monitor",
    "profile",
    "profile_chunk",
    "replay",
    "security",
    "session",
    "span",
    "transaction",
    "trace_metric",
];

object! {
    /// A client report.
    ClientReport<'a>, other: skip, {
        events: List<Entry<'a>, CLIENT_REPORT_LIST> = "discarded_events",
        limited: List<Entry<'a>, CLIENT_REPORT_LIST> = "rate_limited_events",
        filtered: List<Entry<'a>, CLIENT_REPORT_LIST> = "filtered_events",
    } []
}

object! {
    Entry<'a>, other: skip, {
        reason: Text<'a> = "reason",
        category: Text<'a> = "category",
        quantity: Whole = "quantity",
    } []
}

/// What a client report counts.
pub(super) fn counts(report: &ClientReport<'_>) -> Vec<Discarded> {
    let known = |names: &[&'static str], sent: &str| names.iter().find(|name| **name == sent).copied().unwrap_or("other");
    let entries = report.events.0.iter().chain(&report.limited.0).chain(&report.filtered.0);
    entries
        .filter_map(|entry| {
            let quantity = u64::try_from(entry.quantity.0?.min(MOST_QUANTITY)).ok().filter(|quantity| *quantity > 0)?;
            Some(Discarded { reason: known(&REASONS, &entry.reason.0), category: known(&CATEGORIES, &entry.category.0), quantity })
        })
        .collect()
}
