//! Why standalone does not run.

use super::child::ChildError;
use super::lock::LockError;
use crate::listen::ListenError;

/// Why standalone does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Child(#[from] ChildError),
    #[error(transparent)]
    Credentials(#[from] service::credentials::Error),
    #[error(transparent)]
    Tls(#[from] service::http::TlsError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Engine(#[from] embedded_engine::Error),
    #[error("a file of the data folder: {0}")]
    File(#[source] std::io::Error),
    #[error("the system gives no random numbers: {0}")]
    Random(String),
    #[error("the log: {0}")]
    Log(#[from] service::kafka::Error),
    #[error("the tables: {0}")]
    Tables(#[from] service::clickhouse::Error),
    #[error("{name} is not ready: {missing}")]
    NotReady { name: &'static str, missing: String },
    #[error("topics and tables: {0}")]
    Migrate(#[from] processor::Error),
    #[error("no SIGHUP can be heard: {0}")]
    Hangups(#[source] std::io::Error),
}
