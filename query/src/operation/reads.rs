//! What an operation may use: the tables, the settings and the issues; one that changes something, the journal as well.

use crate::app_versions;
use crate::config::Settings;
use crate::error::Error;
use crate::issue::{IssueCache, Issues};
use crate::journal::Journal;
use crate::param::{Rows, Target, TimeRange, VersionFilter};
use crate::store::{Counted, Statement, Store};
use std::sync::Arc;

/// What an operation that only reads may use. Cheap to clone.
#[derive(Clone)]
pub struct Reads {
    /// The tables, asked in the name of the caller.
    pub store: Store,
    /// What the operation may know of the configuration.
    pub settings: Arc<Settings>,
    /// Which issues are parts of which, by app and platform, shared by all callers.
    pub issues: IssueCache,
}

/// What an operation that changes something may use. Cheap to clone.
#[derive(Clone)]
pub struct Writes {
    pub reads: Reads,
    /// The log, in which changes are recorded.
    pub journal: Journal,
}

/// What an operation may use, for one caller.
pub trait Uses: Send + Sync + 'static {
    /// The part of everything that it may use, in the name of `user`.
    fn of(all: &Writes, user: &str) -> Self;
}

impl Uses for Reads {
    fn of(all: &Writes, user: &str) -> Self {
        Self { store: all.reads.store.of(user), ..all.reads.clone() }
    }
}

impl Uses for Writes {
    fn of(all: &Writes, user: &str) -> Self {
        Self { reads: Reads::of(all, user), journal: all.journal.clone() }
    }
}

impl Reads {
    /// The issues of an app on a platform, with everything that is stated about them.
    ///
    /// # Errors
    /// The tables give no answer.
    pub async fn issues(&self, target: &Target) -> Result<Issues, Error> {
        self.issues.of(&self.store, target).await
    }

    /// The versions with those that their wildcards stand for in a range.
    ///
    /// # Errors
    /// They stand for too many; the tables give no answer.
    pub async fn resolve(&self, target: &Target, versions: VersionFilter, range: &TimeRange) -> Result<VersionFilter, Error> {
        app_versions::resolve(&self.store, target, versions, range).await
    }

    /// One page of a list, and how many rows the list has in all.
    ///
    /// # Errors
    /// The tables give no answer.
    pub async fn page<R: Counted>(&self, statement: Statement, page: Rows) -> Result<(Vec<R>, u64), Error> {
        let rows: Vec<R> = self.store.fetch(statement.clone().bind(&page)).await?;
        let found = match rows.first() {
            Some(row) => row.found(),
            // Beyond the last page there is no row that says how many there are.
            None if page.start > 0 => self.store.first::<R>(statement.bind(&Rows::FIRST)).await?.map_or(0, |row| row.found()),
            None => 0,
        };
        Ok((rows, found))
    }
}
