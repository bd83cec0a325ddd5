//! What can go wrong, by whose fault it is.

use crate::store;
use service::throttle::RetryAfter;
use std::time::Duration;

/// When to come again after too many questions at once.
const AFTER_A_CROWD: Duration = Duration::from_secs(2);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's fault.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The tables gave none.
    #[error(transparent)]
    Store(store::Error),
    /// The log gave none.
    #[error(transparent)]
    Log(#[from] service::kafka::Error),
    /// What was to be stated does not fit its schema: a fault of the build.
    #[error(transparent)]
    Record(#[from] schemas::record::Error),
    /// The server cannot run.
    #[error(transparent)]
    Serve(#[from] service::http::Error),
}

/// What was wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No such user, or the signature is not theirs, or not of now.
    #[error("the signature is not valid")]
    AuthenticationFailed,
    /// The user is no member of the app.
    #[error("no permission for this app")]
    Forbidden,
    /// Over the limit of the user.
    #[error(transparent)]
    TooManyRequests(#[from] RetryAfter),
    /// The body is no JSON object.
    #[error("the body is no JSON object: {0}")]
    Unreadable(String),
    /// A parameter is missing or is not what it should be.
    #[error("{name}: {expected}")]
    InvalidParameter { name: String, expected: String },
    /// The answer would be larger than it may be.
    #[error("the answer is larger than it may be: ask for fewer rows, or a shorter range")]
    TooLarge,
    /// What was asked for is not there.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// A release is to be published, and nothing can sign it.
    #[error("the credentials have no release_key: releases cannot be signed, so none can be published (docs/releases.md)")]
    NoReleaseKey,
    /// An admin query without a token.
    #[error("no token")]
    TokenEmpty,
    /// An admin query with a token that is none.
    #[error("the token is not valid")]
    TokenInvalid,
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::TooLarge => Rejection::TooLarge.into(),
            store::Error::Crowded => Rejection::TooManyRequests(RetryAfter(AFTER_A_CROWD)).into(),
            error => Self::Store(error),
        }
    }
}

impl Rejection {
    /// A parameter that is not what it should be.
    pub fn parameter(name: &str, expected: impl Into<String>) -> Self {
        Self::InvalidParameter { name: name.to_owned(), expected: expected.into() }
    }
}

/// [`Rejection::parameter`] as an [`Error`].
pub fn invalid(name: &str, expected: impl Into<String>) -> Error {
    Rejection::parameter(name, expected).into()
}
