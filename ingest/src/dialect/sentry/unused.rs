//! The kinds of envelope items that are accepted and not used; each is counted.

use crate::batch::Unused;

/// Which of them an item is, by the `type` of its header.
pub(super) fn unused(kind: &str) -> Unused {
    match kind {
        "transaction" => Unused::Transaction,
        "span" | "otel_span" | "otel_traces_data" => Unused::Span,
        "profile" | "profile_chunk" => Unused::Profile,
        "replay_event" | "replay_recording" | "replay_recording_not_chunked" | "replay_video" => Unused::Replay,
        "log" | "otel_log" | "otel_logs_data" => Unused::Log,
        "statsd" | "metric_buckets" | "metric_meta" | "metrics" | "trace_metric" => Unused::Metric,
        "check_in" => Unused::CheckIn,
        "user_report" => Unused::UserReport,
        "feedback" => Unused::Feedback,
        _ => Unused::Other,
    }
}
