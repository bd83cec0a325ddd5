//! What people stated about an issue, made from its changes at read: the latest status holds, tags and tickets add up. Pure.
//!
//! The value of a change is JSON, by kind: `status` `{"status", "processors", "note"}`; `note` `{"note"}`; `tag` `{"tagName", "removed"}`;
//! `ticket` `{"id", "title", "workspaceId", "url"}`. Members that are absent say nothing; kinds that are not listed are left alone.

use crate::store::Row;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A row of the changes, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Change {
    /// Hex.
    pub issue: String,
    pub kind: String,
    pub value: String,
    pub author: String,
    /// Unix milliseconds.
    pub changed_ms: i64,
}

/// All that holds about one issue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stated {
    /// 0 open, 1 handled, 2 in progress.
    pub status: i64,
    /// Ids of the assignees, joined by `;`.
    pub processors: String,
    pub tags: Vec<Tag>,
    pub tickets: Vec<Ticket>,
    pub notes: Vec<Note>,
}

/// A tag of an issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "issue.Tag")]
pub struct Tag {
    pub tag_id: u32,
    pub tag_type: u32,
    pub tag_count: u32,
    pub tag_name: String,
}

/// A ticket that is linked with an issue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(rename = "issue.Ticket")]
pub struct Ticket {
    pub id: String,
    pub title: String,
    pub workspace_id: String,
    pub url: String,
}

/// A note, alone or with a change of status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub text: String,
    pub author: String,
    /// Unix milliseconds.
    pub at: i64,
    /// The status that was set with it; 3 for a plain note.
    pub status: i64,
}

/// `issueStatus` of a note that set no status.
const PLAIN_NOTE: i64 = 3;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Value {
    status: Option<i64>,
    processors: Option<String>,
    note: Option<String>,
    tag_name: Option<String>,
    removed: bool,
}

/// What holds after changes, oldest first, by issue.
#[must_use]
pub fn fold(changes: &[Change]) -> HashMap<String, Stated> {
    let mut stated: HashMap<String, Stated> = HashMap::new();
    for change in changes {
        stated.entry(change.issue.clone()).or_default().apply(change);
    }
    stated
}

impl Stated {
    fn apply(&mut self, change: &Change) {
        if change.kind == "ticket" {
            if let Ok(ticket) = serde_json::from_str::<Ticket>(&change.value) {
                self.tickets.retain(|known| known.id != ticket.id);
                self.tickets.push(ticket);
            }
            return;
        }
        let Ok(value) = serde_json::from_str::<Value>(&change.value) else { return };
        match change.kind.as_str() {
            "status" => {
                self.status = value.status.unwrap_or(self.status);
                self.processors = value.processors.clone().unwrap_or_else(|| self.processors.clone());
                self.note(change, &value, self.status);
            }
            "note" => self.note(change, &value, PLAIN_NOTE),
            "tag" => self.tag(value),
            _ => {}
        }
    }

    fn note(&mut self, change: &Change, value: &Value, status: i64) {
        if let Some(text) = value.note.as_ref().filter(|text| !text.is_empty()) {
            self.notes.push(Note { text: text.clone(), author: change.author.clone(), at: change.changed_ms, status });
        }
    }

    fn tag(&mut self, value: Value) {
        let Some(name) = value.tag_name.filter(|name| !name.is_empty()) else { return };
        self.tags.retain(|tag| tag.tag_name != name);
        if !value.removed {
            self.tags.push(Tag { tag_id: tag_id(&name), tag_type: 0, tag_count: 0, tag_name: name });
        }
    }
}

/// A number for a tag that is the same wherever the tag is: FNV-1a of its name, below 2^31.
#[must_use]
pub fn tag_id(name: &str) -> u32 {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(kind: &str, value: &str) -> Change {
        Change { issue: "A".to_owned(), kind: kind.to_owned(), value: value.to_owned(), author: "7".to_owned(), changed_ms: 5 }
    }

    #[test]
    fn the_latest_status_holds_and_keeps_what_it_does_not_name() {
        let folded = fold(&[
            change("status", r#"{"status":2,"processors":"u1;u2","note":"看一下"}"#),
            change("status", r#"{"status":1}"#),
            change("note", r#"{"note":"done"}"#),
        ]);
        let statement = &folded["A"];
        assert_eq!((statement.status, statement.processors.as_str()), (1, "u1;u2"));
        let notes: Vec<_> = statement.notes.iter().map(|note| (note.text.as_str(), note.status)).collect();
        assert_eq!(notes, [("看一下", 2), ("done", PLAIN_NOTE)]);
    }

    #[test]
    fn tags_and_tickets_are_sets() {
        let folded = fold(&[
            change("tag", r#"{"tagName":"fd-leak"}"#),
            change("tag", r#"{"tagName":"广告"}"#),
            change("tag", r#"{"tagName":"fd-leak"}"#),
            change("tag", r#"{"tagName":"广告","removed":true}"#),
            change("ticket", r#"{"id":"1","title":"a"}"#),
            change("ticket", r#"{"id":"1","title":"b"}"#),
        ]);
        let statement = &folded["A"];
        assert_eq!(statement.tags.iter().map(|tag| tag.tag_name.as_str()).collect::<Vec<_>>(), ["fd-leak"]);
        assert_eq!(statement.tickets.iter().map(|ticket| ticket.title.as_str()).collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        let folded = fold(&[change("status", "{"), change("status", r#"{"status":"x"}"#), change("alias", "{}"), change("tag", "{}")]);
        assert_eq!(folded["A"], Stated::default());
    }
}
