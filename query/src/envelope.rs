//! The shapes in which answers travel, and how each says that there is no answer: a table from the [`Class`] of an error to what is sent.
//!
//! [`A`] to [`E`] are the five shapes of the OpenAPI: its operations differ in the one they use, and its clients look for the payload in all of them.
//! [`Admin`], [`AppKey`] and [`Bare`] are those of the operations for administrators.

mod a;
mod admin;
mod app_key;
mod b;
mod c;
mod d;
mod e;
mod openapi;

pub use a::A;
pub use admin::{Admin, Bare};
pub use app_key::AppKey;
pub use b::B;
pub use c::C;
pub use d::D;
pub use e::E;

use crate::error::Class;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::Value;
use service::http::{Failure, StatusCode};

/// A shape of answers.
pub trait Envelope: Send + Sync + 'static {
    /// Its name in the documentation.
    const NAME: &'static str;
    /// The shape around an answer of type `T`.
    type Of<T: Serialize + JsonSchema + Send>: Serialize + JsonSchema + Send;

    /// The answer in its shape.
    fn success<T: Serialize + JsonSchema + Send>(answer: T, request: &Identity) -> Self::Of<T>;

    /// What is sent where there is no answer.
    fn failure(refusal: &Refusal, request: &Identity) -> Reply;

    /// Everything that [`Envelope::failure`] sends, for the OpenAPI document.
    fn failures(generator: &mut SchemaGenerator) -> Vec<Failure>;
}

/// How a request is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// `X-Gateway-RequestID`, or made here; echoed in the header, and in errors as `traceId`.
    pub trace: String,
    /// The body's `requestid`, echoed by D.
    pub request: Option<String>,
    /// The path that was asked for.
    pub path: String,
}

/// Why a request has no answer, as far as its caller is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of failure.
    pub class: Class,
    /// The reason in words.
    pub message: String,
}

/// What is sent where there is no answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    pub status: StatusCode,
    pub body: Value,
    /// Seconds after which the caller may try again.
    pub retry_after: Option<u64>,
}

impl Reply {
    fn new(status: StatusCode, body: &impl Serialize) -> Self {
        Self { status, body: serde_json::to_value(body).unwrap_or_default(), retry_after: None }
    }

    fn after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }
}

/// An error of an OpenAPI operation that travels in the envelope, with HTTP 200.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Business {
    /// Never 200.
    code: u16,
    /// For machines, stable.
    error_code: &'static str,
    /// For people.
    message: String,
}

#[cfg(test)]
mod tests;
