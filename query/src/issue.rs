//! Issues: what the tables know about them, which are parts of which, and what people stated. The one door to all of it, for the operations
//! ([`Issues`]) and for the command line ([`IssueReader`]).

pub mod aliases;
mod cache;
pub mod evidence;
pub mod facts;
pub mod merge;
pub mod new_alias;
pub mod stated;
pub mod view;

pub use cache::IssueCache;
pub use evidence::IssueReader;
pub use view::IssueView;

use crate::error::Error;
use crate::param::Target;
use crate::sql;
use crate::store::Store;
use aliases::{AliasLists, Aliases, Members};
use facts::Facts;
use stated::{Change, Stated, fold};
use std::collections::HashMap;
use std::sync::Arc;

/// The issues of an app on a platform, for one caller.
pub struct Issues {
    store: Store,
    target: Target,
    aliases: Arc<Aliases>,
}

/// An issue as it is shown: with all its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// What the tables know of it.
    pub facts: Facts,
    /// What people stated about it.
    pub stated: Stated,
}

impl Issues {
    /// The issue that `issue` is shown as: itself where it is not a part of another.
    #[must_use]
    pub fn canonical<'a>(&'a self, issue: &'a str) -> &'a str {
        self.aliases.canonical(issue)
    }

    /// Which issues are parts of which.
    #[must_use]
    pub fn aliases(&self) -> &Arc<Aliases> {
        &self.aliases
    }

    /// All parts, and what they are shown as, for a statement.
    #[must_use]
    pub fn lists(&self) -> &AliasLists {
        self.aliases.lists()
    }

    /// Some issues with all their parts, for a statement.
    #[must_use]
    pub fn members(&self, issues: &[String]) -> Members {
        self.aliases.members(issues)
    }

    /// What is known of `issues` (hex) and all their parts, and what is stated about themselves. An issue without reports is left out.
    ///
    /// # Errors
    /// The tables give no answer.
    pub async fn shown(&self, issues: &[String]) -> Result<HashMap<String, Shown>, Error> {
        if issues.is_empty() {
            return Ok(HashMap::new());
        }
        let members = self.members(issues);
        let facts = sql!("issue/facts.sql").bind(&self.target).bind(&members).bind(&members.aliases).frugal();
        let changes = sql!("issue/stated.sql").bind(&self.target).texts("issues", issues);
        let (facts, mut stated) =
            tokio::try_join!(self.store.fetch::<Facts>(facts), self.store.fold(changes, |changes: Vec<Change>| fold(&changes)),)?;
        let known = facts.into_iter().map(|facts| {
            let by_people = stated.remove(&facts.issue).unwrap_or_default();
            (facts.issue.clone(), Shown { facts, stated: by_people })
        });
        Ok(known.collect())
    }
}
