//! Sessions of the engine: a statement has one to itself, made ready with its database and its settings.
//!
//! Opening a session, and telling it its settings, takes as long as a small statement itself. So spare ones are opened ahead,
//! and one whose statement can have left nothing behind is kept for another that wants the very same account, database and settings.

use crate::exception::Exception;
use crate::library::{Connection, Params};
use crate::restriction::{self, quote_name};
use crate::user::User;
use crate::{ReadLimits, request::Call};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Spare sessions, opened and not yet told anything.
const MAX_SPARES: usize = 2;
/// Sessions kept ready for more of the same.
const READY: usize = 8;
/// Statements after which a session is closed nevertheless, so that nothing in it grows for ever.
const STATEMENTS: u32 = 1_000;

/// What a session is told before its statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    user: User,
    database: Option<String>,
    /// A SET statement.
    settings: Option<String>,
}

impl Setup {
    /// What a request wants, as far as its account may.
    ///
    /// # Errors
    /// The setting does not exist, or this account may not change it.
    pub fn of(call: &Call, user: User, limits: &ReadLimits) -> Result<Self, Exception> {
        let database = call.database.clone().filter(|d| !d.is_empty() && d != "default");
        Ok(Self { user, database, settings: restriction::session(user, &call.settings, limits)? })
    }
}

/// A connection for one statement at a time, and the mark of that statement.
pub struct Session {
    pub connection: Connection,
    mark: Mark,
    setup: Option<Setup>,
    statements: u32,
}

impl Session {
    /// A new one, of whose marks none is used yet.
    pub fn new(connection: Connection, mark: Mark) -> Self {
        Self { connection, mark, setup: None, statements: 0 }
    }

    /// The mark of the statement that it is for.
    pub fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Tells it what its statement wants, unless it was told already.
    ///
    /// # Errors
    /// What the engine says: an unknown database, an unknown setting, a bad value.
    pub fn prepare(&mut self, setup: &Setup) -> Result<(), Exception> {
        if self.setup.as_ref() == Some(setup) {
            return Ok(());
        }
        let database = setup.database.as_deref().map(|name| format!("use {}", quote_name(name)));
        for sql in database.iter().chain(&setup.settings) {
            self.connection.query(sql.as_bytes(), "Null", &Params::default()).map_err(Exception::from_engine)?;
        }
        self.setup = Some(setup.clone());
        Ok(())
    }
}

/// The sessions that no statement has now.
#[derive(Default)]
pub struct Sessions(Mutex<Vec<Session>>);

impl Sessions {
    /// One that is ready for this, else a spare one, else none; does not block.
    pub fn take(&self, setup: &Setup) -> Option<Session> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = idle.iter().rposition(|session| session.setup.as_ref() == Some(setup));
        let at = ready.or_else(|| idle.iter().rposition(|session| session.setup.is_none()))?;
        Some(idle.remove(at))
    }

    /// Keeps a session whose statement ended well, cannot have changed it and was not asked to stop; the one kept longest gives way.
    pub fn keep(&self, mut session: Session) {
        session.statements += 1;
        if session.statements >= STATEMENTS {
            return;
        }
        session.mark = session.mark.again();
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(session);
        let ready = idle.iter().filter(|session| session.setup.is_some()).count();
        let first = idle.iter().position(|session| session.setup.is_some()).filter(|_| ready > READY);
        let gone = first.map(|at| idle.remove(at));
        // Closing takes its time.
        drop(idle);
        drop(gone);
    }

    /// Opens spare ones by `open` until there are enough.
    pub fn refill(&self, open: impl Fn() -> Result<Session, Exception>) {
        let spares = || self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|s| s.setup.is_none()).count();
        while spares() < MAX_SPARES {
            let Ok(session) = open() else { return };
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        }
    }

    /// Closes all.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

const RUNS: u8 = 0;
const FINISHED: u8 = 1;
const STOPPED: u8 = 2;

/// Names a running statement, through the one setting that the engine shows and nothing else uses. The name is the session's, so
/// what holds for one of its statements is kept apart from the next.
#[derive(Clone)]
pub struct Mark {
    name: Arc<str>,
    state: Arc<AtomicU8>,
}

impl Mark {
    /// Of a new session.
    pub fn new(number: u64) -> Self {
        Self { name: format!("aftershock-{number}").into(), state: Arc::default() }
    }

    /// Of the session's next statement.
    fn again(&self) -> Self {
        Self { name: self.name.clone(), state: Arc::default() }
    }

    /// The name, made of letters, digits and a dash.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Says that the statement has ended: nothing is left to kill. False where somebody already set out to kill it, and may hit what
    /// has this name later.
    pub fn finish(&self) -> bool {
        self.turn(FINISHED)
    }

    /// Says that somebody sets out to kill the statement. False where it has ended, or somebody does so already.
    pub fn stop(&self) -> bool {
        self.turn(STOPPED)
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.state.load(Ordering::Acquire) == FINISHED
    }

    fn turn(&self, state: u8) -> bool {
        self.state.compare_exchange(RUNS, state, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_finished_or_stopped_and_the_next_is_neither() {
        let first = Mark::new(1);
        assert!(first.finish() && first.is_finished() && !first.stop());
        let second = first.again();
        assert_eq!(second.name(), first.name());
        assert!(!second.is_finished() && second.stop() && !second.stop() && !second.finish());
        assert!(first.is_finished() && !second.is_finished());
    }
}
