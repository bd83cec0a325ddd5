//! Kinds of items that are taken and not used, each counted.

/// What an item was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unused {
    Transaction,
    Span,
    Profile,
    Replay,
    Log,
    Metric,
    CheckIn,
    UserReport,
    Feedback,
    Minidump,
    /// A file without its event, or one too many.
    Attachment,
    /// How a session goes on that was counted when it started.
    SessionUpdate,
    /// Sessions above what one envelope may start.
    SessionOverBound,
    Other,
}

impl Unused {
    /// By the `type` of the item's header.
    pub(super) fn of(kind: &str) -> Self {
        match kind {
            "transaction" => Self::Transaction,
            "span" | "otel_span" | "otel_traces_data" => Self::Span,
            "profile" | "profile_chunk" => Self::Profile,
            "replay_event" | "replay_recording" | "replay_recording_not_chunked" | "replay_video" => Self::Replay,
            "log" | "otel_log" | "otel_logs_data" => Self::Log,
            "statsd" | "metric_buckets" | "metric_meta" | "metrics" | "trace_metric" => Self::Metric,
            "check_in" => Self::CheckIn,
            "user_report" => Self::UserReport,
            "feedback" => Self::Feedback,
            _ => Self::Other,
        }
    }

    /// The value of the metric's label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::Span => "span",
            Self::Profile => "profile",
            Self::Replay => "replay",
            Self::Log => "log",
            Self::Metric => "metric",
            Self::CheckIn => "check_in",
            Self::UserReport => "user_report",
            Self::Feedback => "feedback",
            Self::Minidump => "minidump",
            Self::Attachment => "attachment",
            Self::SessionUpdate => "session_update",
            Self::SessionOverBound => "session_over_bound",
            Self::Other => "other",
        }
    }
}
