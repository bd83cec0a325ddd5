//! The credentials in force: one value that all readers share, replaced as a whole on reload.

use super::{Credentials, Error};
use crate::reload::{Reloaded, Source};
use crate::shutdown::Shutdown;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Credentials that may be reloaded. Cheap to clone; all clones see a reload.
#[derive(Clone, Debug)]
pub struct Keyring(Arc<Reloaded<Origin>>);

#[derive(Debug)]
enum Origin {
    File(PathBuf),
    /// There is no file: a reload changes nothing.
    Fixed(Box<Credentials>),
}

impl Keyring {
    /// Reads the file that later reloads read again.
    ///
    /// # Errors
    /// Those of [`Credentials::load`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Keyring(Arc::new(Reloaded::open(Origin::File(path.to_owned()))?)))
    }

    /// Credentials without a file: a reload changes nothing.
    pub fn fixed(credentials: Credentials) -> Self {
        Keyring(Arc::new(Reloaded::of(Origin::Fixed(Box::new(credentials.clone())), credentials)))
    }

    /// The credentials in force now.
    pub fn current(&self) -> Arc<Credentials> {
        self.0.current()
    }

    /// Reads the file again; after an error the former credentials stay in force.
    ///
    /// # Errors
    /// Those of [`Credentials::load`].
    pub fn reload(&self) -> Result<(), Error> {
        self.0.reload()
    }

    /// Reloads on every SIGHUP until shutdown, those between this call and the first poll included; spawn it.
    pub fn follow_hangups(self, shutdown: Shutdown) -> impl Future<Output = ()> + Send {
        self.0.follow(None, shutdown)
    }
}

impl Source for Origin {
    type Value = Credentials;
    type Error = Error;
    const NAME: &'static str = "credentials";

    fn files(&self) -> Vec<PathBuf> {
        match self {
            Origin::File(path) => vec![path.clone()],
            Origin::Fixed(_) => Vec::new(),
        }
    }

    fn read(&self) -> Result<Credentials, Error> {
        match self {
            Origin::File(path) => Credentials::load(path),
            Origin::Fixed(credentials) => Ok((**credentials).clone()),
        }
    }
}
