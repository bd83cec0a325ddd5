//! The credentials in force: one value that all read, replaced whole on reload.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Credentials, Error};
use crate::shutdown::Shutdown;

/// Cheap to clone; all clones see a reload.
#[derive(Clone, Debug)]
pub struct Keyring(Arc<Held>);

#[derive(Debug)]
struct Held {
    path: Option<PathBuf>,
    current: RwLock<Arc<Credentials>>,
}

impl Keyring {
    /// Reads the file that later reloads read again.
    ///
    /// # Errors
    /// Those of [`Credentials::load`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let credentials = Credentials::load(path)?;
        Ok(Keyring::holding(credentials, Some(path.to_owned())))
    }

    /// Credentials without a file: a reload changes nothing.
    pub fn fixed(credentials: Credentials) -> Self {
        Keyring::holding(credentials, None)
    }

    fn holding(credentials: Credentials, path: Option<PathBuf>) -> Self {
        Keyring(Arc::new(Held { path, current: RwLock::new(Arc::new(credentials)) }))
    }

    /// What is in force now.
    pub fn current(&self) -> Arc<Credentials> {
        Arc::clone(&self.0.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file again; on an error what was in force stays so.
    ///
    /// # Errors
    /// Those of [`Credentials::load`].
    pub fn reload(&self) -> Result<(), Error> {
        let Some(path) = &self.0.path else { return Ok(()) };
        let fresh = Arc::new(Credentials::load(path)?);
        *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Reloads on every SIGHUP until shutdown, those between this call and the first poll included; spawn it.
    pub fn follow_hangups(self, shutdown: Shutdown) -> impl Future<Output = ()> + Send {
        let hangups = signal(SignalKind::hangup());
        async move {
            match hangups {
                Ok(hangups) => self.follow(hangups, shutdown).await,
                Err(error) => tracing::error!(%error, "cannot listen for SIGHUP"),
            }
        }
    }

    async fn follow(self, mut hangups: Signal, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.triggered() => return,
                _ = hangups.recv() => match self.reload() {
                    Ok(()) => tracing::info!("credentials read again"),
                    Err(error) => tracing::error!(%error, "credentials unchanged"),
                },
            }
        }
    }
}
