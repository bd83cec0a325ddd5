//! Who may send and who may ask: `credentials.toml`, read whole, checked, and swapped on reload.

mod app;
mod check;
mod generate;
mod keyring;

pub use app::{ANY_ORIGIN, App, Cipher};
pub use keyring::Keyring;

use crate::config::{Secret, located};
use crate::signature;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::HashMap;
use std::fmt;
use std::io::Write;
use std::path::Path;
use subtle::ConstantTimeEq;

/// Stands for every app in [`User::apps`].
pub const ALL_APPS: &str = "*";

/// Everything `credentials.toml` says. Only values that passed every check exist.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Document")]
pub struct Credentials {
    /// Signs releases; without it none can be published and none is offered.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "exposed_option")]
    pub release_key: Option<Secret<String>>,
    /// The tenants' applications.
    pub apps: Vec<App>,
    /// Users of the OpenAPI.
    pub users: Vec<User>,
    /// Operators.
    pub admins: Vec<Admin>,
    #[serde(skip)]
    index: Index,
}

/// A user: an analyst who asks by the signed OpenAPI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The user's id, `localUserId` of the OpenAPI: 1 to 64 letters, digits, `-` or `_`.
    pub id: String,
    /// The user's OpenAPI key, which signs requests, 8 to 128 visible ASCII characters.
    #[serde(serialize_with = "exposed")]
    pub key: Secret<String>,
    /// A name for people.
    #[serde(default)]
    pub name: String,
    /// Ids of the apps that the user may ask about; `*` stands for all.
    #[serde(default)]
    pub apps: Vec<String>,
}

/// An admin, who may merge issues, publish releases and read the state of the pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    /// The admin token, sent as `Authorization: Bearer`, 16 to 128 visible ASCII characters.
    #[serde(serialize_with = "exposed")]
    pub token: Secret<String>,
    /// Ids of the apps that the token may see and change; `*` stands for all. Anything of another app is answered 403; an operation that names
    /// no app is answered from these apps.
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
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Document {
    /// Signs releases, 32 to 128 visible ASCII characters, the same at every edge and query service. Without it no release can be published, and none is offered.
    #[serde(default)]
    release_key: Option<Secret<String>>,
    /// The applications whose reports are accepted.
    #[serde(default)]
    apps: Vec<App>,
    /// Users: analysts, who ask by the signed OpenAPI.
    #[serde(default)]
    users: Vec<User>,
    /// Admins, who may merge issues, publish releases and read the state of the pipeline.
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
        Ok(Credentials { release_key: None, apps, users, admins, index })
    }

    /// The same with a key for releases.
    ///
    /// # Errors
    /// It is too short to be one, or too long.
    pub fn signing(self, release_key: Secret<String>) -> Result<Self, String> {
        check::release_key(&release_key)?;
        Ok(Credentials { release_key: Some(release_key), ..self })
    }

    /// The MAC of what a release says, in hexadecimal; `None` without a key.
    pub fn release_mac(&self, covered: &[u8]) -> Option<String> {
        self.release_key.as_ref().map(|key| const_hex::encode(signature::mac(key.expose().as_bytes(), &[covered])))
    }

    /// Whether the MAC of a release is of the key; takes the same time wherever it differs.
    pub fn vouches_for(&self, covered: &[u8], mac: &str) -> bool {
        self.release_mac(covered).is_some_and(|own| signature::is_equal(own.as_bytes(), mac.as_bytes()))
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// It cannot be read, is not TOML, or an entry is wrong.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| Error::File { file: file.clone(), source })?;
        if let Some(mode) = exposure(path) {
            tracing::warn!(file, mode = format_args!("{mode:04o}"), "other users of this machine can read the credentials: chmod 600");
        }
        parsed(&text).map_err(|reason| Error::Malformed { file, reason })
    }

    /// One app, one user of it and one admin, all with random keys.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn generate() -> Result<Self, Error> {
        generate::credentials()
    }

    /// The shape of the file, each key with its description, for the reference page.
    pub fn schema() -> Schema {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        settings.into_generator().into_root_schema_for::<Document>()
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

    /// The admin of a token, with their place in the file; every token is compared, each without regard to where it differs.
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
    /// Whether this admin may see and change an app.
    pub fn may_see(&self, app_id: &str) -> bool {
        self.apps.iter().any(|app| app == ALL_APPS || app == app_id)
    }
}

impl TryFrom<Document> for Credentials {
    type Error = String;

    fn try_from(document: Document) -> Result<Self, String> {
        let credentials = Credentials::new(document.apps, document.users, document.admins)?;
        match document.release_key {
            Some(key) => credentials.signing(key),
            None => Ok(credentials),
        }
    }
}

/// The mode of a file of credentials that others than its owner can read; none where they cannot.
#[must_use]
pub fn exposure(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// The error names the line and the entry, and shows nothing that was found there: it may be a key.
fn parsed(text: &str) -> Result<Credentials, String> {
    let document = toml::Deserializer::parse(text).map_err(|error| located(&error, text))?;
    serde_path_to_error::deserialize(document).map_err(|error| {
        let (path, reason) = (error.path().to_string(), located(error.inner(), text));
        match (path.as_str(), reason.split_once(": ")) {
            (".", _) => reason,
            (_, Some((line, reason))) if line.starts_with("line ") => format!("{line}: {path}: {reason}"),
            _ => format!("{path}: {reason}"),
        }
    })
}

fn exposed_option<S: Serializer>(secret: &Option<Secret<String>>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(Secret::expose).serialize(serializer)
}

fn every_app() -> Vec<String> {
    vec![ALL_APPS.to_owned()]
}

fn exposed<S: Serializer>(secret: &Secret<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

#[cfg(test)]
mod tests;
