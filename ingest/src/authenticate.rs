//! Who sends: each dialect names its app in its own way.

use crate::dialect::app_key;
use crate::rejection::Rejection;
use service::credentials::{App, Credentials};
use service::http::Request;

const APP_KEY: &str = "x-app-key";
const LOGIN_TYPE: &str = "login-type";

/// An authenticated sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The app that the report belongs to.
    pub(crate) app_id: String,
}

impl Caller {
    fn of(app: Option<&App>) -> Result<Self, Rejection> {
        app.map(|app| Self { app_id: app.id.clone() }).ok_or(Rejection::UnknownApp)
    }
}

/// Dialect 1: by `X-App-Key`, else the default app. The device channel (`Login-Type: device`) is refused as for an app
/// that has no secret.
pub(crate) fn by_key_or_default(credentials: &Credentials, request: &Request) -> Result<Caller, Rejection> {
    let app = match key(request) {
        Some(key) => credentials.app_by_key(key),
        None => credentials.default_app(),
    };
    let caller = Caller::of(app)?;
    if request.header(LOGIN_TYPE).is_some_and(|kind| kind.trim().eq_ignore_ascii_case("device")) {
        return Err(Rejection::SecretIsEmpty);
    }
    if app.is_some_and(|app| app.device_required) {
        return Err(Rejection::ChannelRequired);
    }
    Ok(caller)
}

/// Dialect 2: by `app_key` in the body.
pub(crate) fn by_body(credentials: &Credentials, request: &Request) -> Result<Caller, Rejection> {
    Caller::of(credentials.app_by_key(&app_key::key(&request.body)?))
}

/// Dialect 3: by `X-App-Key`.
pub(crate) fn by_key(credentials: &Credentials, request: &Request) -> Result<Caller, Rejection> {
    Caller::of(key(request).and_then(|key| credentials.app_by_key(key)))
}

/// An empty header is none.
fn key(request: &Request) -> Option<&str> {
    let value = request.headers.get(APP_KEY)?;
    // A key that is not visible ASCII is no app's, and must not pass for none.
    let key = value.to_str().unwrap_or("\u{0}").trim();
    (!key.is_empty()).then_some(key)
}
