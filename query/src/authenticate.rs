//! Authentication: the signature of an OpenAPI user, or the token of an administrator.

use crate::error::{Error, Rejection};
use service::config::Secret;
use service::credentials::{ALL_APPS, Keyring};
use service::http::Request;
use service::signature;
use service::throttle::Throttle;
use std::time::Duration;

/// Authenticates callers and says what they may see; cheap to clone.
#[derive(Clone)]
pub struct Gate {
    keyring: Keyring,
    throttle: Throttle,
    window: Duration,
}

/// An authenticated user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// `localUserId`.
    pub id: String,
    /// Apps they are a member of; "*" is all.
    apps: Vec<String>,
}

/// An authenticated administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// The name under which their statements wait for permits.
    pub id: String,
    /// Ids of the apps they may see and change; none = all.
    pub apps: Option<Vec<String>>,
}

impl Operator {
    /// Whether they may see and change `app`.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`].
    pub fn permit(&self, app: &str) -> Result<(), Rejection> {
        let is_theirs = self.apps.as_ref().is_none_or(|apps| apps.iter().any(|known| known == app));
        if is_theirs { Ok(()) } else { Err(Rejection::Forbidden) }
    }
}

impl Gate {
    /// Checks against `keyring`; a user may ask `per_minute` times (0 = any), a signature be `window` off our clock.
    #[must_use]
    pub fn new(keyring: Keyring, per_minute: u32, window: Duration) -> Self {
        Self { keyring, throttle: Throttle::per_minute(per_minute), window }
    }

    /// The user whose signature the request carries. `now` is Unix time in milliseconds.
    ///
    /// # Errors
    /// [`Rejection::AuthenticationFailed`], whatever is wrong with it; [`Rejection::TooManyRequests`].
    pub fn user(&self, request: &Request, now: i64) -> Result<Caller, Rejection> {
        let credentials = self.keyring.current();
        let pairs = request.query_pairs();
        let value = |name: &str| pairs.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value.as_str());
        let (id, t) = (value("localUserId"), value("t"));
        let user = credentials.user(id);
        // An unknown user costs the same time as a known one.
        let nobody = Secret::default();
        let key = user.map_or(&nobody, |user| &user.key);
        let signed = signature::verify(key, id, t, value("userSecret"));
        match user {
            Some(user) if signed && is_recent(t, now, self.window) => {
                self.throttle.check(id)?;
                Ok(Caller { id: user.id.clone(), apps: user.apps.clone() })
            }
            _ => Err(Rejection::AuthenticationFailed),
        }
    }

    /// Whether `caller` may read `app`.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`]: no member, or no such app.
    pub fn permit(&self, caller: &Caller, app: &str) -> Result<(), Rejection> {
        let known = || self.keyring.current().app_by_id(app).is_some();
        let member = caller.apps.iter().any(|listed| listed == app) || caller.apps.iter().any(|listed| listed == "*") && known();
        if member { Ok(()) } else { Err(Rejection::Forbidden) }
    }

    /// Whether there is such an app.
    ///
    /// # Errors
    /// [`Rejection::NotFound`].
    pub fn known(&self, app: &str) -> Result<(), Rejection> {
        self.keyring.current().app_by_id(app).map(drop).ok_or(Rejection::NotFound("app"))
    }

    /// The administrator whose token the request carries.
    ///
    /// # Errors
    /// [`Rejection::TokenEmpty`] or [`Rejection::TokenInvalid`].
    pub fn admin(&self, request: &Request) -> Result<Operator, Error> {
        let header = request.header("authorization").unwrap_or_default();
        let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
        let token = token.trim();
        if token.is_empty() {
            return Err(Rejection::TokenEmpty.into());
        }
        let credentials = self.keyring.current();
        match credentials.admin(token).filter(|_| scheme.eq_ignore_ascii_case("bearer")) {
            Some((place, admin)) => {
                let every_app = admin.apps.iter().any(|app| app == ALL_APPS);
                Ok(Operator { id: format!("admin {place}"), apps: (!every_app).then(|| admin.apps.clone()) })
            }
            None => Err(Rejection::TokenInvalid.into()),
        }
    }
}

/// Whether `t`, Unix time in seconds, lies within the window around `now`, in milliseconds.
fn is_recent(t: &str, now: i64, window: Duration) -> bool {
    let seconds = i64::try_from(window.as_secs()).unwrap_or(i64::MAX);
    t.parse::<i64>().is_ok_and(|t| (now.div_euclid(1000)).saturating_sub(t).saturating_abs() <= seconds)
}

#[cfg(test)]
mod tests;
