//! Who may send and who may ask: `credentials.toml`, read whole, checked, and swapped on reload.

mod app;
mod check;
mod generate;
mod keyring;

use std::collections::HashMap;
use std::fmt;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize, Serializer};
use subtle::ConstantTimeEq;

use crate::config::Secret;

pub use app::{ANY_ORIGIN, App, Cipher};
pub use keyring::Keyring;

/// Stands for every app in [`User::apps`].
pub const ALL_APPS: &str = "*";

/// Everything `credentials.toml` says. Only values that passed every check exist.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Document")]
pub struct Credentials {
    /// The tenants' applications.
    pub apps: Vec<App>,
    /// Users of the OpenAPI.
    pub users: Vec<User>,
    /// Operators.
    pub admins: Vec<Admin>,
    #[serde(skip)]
    index: Index,
}

/// A user of the OpenAPI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// `localUserId`.
    pub id: String,
    /// OpenAPI key, used as text.
    #[serde(serialize_with = "exposed")]
    pub key: Secret<String>,
    /// For people.
    #[serde(default)]
    pub name: String,
    /// Ids of the apps they may ask about; [`ALL_APPS`] is all.
    #[serde(default)]
    pub apps: Vec<String>,
}

/// An operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    /// `Authorization: Bearer`.
    #[serde(serialize_with = "exposed")]
    pub token: Secret<String>,
    /// Ids of the apps that they may see and change; [`ALL_APPS`], which is the default, is all.
    #[serde(default = "every_app")]
    pub apps: Vec<String>,
}

/// Why credentials cannot be used. Messages name entries by position or id, never by key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read or written.
    #[error("cannot use {file}: {source}")]
    File { file: String, source: std::io::Error },
    /// The file is not TOML of this shape.
    #[error("{file}: {reason}")]
    Malformed { file: String, reason: String },
    /// The random source of the system failed.
    #[error("no random numbers: {reason}")]
    Random { reason: String },
}

/// Positions by what callers send.
#[derive(Clone, Default, PartialEq, Eq)]
struct Index {
    app_by_key: HashMap<String, usize>,
    app_by_id: HashMap<String, usize>,
    app_by_project: HashMap<u64, usize>,
    user_by_id: HashMap<String, usize>,
    default_app: Option<usize>,
}

/// The file as written, not yet checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    apps: Vec<App>,
    #[serde(default)]
    users: Vec<User>,
    #[serde(default)]
    admins: Vec<Admin>,
}

/// The index holds keys.
impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Credentials {
    /// Checks the entries and indexes them.
    ///
    /// # Errors
    /// What is wrong, naming the entry.
    pub fn new(apps: Vec<App>, users: Vec<User>, admins: Vec<Admin>) -> Result<Self, String> {
        let index = check::index(&apps, &users, &admins)?;
        Ok(Credentials { apps, users, admins, index })
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// It cannot be read, is not TOML, or an entry is wrong.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| Error::File { file: file.clone(), source })?;
        // The message without the line itself, which may hold a key.
        toml::from_str(&text).map_err(|error| Error::Malformed { file, reason: located(&error, &text) })
    }

    /// One app, one user of it and one operator, all with random keys.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn generate() -> Result<Self, Error> {
        generate::credentials()
    }

    /// The file's text, keys in the clear.
    pub fn to_toml(&self) -> String {
        // Only strings, numbers, booleans and lists of tables: nothing that TOML cannot hold.
        toml::to_string(self).unwrap_or_default()
    }

    /// Writes a new file that only its owner may read.
    ///
    /// # Errors
    /// It exists already or cannot be written.
    pub fn create(&self, path: &Path) -> Result<(), Error> {
        use std::os::unix::fs::OpenOptionsExt;
        let written = (|| {
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(self.to_toml().as_bytes())?;
            file.sync_all()
        })();
        written.map_err(|source| Error::File { file: path.display().to_string(), source })
    }

    /// The app of a key, compared without regard to where it differs.
    pub fn app_by_key(&self, key: &str) -> Option<&App> {
        let app = self.apps.get(*self.index.app_by_key.get(key)?)?;
        bool::from(app.key.expose().as_bytes().ct_eq(key.as_bytes())).then_some(app)
    }

    /// The app of an id.
    pub fn app_by_id(&self, id: &str) -> Option<&App> {
        self.apps.get(*self.index.app_by_id.get(id)?)
    }

    /// The app of a Sentry project number.
    pub fn app_by_sentry_project(&self, project: u64) -> Option<&App> {
        self.apps.get(*self.index.app_by_project.get(&project)?)
    }

    /// Whether pages of a web origin may speak for some app: what can be told before the app is known.
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.apps.iter().any(|app| app.allows_origin(origin))
    }

    /// The app of protocols that name none.
    pub fn default_app(&self) -> Option<&App> {
        self.apps.get(self.index.default_app?)
    }

    /// The user of an id.
    pub fn user(&self, id: &str) -> Option<&User> {
        self.users.get(*self.index.user_by_id.get(id)?)
    }

    /// The operator of a token, with their place in the file; every token is compared, each without regard to where it differs.
    pub fn admin(&self, token: &str) -> Option<(usize, &Admin)> {
        let is_theirs = |admin: &Admin| bool::from(admin.token.expose().as_bytes().ct_eq(token.as_bytes()));
        self.admins.iter().enumerate().fold(None, |found, (at, admin)| if is_theirs(admin) { Some((at, admin)) } else { found })
    }
}

impl User {
    /// Whether this user may ask about an app.
    pub fn may_see(&self, app_id: &str) -> bool {
        self.apps.iter().any(|app| app == ALL_APPS || app == app_id)
    }
}

impl Admin {
    /// Whether this operator may see and change an app.
    pub fn may_see(&self, app_id: &str) -> bool {
        self.apps.iter().any(|app| app == ALL_APPS || app == app_id)
    }
}

impl TryFrom<Document> for Credentials {
    type Error = String;

    fn try_from(document: Document) -> Result<Self, String> {
        Credentials::new(document.apps, document.users, document.admins)
    }
}

fn located(error: &toml::de::Error, text: &str) -> String {
    let message = error.message().trim_end();
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) if !before.is_empty() => {
            format!("line {}: {message}", before.matches('\n').count() + 1)
        }
        _ => message.to_owned(),
    }
}

fn every_app() -> Vec<String> {
    vec![ALL_APPS.to_owned()]
}

fn exposed<S: Serializer>(secret: &Secret<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

#[cfg(test)]
mod tests;
