//! `aftershock backup` and `aftershock restore`: a copy of the tables, written and read by their own server.
//!
//! A backup is taken while everything runs; where nothing does, the embedded engine is started for it. A restore wants no
//! processor at work, whose next insert would go into tables that are about to leave: on a running standalone it is refused,
//! and the engine is started for it. The engine takes any path of this machine; a server given by `clickhouse.url` reads the
//! path as its own `backups.allowed_path` says. A copy is put back into a database beside the real one and then changes places
//! with it table by table, so a restore that fails has changed nothing. A copy by the engine is its user's alone, as everything
//! is that this program writes ([`crate::private`]).

use crate::private;
use crate::settings::Settings;
use crate::standalone::{self, ExclusiveEngines, Running};
use service::clickhouse::Config;
use service::config::Secret;
use std::fmt::Write;
use std::io;
use std::path::Path;

/// Which migrations were made: there from the first start, so it never counts as data.
const MIGRATIONS: &str = "schema_migrations";

/// A table and its rows.
pub type Rows = (String, u64);

/// Why there is no copy, or nothing was put back.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there are no tables in {0}")]
    NoTables(String),
    #[error("standalone runs on {0}: stop it first, a restore needs the tables alone")]
    AtWork(String),
    #[error(transparent)]
    Start(#[from] standalone::Error),
    #[error("cannot read {file}: {source}")]
    Unreadable { file: String, source: io::Error },
    #[error("the path {0} is not UTF-8")]
    Path(String),
    #[error("there are rows already ({0}): give --replace to put the copy in their place")]
    NotEmpty(String),
    #[error(transparent)]
    Tables(#[from] service::clickhouse::Error),
}

/// Copies all tables to `to`, which must not be there yet: a folder, or one file where the name ends in `.tar`. Gives the rows
/// of each table as they were just before.
///
/// # Errors
/// There are no tables, or the server cannot write there.
pub async fn backup(settings: &Settings, to: &Path) -> Result<Vec<Rows>, Error> {
    let server = Server::of(settings, Purpose::Copy).await?;
    let copied = server.copy(to).await;
    server.leave().await;
    copied
}

/// Puts the tables of the copy at `from` in the place of those that are there. Tables with rows are replaced only where
/// `replace` says so. Gives the rows of each table afterwards.
///
/// # Errors
/// A standalone runs, rows would be lost, or the server cannot read the copy.
pub async fn restore(settings: &Settings, from: &Path, replace: bool) -> Result<Vec<Rows>, Error> {
    let server = Server::of(settings, Purpose::Change).await?;
    let restored = server.put_back(from, replace).await;
    server.leave().await;
    restored
}

/// What the owner of a copy at `to` should know: who else could come at it.
pub fn advice(settings: &Settings, to: &Path) -> Option<String> {
    let shown = to.display();
    if !settings.embeds_tables() {
        return Some(format!("{shown} was written by the tables' server: who can read it there is that server's business"));
    }
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mode = private::entrance(folder)?;
    let folder = folder.display();
    Some(format!("other users may enter {folder} (mode {mode:04o}); the copy itself is closed to them, keep it so where you move it"))
}

/// Tables and rows as a line: `occurrences: 12 rows, …`.
pub fn summary(tables: &[Rows]) -> String {
    let mut line = String::new();
    for (table, rows) in tables {
        let gap = if line.is_empty() { "" } else { ", " };
        let _ = write!(line, "{gap}{table}: {rows} rows");
    }
    line
}

/// What the tables are wanted for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Others may use them meanwhile.
    Copy,
    /// Nobody may.
    Change,
}

/// The tables' server with the account that may write.
struct Server {
    config: Config,
    embedded: bool,
    /// Where it was started for this command.
    alone: Option<ExclusiveEngines>,
}

