//! Finds what runs: where ingest and query answer, and the credentials to speak to them with.

use crate::role::scheme;
use crate::settings::Settings;
use crate::standalone::Running;
use service::credentials::{App, Credentials, User};
use service::http::{Client, Tls, TlsError};
use std::path::Path;
use std::time::Duration;

/// Longest time of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A running Aftershock as its user sees it.
pub struct Target {
    pub ingest: Server,
    pub query: Server,
    pub app: App,
    pub user: User,
    /// For the questions of operators.
    pub token: String,
}

/// A service, and a client that can speak to it.
#[derive(Clone)]
pub struct Server {
    /// `http://host:port` or `https://` of it, without a slash at the end.
    pub url: String,
    pub client: Client,
}

/// Why nothing could be found.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    #[error("nothing runs on {0}: start it with `aftershock standalone --data {0}` (or `make run`)")]
    NotRunning(String),
    #[error("cannot read {file}: {reason}")]
    Unreadable { file: String, reason: String },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Credentials(#[from] service::credentials::Error),
    #[error("{file} has no {entry}")]
    Missing { file: String, entry: &'static str },
}

impl Target {
    /// What `standalone` wrote down about itself, else, where the log is given by address, what the configuration says.
    pub fn find(settings: &Settings) -> Result<Self, TargetError> {
        let dir = &settings.data.dir;
        match Running::read(dir).map_err(|error| TargetError::Unreadable { file: dir.display().to_string(), reason: error.to_string() })? {
            Some(running) => {
                let ingest = Server::new(running.ready.ingest, running.ingest_certificate.as_deref())?;
                let query = Server::new(running.ready.query, running.query_certificate.as_deref())?;
                Self::with(ingest, query, &running.credentials)
            }
            None if !settings.embeds_log() => {
                let ingest = Server::at(&settings.ingest.listen.to_string(), settings.ingest.tls.as_ref())?;
                let query = Server::at(&settings.query.listen, settings.query.tls.as_ref())?;
                Self::with(ingest, query, &settings.credentials)
            }
            None => Err(TargetError::NotRunning(dir.display().to_string())),
        }
    }

    fn with(ingest: Server, query: Server, file: &Path) -> Result<Self, TargetError> {
        let credentials = Credentials::load(file)?;
        let missing = |entry| TargetError::Missing { file: file.display().to_string(), entry };
        let app = credentials.default_app().or(credentials.apps.first()).ok_or_else(|| missing("app"))?.clone();
        let user = credentials.users.iter().find(|user| user.may_see(&app.id)).ok_or_else(|| missing("user of its app"))?.clone();
        let token = credentials.admins.first().ok_or_else(|| missing("admin"))?.token.expose().clone();
        Ok(Self { ingest, query, app, user, token })
    }
}

impl Server {
    fn at(listen: &str, tls: Option<&Tls>) -> Result<Self, TlsError> {
        Self::new(format!("{}://{listen}", scheme(tls)), tls.map(|tls| tls.certificate.as_path()))
    }

    fn new(url: String, certificate: Option<&Path>) -> Result<Self, TlsError> {
        let client =
            certificate.map_or_else(|| Ok(Client::new(REQUEST_TIMEOUT)), |certificate| Client::trusting(REQUEST_TIMEOUT, certificate))?;
        Ok(Self { url, client })
    }
}
