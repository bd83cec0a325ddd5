//! The device channel: sealed reports opened, replies sealed.
//!
//! Whatever is wrong with a sealed body, the answer is [`Rejection::InvalidCiphertext`] and nothing else: it does not tell
//! whether Base64, key, nonce, padding or tag was wrong. A body that was sealed well and does not hold a report is refused by
//! the dialect.
//! An app without a secret has no channel.

mod cbc;
mod gcm;
mod name;
mod nonces;

use crate::dialect::BASE64;
use crate::rejection::Rejection;
use base64::Engine as _;
use name::Name;
use nonces::{Nonce, Nonces};
use serde::{Deserialize, Serialize};
use service::credentials::{App, Cipher, Credentials};
use service::http::Request;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The channels of all apps, and the nonces that were used in them.
pub(crate) struct Channels {
    derived: RwLock<Derived>,
    nonces: Nonces,
}

/// Keys are derived once for each load of the credentials.
#[derive(Default)]
struct Derived {
    from: Option<Arc<Credentials>>,
    channels: HashMap<String, Arc<Channel>>,
}

/// The keys of one app; the first one seals.
pub(crate) enum Channel {
    Gcm(Vec<gcm::Key>),
    Cbc(Vec<cbc::Key>),
}

/// A sealed text with its nonce, or with what its IV is derived from.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sealed<'a> {
    #[serde(borrow)]
    data: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
}

/// A sealed text that was opened.
pub(crate) struct Opened {
    pub(crate) text: Vec<u8>,
    /// The id of the sealed text: the same at every edge and after every start. Nobody without the secret can compute it.
    pub(crate) name: Name,
}

/// What makes each sealed reply different.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fresh {
    pub(crate) nonce: Nonce,
    /// Since 1970.
    pub(crate) nanoseconds: u64,
}

impl Channels {
    /// Channels that remember `nonces` nonces.
    pub(crate) fn new(nonces: usize) -> Self {
        Self { derived: RwLock::default(), nonces: Nonces::new(nonces) }
    }

    /// The channel of an app of these credentials.
    pub(crate) fn of(&self, credentials: &Arc<Credentials>, app: &App) -> Result<Arc<Channel>, Rejection> {
        let derived = self.derived.read().unwrap_or_else(PoisonError::into_inner);
        let is_current = derived.from.as_ref().is_some_and(|from| Arc::ptr_eq(from, credentials));
        if is_current {
            return derived.channels.get(&app.id).cloned().ok_or(Rejection::SecretIsEmpty);
        }
        drop(derived);
        let fresh = Derived::from(credentials);
        let channel = fresh.channels.get(&app.id).cloned();
        *self.derived.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        channel.ok_or(Rejection::SecretIsEmpty)
    }

    /// Opens the sealed body of a request.
    pub(crate) fn open(&self, channel: &Channel, request: &Request) -> Result<Opened, Rejection> {
        let sealed = Sealed::of(request).ok_or(Rejection::InvalidCiphertext)?;
        channel.open(&sealed, &self.nonces).ok_or(Rejection::InvalidCiphertext)
    }
}

impl Derived {
    fn from(credentials: &Arc<Credentials>) -> Self {
        let channels = credentials.apps.iter().filter_map(|app| Some((app.id.clone(), Arc::new(Channel::of(app)?))));
        Self { from: Some(Arc::clone(credentials)), channels: channels.collect() }
    }
}

impl Channel {
    fn of(app: &App) -> Option<Self> {
        let secrets = app.device_secrets.iter().map(|secret| secret.expose().as_str());
        match app.device_cipher {
            _ if app.device_secrets.is_empty() => None,
            Cipher::Aes256Gcm => secrets.map(gcm::Key::of).collect::<Option<_>>().map(Self::Gcm),
            Cipher::Aes256Cbc => Some(Self::Cbc(secrets.map(cbc::Key::of).collect())),
        }
    }

    /// The text, if one of the keys sealed it.
    fn open(&self, sealed: &Sealed<'_>, nonces: &Nonces) -> Option<Opened> {
        let data = decode(&sealed.data)?;
        match self {
            Self::Gcm(keys) => {
                let nonce = decode(&sealed.time)?.try_into().ok()?;
                gcm::open(keys, nonce, data, nonces)
            }
            Self::Cbc(keys) => keys.iter().find_map(|key| key.open(&sealed.time, &data)),
        }
    }

    /// Seals a reply; `None` where the cipher does not take it.
    pub(crate) fn seal(&self, text: Vec<u8>, fresh: Fresh) -> Option<Sealed<'static>> {
        let (data, time) = match self {
            Self::Gcm(keys) => (keys.first()?.seal(fresh.nonce, text)?, BASE64.encode(fresh.nonce)),
            Self::Cbc(keys) => {
                let time = format!("{:x}", fresh.nanoseconds);
                (keys.first()?.seal(&time, &text), time)
            }
        };
        Some(Sealed { data: BASE64.encode(data).into(), time: time.into() })
    }
}

impl<'a> Sealed<'a> {
    /// In the body; in the query where the body is empty.
    fn of(request: &'a Request) -> Option<Self> {
        if !request.body.is_empty() {
            let json = request.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&request.body);
            // A long text would be written out in an error that nobody reads.
            return json.trim_ascii_start().starts_with(b"{").then(|| serde_json::from_slice(json).ok())?;
        }
        let mut pairs = request.query_pairs();
        let mut take = |name: &str| pairs.iter_mut().find(|(found, _)| found == name).map(|(_, value)| std::mem::take(value).into());
        Some(Self { data: take("data")?, time: take("time")? })
    }
}

/// Base64 as clients send it: padded or not, broken into lines, in the alphabet for URLs, or with `+` that a query
/// turned into a blank.
fn decode(text: &str) -> Option<Vec<u8>> {
    if let Ok(bytes) = BASE64.decode(text) {
        return Some(bytes);
    }
    let plain = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n' | b'\t')).map(|byte| match byte {
        b'-' | b' ' => b'+',
        b'_' => b'/',
        byte => byte,
    });
    BASE64.decode(plain.collect::<Vec<u8>>()).ok()
}