impl Server {
    /// The engine of the data folder, running or started for this; else the server of the configuration.
    async fn of(settings: &Settings, purpose: Purpose) -> Result<Self, Error> {
        let (dir, shown) = (&settings.data.dir, settings.data.dir.display().to_string());
        if !settings.embeds_tables() {
            return Ok(Self { config: settings.clickhouse.clone(), embedded: false, alone: None });
        }
        let running = Running::read(dir).map_err(|source| Error::Unreadable { file: shown.clone(), source })?;
        match (running, purpose) {
            (Some(_), Purpose::Change) => Err(Error::AtWork(shown)),
            (Some(running), Purpose::Copy) => {
                let config = Config {
                    url: running.ready.clickhouse,
                    user: running.clickhouse_user,
                    password: Secret::new(running.clickhouse_password),
                    ..settings.clickhouse.clone()
                };
                Ok(Self { config, embedded: true, alone: None })
            }
            (None, Purpose::Copy) if !dir.join("clickhouse").exists() => Err(Error::NoTables(shown)),
            (None, _) => {
                let alone = ExclusiveEngines::start(settings).await?;
                Ok(Self { config: alone.clickhouse().clone(), embedded: true, alone: Some(alone) })
            }
        }
    }

    async fn leave(self) {
        if let Some(alone) = self.alone {
            alone.stop().await;
        }
    }

    async fn copy(&self, to: &Path) -> Result<Vec<Rows>, Error> {
        let tables = self.tables(&self.config.database).await?;
        self.run(&format!("backup database {} to {}", name(&self.config.database), self.file(to)?)).await?;
        Ok(tables)
    }

    async fn put_back(&self, from: &Path, replace: bool) -> Result<Vec<Rows>, Error> {
        let (real, beside) = (self.config.database.clone(), format!("{}_restored", self.config.database));
        let there = self.tables(&real).await?;
        let full: Vec<Rows> = there.iter().filter(|(table, rows)| *rows > 0 && table != MIGRATIONS).cloned().collect();
        if !full.is_empty() && !replace {
            return Err(Error::NotEmpty(summary(&full)));
        }
        let (real, beside_name) = (name(&real), name(&beside));
        self.run(&format!("drop database if exists {beside_name} sync")).await?;
        self.run(&format!("restore database {real} as {beside_name} from {}", self.file(from)?)).await?;
        self.run(&format!("create database if not exists {real} engine = Atomic")).await?;
        for (table, _) in self.tables(&beside).await? {
            let known = there.iter().any(|(other, _)| *other == table);
            let (from, to) = (format!("{beside_name}.{}", name(&table)), format!("{real}.{}", name(&table)));
            let change = if known { format!("exchange tables {from} and {to}") } else { format!("rename table {from} to {to}") };
            self.run(&change).await?;
        }
        self.run(&format!("drop database {beside_name} sync")).await?;
        self.tables(&self.config.database).await
    }

    async fn run(&self, sql: &str) -> Result<(), Error> {
        let done = self.config.server().query(sql).execute().await;
        done.map_err(|error| Error::Tables(error.into()))
    }

    async fn tables(&self, database: &str) -> Result<Vec<Rows>, Error> {
        let sql = "select name, ifNull(total_rows, 0) from system.tables where database = {database:String} order by name";
        let found = self.config.server().query(sql).param("database", database).fetch_all().await;
        found.map_err(|error| Error::Tables(error.into()))
    }

    /// The place of the copy as the server is told it; the engine works in another folder than this command.
    fn file(&self, path: &Path) -> Result<String, Error> {
        let unknown = |source| Error::Unreadable { file: path.display().to_string(), source };
        let path = if self.embedded { std::path::absolute(path).map_err(unknown)? } else { path.to_owned() };
        let text = path.to_str().ok_or_else(|| Error::Path(path.display().to_string()))?;
        Ok(format!("File('{}')", text.replace('\\', "\\\\").replace('\'', "\\'")))
    }
}

/// A quoted name.
fn name(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn names_and_paths_are_quoted() {
        let server = |embedded| Server { config: Config::default(), embedded, alone: None };
        assert_eq!(server(true).file(Path::new("/备份/it's")).unwrap(), "File('/备份/it\\'s')");
        assert_eq!(server(false).file(Path::new("today.tar")).unwrap(), "File('today.tar')");
        assert!(server(true).file(Path::new("here")).unwrap().starts_with("File('/"));
        assert_eq!(name("a`b"), "`a\\`b`");
    }

    #[tokio::test]
    async fn an_empty_folder_has_nothing_to_copy() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { data: crate::settings::Data { dir: folder.path().into() }, ..Settings::default() };
        assert!(matches!(backup(&settings, &folder.path().join("copy")).await, Err(Error::NoTables(_))));
    }

    #[test]
    fn a_summary_is_one_line() {
        assert_eq!(summary(&[("a".into(), 1), ("b".into(), 0)]), "a: 1 rows, b: 0 rows");
    }
}
