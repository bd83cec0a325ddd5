//! What became of a report. Every report ends in exactly one outcome, and each is counted.

/// How a report ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It counts.
    Accepted,
    /// A re-delivery: its twin counts.
    Duplicate,
    /// Over a limit, by its name; the client was told when to come again.
    Throttled(&'static str),
    /// Refused, by the stable code of the reason.
    Rejected(&'static str),
}

impl Outcome {
    /// The value of the label `outcome` of a metric.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Throttled(_) => "throttled",
            Self::Rejected(_) => "rejected",
        }
    }

    /// The value of the label `reason`; empty unless throttled or rejected.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Throttled(reason) | Self::Rejected(reason) => reason,
            Self::Accepted | Self::Duplicate => "",
        }
    }
}
