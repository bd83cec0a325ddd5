//! `issue_change`: a fact about an issue, stated by a person or by a rule.

use super::{Codec, Record};
use crate::ids::{ChangeId, IssueId};
use serde::{Deserialize, Serialize};

/// One change. Times are Unix milliseconds. The fields are described in `avro/issue_change.1.avsc`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueChange {
    pub change_id: ChangeId,
    pub app_id: String,
    /// 1 Android, 2 iOS, 10 PC.
    pub platform_id: i32,
    pub issue_id: IssueId,
    /// `status`, `note`, `tag`, `ticket`, `alias`.
    pub kind: String,
    /// JSON; its shape depends on the kind.
    #[serde(default)]
    pub value: String,
    /// Id of the user who stated it.
    #[serde(default)]
    pub author: String,
    pub changed_at: i64,
}

impl Record for IssueChange {
    const TOPIC: &'static str = "issue-changes";
    const SCHEMAS: &'static [&'static str] = &[include_str!("../../avro/issue_change.1.avsc")];

    /// The issue's id, so that the changes of an issue stay in order.
    fn key(&self) -> Vec<u8> {
        self.issue_id.0.to_vec()
    }

    fn codec() -> &'static Codec {
        static CODEC: Codec = Codec::new();
        &CODEC
    }
}
