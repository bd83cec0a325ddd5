//! What an operation is: a method, a path, what goes in and what comes out.

use super::{IntoResponse, Json, Problem, Request, Response};
use http::{Method, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;

/// One operation of an API.
///
/// The future of [`Endpoint::call`] is dropped when the client goes away or the drain time is over:
/// work that must end belongs in a task of its own.
pub trait Endpoint: Send + Sync + 'static {
    /// The methods it answers. `GET` also answers `HEAD`.
    const METHODS: &'static [Method];
    /// `"/v1/reports"`; `{name}` takes one segment, `{*tail}` the rest (also none).
    const PATH: &'static str;
    /// One line for the OpenAPI document.
    const SUMMARY: &'static str;
    /// The group in the OpenAPI document.
    const TAG: &'static str;
    /// Largest body in bytes; a larger one is answered 413 before it is read whole.
    const BODY_LIMIT: usize = 1 << 20;
    /// Answered also when the server is full: for an answer that costs nothing.
    const ALWAYS: bool = false;
    /// Whether it is in the OpenAPI document: one that answers at two paths is there once.
    const DOCUMENTED: bool = true;
    /// How the request is read.
    type Input: Input;
    /// How the reply is written.
    type Output: Output;
    /// The typed rejection.
    type Error: IntoResponse;

    /// The path it is mounted at, where that is not [`Endpoint::PATH`].
    fn path() -> Cow<'static, str> {
        Cow::Borrowed(Self::PATH)
    }

    /// The errors it sends, for the OpenAPI document. Where none are listed it says that any error is a [`Problem`].
    fn failures(_: &mut SchemaGenerator) -> Vec<Failure> {
        Vec::new()
    }

    /// The answer to a body above [`Endpoint::BODY_LIMIT`]; the connection is closed after it.
    fn too_large(&self, path: &str) -> Response {
        let message = format!("the body is larger than {} bytes", Self::BODY_LIMIT);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, path, &message).into_response()
    }

    /// Does the work.
    fn call(&self, input: Self::Input) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;
}

/// An error of an operation as it is sent.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its status; an error with status 200 is told from a success by its body.
    pub status: StatusCode,
    /// What it means.
    pub description: &'static str,
    /// The schema of its body.
    pub schema: Schema,
}

/// A value read from a request.
// A rejection is a whole response: rare, and moved once.
#[allow(clippy::result_large_err)]
pub trait Input: Sized + Send {
    /// Reads it, or gives the response that says why not.
    ///
    /// # Errors
    /// The response of a request that cannot be read.
    fn from_request(request: Request) -> Result<Self, Response>;

    /// The schema of the body, if it has one. The members of an object are query parameters of methods that have no body.
    fn schema(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }

    /// Query parameters by name with one line about each, for the OpenAPI document.
    fn query() -> &'static [(&'static str, &'static str)] {
        &[]
    }
}

/// A value that can be written as a response.
pub trait Output {
    /// The response.
    fn into_response(self) -> Response;

    /// The schema of the body, if it has one.
    fn schema(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
}

impl Output for Response {
    fn into_response(self) -> Response {
        self
    }
}

impl<T: Serialize + JsonSchema> Output for Json<T> {
    fn into_response(self) -> Response {
        IntoResponse::into_response(self)
    }

    fn schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<T>())
    }
}

impl Input for Request {
    fn from_request(request: Request) -> Result<Self, Response> {
        Ok(request)
    }
}

impl<T: DeserializeOwned + JsonSchema + Send> Input for Json<T> {
    fn from_request(request: Request) -> Result<Self, Response> {
        serde_json::from_slice(&request.body).map(Json).map_err(|error| {
            let message = format!("the body is not the JSON this endpoint takes: {error}");
            Problem::new(StatusCode::BAD_REQUEST, &request.path, &message).into_response()
        })
    }

    fn schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<T>())
    }
}
