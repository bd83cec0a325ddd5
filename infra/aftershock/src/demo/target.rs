//! Finds what runs: where ingest and query answer, and the credentials to speak to them with.

use std::path::Path;

use service::credentials::{App, Credentials, User};

use crate::settings::Settings;
use crate::standalone::Running;

/// A running Aftershock as its user sees it.
pub struct Target {
    /// `http://host:port`, without a slash at the end.
    pub ingest: String,
    pub query: String,
    pub app: App,
    pub user: User,
    /// For the questions of operators.
    pub token: String,
}

/// Why nothing could be found.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    #[error("nothing runs on {0}: start it with `aftershock standalone --data {0}` (or `make run`)")]
    NotRunning(String),
    #[error("cannot read {file}: {reason}")]
    Unreadable { file: String, reason: String },
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
            Some(running) => Self::with(running.ready.ingest, running.ready.query, &running.credentials),
            None if !settings.embeds_log() => {
                Self::with(format!("http://{}", settings.ingest.listen), format!("http://{}", settings.query.listen), &settings.credentials)
            }
            None => Err(TargetError::NotRunning(dir.display().to_string())),
        }
    }

    fn with(ingest: String, query: String, file: &Path) -> Result<Self, TargetError> {
        let credentials = Credentials::load(file)?;
        let missing = |entry| TargetError::Missing { file: file.display().to_string(), entry };
        let app = credentials.default_app().or(credentials.apps.first()).ok_or_else(|| missing("app"))?.clone();
        let user = credentials.users.iter().find(|user| user.may_see(&app.id)).ok_or_else(|| missing("user of its app"))?.clone();
        let token = credentials.admins.first().ok_or_else(|| missing("admin"))?.token.expose().clone();
        Ok(Self { ingest, query, app, user, token })
    }
}
