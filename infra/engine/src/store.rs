//! The opened data directory: one engine, one connection kept open always, and the sessions of the statements.

use crate::exception::{ABORTED, Exception};
use crate::library::{Connection, Library, Params};
use crate::progress::Progress;
use crate::restriction::quote;
use crate::running::{Entry, Running};
use crate::session::{Mark, Session, Sessions};
use crate::{Config, Error, configuration};
use std::ffi::CString;
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The engine on its data directory. All methods block.
pub struct Store {
    library: &'static Library,
    arguments: Vec<CString>,
    /// The last connection that closes would stop the engine, so one stays open.
    keeper: Mutex<Option<Connection>>,
    sessions: Sessions,
    marks: AtomicU64,
    running: Arc<Running>,
    version: String,
    memory: u64,
    _lock: File,
}

impl Store {
    /// Takes the directory's lock, loads the library and starts the engine.
    pub fn open(config: &Config) -> Result<Self, Error> {
        let dir = fs::create_dir_all(&config.dir)
            .and_then(|()| config.dir.canonicalize())
            .map_err(|e| Error::Directory(config.dir.clone(), e))?;
        let config = Config { dir, ..config.clone() };
        let lock = lock(&config.dir)?;
        let library = load(&config.library)?;
        let arguments = configuration::arguments(&config).map_err(|e| Error::Directory(config.dir.clone(), e))?;
        let mut keeper = library.connect(&arguments).ok_or_else(|| Error::Refused(config.dir.clone()))?;
        let version = keeper.query(b"select version()", "TSV", &Params::default()).map_err(Error::Start)?;
        let version = String::from_utf8_lossy(&version).trim().to_owned();
        let memory = configuration::memory(&config);
        let (keeper, sessions) = (Mutex::new(Some(keeper)), Sessions::default());
        let (marks, running) = (AtomicU64::new(0), Arc::default());
        Ok(Self { library, arguments, keeper, sessions, marks, running, version, memory, _lock: lock })
    }

    /// ClickHouse's version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The library's own release.
    pub fn release(&self) -> String {
        self.library.version()
    }

    /// Bytes of memory that the engine may use.
    pub fn memory(&self) -> u64 {
        self.memory
    }

    /// The sessions that no statement has now.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Opens a session, marked so that its statements can be killed.
    pub fn session(&self, mark: Mark) -> Result<Session, Exception> {
        let mut arguments = self.arguments.clone();
        arguments.extend(CString::new(format!("--log_comment={}", mark.name())));
        let connection = self.library.connect(&arguments).ok_or_else(|| Exception::new(ABORTED, "The engine is shutting down"))?;
        Ok(Session::new(connection, mark))
    }

    /// Opens spare sessions for the statements to come.
    pub fn refill(&self) {
        self.sessions.refill(|| self.session(self.mark()));
    }

    /// A mark that no other session of this process has.
    pub fn mark(&self) -> Mark {
        Mark::new(self.marks.fetch_add(1, Ordering::Relaxed))
    }

    /// Enters a statement among those that run.
    pub fn enter(&self, mark: &Mark, id: Option<&str>) -> Result<Entry, Exception> {
        self.running.enter(mark, id)
    }

    /// The engine's own id of the running statement that its client named so.
    pub fn engine_id(&self, id: &str) -> Option<String> {
        let mark = self.running.named(id)?;
        let sql = format!("select query_id from system.processes where Settings['log_comment'] = {} limit 1", quote(mark.name()));
        let mut connection = self.library.connect(&self.arguments)?;
        let output = connection.query(sql.as_bytes(), "TSVRaw", &Params::default()).ok()?;
        let found = String::from_utf8_lossy(&output).trim_end().to_owned();
        // The session's next statement, where this one has ended meanwhile.
        (!found.is_empty() && !mark.is_finished()).then_some(found)
    }

    /// How far the statement of this mark is; `None` where it does not run.
    pub fn progress(&self, mark: &Mark) -> Option<Progress> {
        let sql = format!(
            "select read_rows, read_bytes, written_rows, written_bytes, total_rows_approx, greatest(memory_usage, 0), elapsed \
             from system.processes where Settings['log_comment'] = {} limit 1",
            quote(mark.name())
        );
        let mut connection = self.library.connect(&self.arguments)?;
        let output = connection.query(sql.as_bytes(), "TSVRaw", &Params::default()).ok()?;
        Progress::parse(&String::from_utf8_lossy(&output)).filter(|_| !mark.is_finished())
    }

    /// Asks every statement that runs to stop.
    pub fn kill_all(&self) {
        self.running.all().iter().for_each(|mark| self.kill(mark));
    }

    /// Asks the statement of this mark to stop, if it still runs.
    pub fn kill(&self, mark: &Mark) {
        if !mark.stop() {
            return;
        }
        let sql = format!("kill query where Settings['log_comment'] = '{}' async", mark.name());
        let Some(mut connection) = self.library.connect(&self.arguments) else { return };
        match connection.query(sql.as_bytes(), "Null", &Params::default()) {
            Ok(_) => tracing::debug!(statement.mark = mark.name(), "a statement was asked to stop"),
            Err(error) => tracing::warn!(%error, "a statement cannot be asked to stop"),
        }
    }

    /// Closes the engine: with its last connection its tables shut down, and a merge in progress is given up. The statements
    /// must have ended. The library's `chdb_shutdown` is left out: it refuses once a MergeTree table was opened, because idle
    /// threads of the merge pool outlive the tables (release 26.7.3), and the end of the process ends those as well.
    pub fn close(&self) {
        self.sessions.clear();
        drop(self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// A second engine on a directory would only be told on stderr that it is taken, so the lock of our own speaks first.
fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join("engine.lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(|e| Error::Directory(path.clone(), e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(dir.to_owned())),
        Err(TryLockError::Error(e)) => Err(Error::Directory(path, e)),
    }
}

fn load(path: &Path) -> Result<&'static Library, Error> {
    super::look_for(path)?;
    Library::open(path).map_err(|e| Error::Load(path.to_owned(), e))
}
