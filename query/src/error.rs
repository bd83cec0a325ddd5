//! Why a request has no answer, and what kind of failure that is for its caller.

use crate::store;
use service::throttle::RetryAfter;
use std::time::Duration;

/// When a user may ask again whose statements already fill their queue.
const AFTER_A_FULL_QUEUE: Duration = Duration::from_secs(2);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's fault.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The tables gave no answer.
    #[error(transparent)]
    Store(store::Error),
    /// The log gave no answer.
    #[error(transparent)]
    Log(#[from] service::kafka::Error),
    /// A record does not fit its schema: a fault of this build.
    #[error(transparent)]
    Record(#[from] schemas::record::Error),
    /// A thread that did part of the work broke off.
    #[error("a thread of this service broke off")]
    Thread,
    /// The server cannot run.
    #[error(transparent)]
    Serve(#[from] service::http::Error),
}

/// What was wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no such user, or the signature is not theirs, or it is too old or from the future.
    #[error("the signature is not valid")]
    AuthenticationFailed,
    /// The user is not a member of the app.
    #[error("no permission for this app")]
    Forbidden,
    /// The user asks more often than their limit allows.
    #[error(transparent)]
    TooManyRequests(#[from] RetryAfter),
    /// The body is not a JSON object.
    #[error("the body is no JSON object: {0}")]
    Unreadable(String),
    /// A parameter is missing or is not what it should be.
    #[error("{name}: {expected}")]
    InvalidParameter { name: String, expected: String },
    /// The answer would be larger than it may be.
    #[error("the answer is larger than it may be: ask for fewer rows, or a shorter range")]
    TooLarge,
    /// What was asked for does not exist.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// A release is to be published, and there is no key to sign it with.
    #[error("the credentials have no release_key: releases cannot be signed, so none can be published (docs/releases.md)")]
    NoReleaseKey,
    /// An admin request without a token.
    #[error("no token")]
    TokenEmpty,
    /// An admin request with a token that nobody has.
    #[error("the token is not valid")]
    TokenInvalid,
}

/// What kind of failure an error is. Each envelope is a table from this to what is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// A token is required and is missing.
    NoToken,
    /// The caller is not who they claim to be.
    Unauthenticated,
    /// The caller may not see this app.
    Forbidden,
    /// The caller asks too often.
    TooMany(RetryAfter),
    /// The body cannot be read at all.
    Unreadable,
    /// A parameter is missing or wrong.
    Invalid,
    /// What was asked for does not exist.
    NotFound,
    /// The state of the service does not allow it.
    Conflict,
    /// Too many statements of all users wait; later there is room.
    Busy,
    /// The tables or the log are away, or gave no answer in time.
    Unavailable,
    /// A fault of this service.
    Fault,
}

impl Error {
    /// What kind of failure it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Rejected(rejection) => rejection.class(),
            Self::Store(store::Error::Busy) => Class::Busy,
            Self::Store(_) | Self::Log(_) | Self::Serve(_) => Class::Unavailable,
            Self::Record(_) | Self::Thread => Class::Fault,
        }
    }

    /// What the caller is told. What engines say may repeat the texts of others and stays inside.
    #[must_use]
    pub fn message(&self) -> String {
        let fixed = match self {
            Self::Rejected(rejection) => return rejection.to_string(),
            Self::Store(store::Error::Busy) => "the tables are busy",
            Self::Store(_) => "the tables gave no answer",
            Self::Log(_) => "the log gave no answer",
            Self::Record(_) => "a record could not be written",
            Self::Thread => "the answer could not be written",
            Self::Serve(_) => "the server cannot run",
        };
        fixed.to_owned()
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::TooLarge => Rejection::TooLarge.into(),
            store::Error::Crowded => Rejection::TooManyRequests(RetryAfter(AFTER_A_FULL_QUEUE)).into(),
            error => Self::Store(error),
        }
    }
}

impl Rejection {
    /// A parameter that is not what it should be.
    pub fn parameter(name: &str, expected: impl Into<String>) -> Self {
        Self::InvalidParameter { name: name.to_owned(), expected: expected.into() }
    }

    fn class(&self) -> Class {
        match self {
            Self::TokenEmpty => Class::NoToken,
            Self::AuthenticationFailed | Self::TokenInvalid => Class::Unauthenticated,
            Self::Forbidden => Class::Forbidden,
            Self::TooManyRequests(wait) => Class::TooMany(*wait),
            Self::Unreadable(_) => Class::Unreadable,
            Self::InvalidParameter { .. } | Self::TooLarge => Class::Invalid,
            Self::NotFound(_) => Class::NotFound,
            Self::NoReleaseKey => Class::Conflict,
        }
    }
}

/// [`Rejection::parameter`] as an [`Error`].
pub fn invalid(name: &str, expected: impl Into<String>) -> Error {
    Rejection::parameter(name, expected).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_engine_is_named_by_its_own_message() {
        let log = Error::from(service::kafka::Error::TimedOut { operation: "read" });
        assert_eq!((log.class(), log.message().as_str()), (Class::Unavailable, "the log gave no answer"));
        let tables = Error::from(store::Error::TimedOut);
        assert_eq!((tables.class(), tables.message().as_str()), (Class::Unavailable, "the tables gave no answer"));
        assert_eq!(Error::from(store::Error::TooLarge).class(), Class::Invalid);
    }
}
