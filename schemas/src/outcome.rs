//! How a report ended. Every report has exactly one outcome, and each outcome is counted.

/// How a report ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The report counts.
    Accepted,
    /// The report is a re-delivery; its first delivery counts.
    Duplicate,
    /// The report was above the limit with this name; the client was told when to try again.
    Throttled(&'static str),
    /// The report was refused for the reason with this stable code.
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
