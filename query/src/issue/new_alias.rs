//! An alias fact that is to be stated: by a person through an operation, or by a rule through the command line.

use super::aliases::AliasFact;
use crate::param::Target;
use schemas::digest;
use schemas::ids::IssueId;
use schemas::record::IssueChange;

/// A fact that is to be stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAlias {
    pub target: Target,
    /// The issue that it is about.
    pub issue: IssueId,
    /// What it says.
    pub fact: AliasFact,
    /// Who states it; empty for a rule.
    pub author: String,
    /// Unix milliseconds.
    pub now: i64,
}

impl NewAlias {
    /// The fact as a change of the issue. Its id is made of what it says and of `known`, the number of facts that are known already: what is stated
    /// twice on the same state is one change. What a rule states is one change on any state, with 0.
    #[must_use]
    pub fn change(&self, known: u128) -> IssueChange {
        let value = serde_json::to_string(&self.fact).unwrap_or_default();
        let (issue, platform) = (self.issue, self.target.platform);
        let content = match self.fact.rule.is_empty() {
            true => format!("alias|{platform}|{issue}|{value}|{}", self.author),
            false => format!("alias|{platform}|{issue}|{value}"),
        };
        IssueChange {
            change_id: digest::change_id(&self.target.app, content.as_bytes(), known),
            app_id: self.target.app.clone(),
            platform_id: i32::from(platform),
            issue_id: issue,
            kind: "alias".to_owned(),
            value,
            author: self.author.clone(),
            changed_at: self.now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stated(rule: &str, author: &str, now: i64, known: u128) -> IssueChange {
        let fact = AliasFact { issues: vec!["0F".repeat(16)], removed: false, rule: rule.to_owned() };
        let target = Target { app: "a".to_owned(), platform: 1 };
        NewAlias { target, issue: IssueId([7; 16]), fact, author: author.to_owned(), now }.change(known)
    }

    #[test]
    fn the_same_statement_on_the_same_state_is_one_change() {
        let id = |rule, author, now, known| stated(rule, author, now, known).change_id;
        assert_eq!(id("", "li", 1, 3), id("", "li", 2, 3));
        assert_ne!(id("", "li", 1, 3), id("", "li", 1, 4));
        assert_ne!(id("", "li", 1, 3), id("", "wang", 1, 3));
        assert_eq!(id("app_version", "", 1, 0), id("app_version", "", 9, 0));
        let value = stated("", "li", 1, 3).value;
        assert_eq!(value, r#"{"issues":["0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F"]}"#);
    }
}
