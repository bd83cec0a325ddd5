//! The statements that run, so that they can be stopped: by the id their client gave, or all of them.

use crate::exception::{Exception, QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING};
use crate::session::Mark;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What runs.
#[derive(Default)]
pub struct Running(Mutex<Statements>);

/// By the mark's name: the mark, and the client's id where it gave one.
type Statements = HashMap<Arc<str>, (Mark, Option<String>)>;

/// A statement that runs; it counts as ended when this is dropped.
pub struct Entry {
    running: Arc<Running>,
    mark: Mark,
}

impl Running {
    /// Enters a statement. As in ClickHouse, an id names one running statement only.
    pub fn enter(self: &Arc<Self>, mark: &Mark, id: Option<&str>) -> Result<Entry, Exception> {
        let mut statements = self.statements();
        if let Some(id) = id.filter(|id| statements.values().any(|(_, other)| other.as_deref() == Some(*id))) {
            return Err(Exception::new(QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING, format_args!("Query with id = {id} is already running")));
        }
        statements.insert(mark.name().into(), (mark.clone(), id.map(str::to_owned)));
        Ok(Entry { running: self.clone(), mark: mark.clone() })
    }

    /// The mark of the statement with this id of its client's.
    pub fn named(&self, id: &str) -> Option<Mark> {
        self.statements().values().find(|(_, own)| own.as_deref() == Some(id)).map(|(mark, _)| mark.clone())
    }

    /// The marks of all.
    pub fn all(&self) -> Vec<Mark> {
        self.statements().values().map(|(mark, _)| mark.clone()).collect()
    }

    fn statements(&self) -> MutexGuard<'_, Statements> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.running.statements().remove(self.mark.name());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn an_id_names_one_running_statement_and_is_free_again_afterwards() {
        let running = Arc::<Running>::default();
        let (first, second) = (Mark::new(1), Mark::new(2));
        let entry = running.enter(&first, Some("闪退")).unwrap();
        let other = running.enter(&second, None).unwrap();
        assert_eq!(running.enter(&Mark::new(3), Some("闪退")).err().unwrap().code, 216);
        assert_eq!(running.named("闪退").unwrap().name(), first.name());
        assert_eq!(running.all().len(), 2);
        drop(entry);
        assert!(running.named("闪退").is_none());
        assert!(running.enter(&Mark::new(3), Some("闪退")).is_ok());
        drop(other);
        assert!(running.all().is_empty());
    }
}
