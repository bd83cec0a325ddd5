//! What grouping says about a report, in the tables and in answers: the kind of the event and the parts of its fingerprint.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What sort of event a report is: how the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "EventKind")]
pub enum Kind {
    /// An exception of a language runtime.
    Exception,
    /// A fault of native code: a signal, an access violation.
    Native,
    /// The application did not respond.
    Anr,
    /// The program ended itself: a failed check, `abort()`.
    Abort,
    /// The program ran for too long without progress.
    Hang,
    /// The memory was exhausted.
    #[serde(rename = "oom")]
    OutOfMemory,
    /// The stack was exhausted.
    StackOverflow,
    /// A message without exception and stack.
    Message,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] =
        [Self::Exception, Self::Native, Self::Anr, Self::Abort, Self::Hang, Self::OutOfMemory, Self::StackOverflow, Self::Message];

    /// The kind as it is stored and hashed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exception => "exception",
            Self::Native => "native",
            Self::Anr => "anr",
            Self::Abort => "abort",
            Self::Hang => "hang",
            Self::OutOfMemory => "oom",
            Self::StackOverflow => "stack_overflow",
            Self::Message => "message",
        }
    }

    /// Whether the fault is named by the system below all languages (a signal, a watchdog) and not by a class.
    #[must_use]
    pub const fn is_native(self) -> bool {
        matches!(self, Self::Native | Self::Abort | Self::Hang)
    }
}

/// What sort of thing a part of a fingerprint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "FingerprintPartKind")]
pub enum PartKind {
    /// A text that a rule of the project sets.
    Rule,
    /// A text that the client sets.
    Client,
    /// The kind of the event.
    Kind,
    /// The exception or the fault.
    Type,
    /// A frame of the stack.
    Frame,
    /// The class of a frame.
    Class,
    /// The form of the message: its words without values.
    Message,
    /// The class or member that a failed link asked for.
    Missing,
    /// The first words of the exception that this one caused.
    Effect,
}

impl PartKind {
    /// Every kind of part.
    pub const ALL: [Self; 9] =
        [Self::Rule, Self::Client, Self::Kind, Self::Type, Self::Frame, Self::Class, Self::Message, Self::Missing, Self::Effect];

    /// The kind of part as it is stored and hashed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Client => "client",
            Self::Kind => "kind",
            Self::Type => "type",
            Self::Frame => "frame",
            Self::Class => "class",
            Self::Message => "message",
            Self::Missing => "missing",
            Self::Effect => "effect",
        }
    }
}

impl fmt::Display for PartKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_the_same_in_json_in_the_tables_and_in_hashes() {
        assert!(Kind::ALL.iter().all(|kind| json!(kind) == json!(kind.name())));
        assert!(PartKind::ALL.iter().all(|kind| json!(kind) == json!(kind.name())));
    }

    #[test]
    fn published_schemas_name_every_kind() {
        let kinds = json!(schemars::schema_for!(Kind)).to_string();
        let parts = json!(schemars::schema_for!(PartKind)).to_string();
        assert!(Kind::ALL.iter().all(|kind| kinds.contains(&format!("\"{}\"", kind.name()))), "{kinds}");
        assert!(PartKind::ALL.iter().all(|kind| parts.contains(&format!("\"{}\"", kind.name()))), "{parts}");
    }
}
