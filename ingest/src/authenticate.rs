//! Who sends: each dialect names its app in its own way.

use crate::dialect::sentry;
use crate::item::Kind;
use crate::rejection::Rejection;
use service::credentials::{App, Credentials};
use service::http::{HeaderMap, HeaderName, Request, header};

const APP_KEY: &str = "x-app-key";
const LOGIN_TYPE: &str = "login-type";

/// An authenticated sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller<'a> {
    /// The app that the report belongs to.
    pub(crate) app: &'a App,
    /// Whether the report comes through the device channel.
    pub(crate) is_sealed: bool,
}

impl<'a> Caller<'a> {
    /// A sender of plain reports.
    pub(crate) fn of(app: Option<&'a App>) -> Result<Self, Rejection> {
        app.map(|app| Self { app, is_sealed: false }).ok_or(Rejection::UnknownApp)
    }

    /// Whether the app lets it send records of this kind: from this web page, if it is one, and plain, if they are plain.
    pub(crate) fn may_send(&self, headers: &HeaderMap, kind: Kind) -> Result<(), Rejection> {
        if let Some(origin) = headers.get(header::ORIGIN)
            && !origin.to_str().is_ok_and(|origin| self.app.allows_origin(origin))
        {
            return Err(Rejection::OriginNotAllowed);
        }
        match self.app.device_required && kind == Kind::Report && !self.is_sealed {
            true => Err(Rejection::ChannelRequired),
            false => Ok(()),
        }
    }
}

/// Log-message dialect: by `X-App-Key`, else the default app; `Login-Type: device` says that the body is sealed.
pub(crate) fn by_key_or_default<'a>(credentials: &'a Credentials, request: &Request) -> Result<Caller<'a>, Rejection> {
    let app = match key(request) {
        Some(key) => credentials.app_by_key(key),
        None => credentials.default_app(),
    };
    let is_sealed = request.header(LOGIN_TYPE).is_some_and(|kind| kind.trim().eq_ignore_ascii_case("device"));
    Ok(Caller { is_sealed, ..Caller::of(app)? })
}

/// Native dialect: by `X-App-Key`.
pub(crate) fn by_key<'a>(credentials: &'a Credentials, request: &Request) -> Result<Caller<'a>, Rejection> {
    Caller::of(key(request).and_then(|key| credentials.app_by_key(key)))
}

/// Sentry dialect: by the client's key, which must be that of the project in the path.
pub(crate) fn by_project<'a>(credentials: &'a Credentials, request: &Request) -> Result<Caller<'a>, Rejection> {
    let header = ["x-sentry-auth", "authorization"].iter().find_map(|name| sentry::key::of_header(request.header(name)?));
    let in_query = || request.query_pairs().into_iter().find(|(name, _)| name == "sentry_key").map(|(_, key)| key);
    let in_body = || sentry::key::of_envelope(&request.body, encoding(request));
    let key = header.map(str::to_owned).or_else(in_query).or_else(in_body).ok_or(Rejection::UnknownApp)?;
    let app = credentials.app_by_key(&key).ok_or(Rejection::UnknownApp)?;
    let project = request.param("project").and_then(|project| project.parse::<u64>().ok());
    if project.is_none() || app.sentry_project != project {
        return Err(Rejection::OtherProject);
    }
    Caller::of(Some(app))
}

/// The `Content-Encoding`, if there is one.
pub(crate) fn encoding(request: &Request) -> Option<&str> {
    named(request, header::CONTENT_ENCODING)
}

/// The `Content-Type`, if there is one.
pub(crate) fn content_type(request: &Request) -> Option<&str> {
    named(request, header::CONTENT_TYPE)
}

/// A header's value; one that is not text is unknown, not absent.
fn named(request: &Request, name: HeaderName) -> Option<&str> {
    request.headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

/// The app's key; an empty header is an absent one.
fn key(request: &Request) -> Option<&str> {
    let value = request.headers.get(APP_KEY)?;
    // A key that is not visible ASCII is no app's, and must not pass for an absent one.
    let key = value.to_str().unwrap_or("\u{0}").trim();
    (!key.is_empty()).then_some(key)
}
