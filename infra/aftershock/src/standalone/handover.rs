//! What standalone hands to a role that it starts: the settings as they were read at its own start, with the engines' addresses and the accounts that this
//! role needs, and the sockets to listen on. One line of JSON on the role's stdin: arguments and environment are for others to see.
//!
//! A role that is started again is given the same, whatever became of the file meanwhile.

use super::lifeline;
use crate::role::Role;
use crate::settings::Settings;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use service::config::Secret;
use service::{clickhouse, kafka};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use tokio::net::TcpListener;

/// What a role was handed.
#[derive(Debug, Deserialize)]
pub struct Handover {
    pub settings: Settings,
    pub sockets: Sockets,
}

/// Sockets by their numbers, which parent and child share.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sockets(Vec<RawFd>);

impl Handover {
    /// Reads what the parent has written.
    ///
    /// # Errors
    /// Nothing was written, or something else.
    pub fn receive() -> io::Result<Self> {
        Ok(serde_json::from_str(&lifeline::first_line()?)?)
    }
}

impl Sockets {
    /// The sockets themselves. Call it once, within a runtime, in the process that was given them.
    ///
    /// # Errors
    /// A number that is no listening socket.
    pub fn open(self) -> io::Result<Vec<TcpListener>> {
        self.0.into_iter().map(socket).collect()
    }
}

#[allow(unsafe_code)]
fn socket(number: RawFd) -> io::Result<TcpListener> {
    use std::os::fd::FromRawFd;
    // SAFETY: takes two numbers. A number that is open is a socket of the parent, left open for this process alone and taken here once; whatever this
    // process starts is not to have it.
    let socket = unsafe {
        if libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) == -1 {
            return Err(io::Error::last_os_error());
        }
        std::net::TcpListener::from_raw_fd(number)
    };
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

/// The line for `role`, with the addresses in `kafka` and `tables` and those of their accounts that it needs.
///
/// # Errors
/// The settings cannot be written.
pub fn line(
    role: Role,
    settings: &Settings,
    kafka: &kafka::Config,
    tables: &clickhouse::Config,
    sockets: &[TcpListener],
) -> Result<String, serde_json::Error> {
    let tables = accounts(role, tables);
    let mut settings = serde_json::to_value(Settings { kafka: kafka.clone(), clickhouse: tables.clone(), ..settings.clone() })?;
    // Secrets are written as such only where they are meant to be read.
    let shown = |secret: &Secret<String>| Value::from(secret.expose().clone());
    let properties: Map<String, Value> = kafka.properties.iter().map(|(name, value)| (name.clone(), shown(value))).collect();
    settings["kafka"]["properties"] = properties.into();
    settings["clickhouse"]["password"] = shown(&tables.password);
    settings["clickhouse"]["read_password"] = shown(&tables.read_password);
    let sockets = Sockets(sockets.iter().map(AsRawFd::as_raw_fd).collect());
    Ok(format!("{}\n", json!({ "settings": settings, "sockets": sockets })))
}

/// No more than the role needs: the edge knows no tables, the processor writes, query reads.
fn accounts(role: Role, tables: &clickhouse::Config) -> clickhouse::Config {
    let server = clickhouse::Config {
        url: tables.url.clone(),
        ca_certificate: tables.ca_certificate.clone(),
        database: tables.database.clone(),
        ..clickhouse::Config::default()
    };
    match role {
        Role::Ingest => clickhouse::Config::default(),
        Role::Processor => clickhouse::Config { user: tables.user.clone(), password: tables.password.clone(), ..server },
        // Without a reader of its own it reads as the writer.
        Role::Query if tables.read_user.is_empty() => tables.clone(),
        Role::Query => {
            let (read_user, read_password) = (tables.read_user.clone(), tables.read_password.clone());
            clickhouse::Config { read_user, read_password, ..server }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TEXT: &str = "credentials = 'keys.toml'\n\
        [ingest]\nlisten = '127.0.0.1:0'\ntrusted_proxies = ['10.0.0.0/8']\naccess_log.sample = 0.25\ntls = { certificate = 'a', key = 'b' }\n\
        [processor]\nslice = { linger = '1500ms', bytes = '3MiB' }\n[[processor.grouping.rules]]\nwhen.type = '内存*'\nfingerprint = ['x']\n\
        [query]\ntime_zone = '-03:30'\nsystem_exit_keywords = ['退出']\n\
        [kafka]\nbrokers = 'a:1'\nproperties = { 'sasl.password' = '密\"码' }\n\
        [clickhouse]\nurl = 'https://b:2'\nca_certificate = 'ca.pem'\nuser = 'w'\npassword = 'writes'\nread_user = 'r'\nread_password = 'reads'\n";

    fn settings() -> Settings {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("aftershock.toml");
        std::fs::write(&file, TEXT).unwrap();
        Settings::load(Some(&file), None, std::iter::empty()).unwrap()
    }

    fn handed(role: Role, settings: &Settings) -> (String, Settings) {
        let line = line(role, settings, &settings.kafka, &settings.clickhouse, &[]).unwrap();
        let handover: Handover = serde_json::from_str(&line).unwrap();
        (line, handover.settings)
    }

    #[test]
    fn what_is_read_is_what_was_handed_over() {
        let sent = settings();
        let (line, got) = handed(Role::Query, &sent);
        assert_eq!(line.matches('\n').count(), 1, "one line");
        assert!(!line.contains("***"), "a secret is hidden from its reader: {line}");
        assert_eq!((&got.ingest, &got.processor, &got.query), (&sent.ingest, &sent.processor, &sent.query));
        assert_eq!((&got.credentials, &got.kafka, &got.clickhouse.url), (&sent.credentials, &sent.kafka, &sent.clickhouse.url));
    }

    #[test]
    fn a_role_is_given_the_accounts_that_it_needs() {
        let settings = settings();
        let authority = |settings: &Settings| settings.clickhouse.ca_certificate.clone();
        for role in [Role::Processor, Role::Query] {
            assert!(authority(&settings).is_some() && authority(&handed(role, &settings).1) == authority(&settings), "{role:?}");
        }
        for (role, known) in [(Role::Ingest, [false, false]), (Role::Processor, [true, false]), (Role::Query, [false, true])] {
            let (line, _) = handed(role, &settings);
            assert_eq!(["writes", "reads"].map(|password| line.contains(password)), known, "{role:?}");
        }
        let mut settings = settings;
        settings.clickhouse.read_user.clear();
        assert!(handed(Role::Query, &settings).0.contains("writes"), "without a reader it reads as the writer");
    }

    #[tokio::test]
    async fn a_number_that_is_nothing_is_refused() {
        assert!(Sockets(vec![1 << 20]).open().is_err());
    }
}
