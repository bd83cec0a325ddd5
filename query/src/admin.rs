//! What the admin queries have in common: the token, the envelope and its codes (ingest protocols, "Admin queries").

use crate::authenticate::Gate;
use crate::error::{Error, Rejection};
use crate::param::Parameters;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use service::http::{self, IntoResponse, Request, Response, StatusCode};
use std::marker::PhantomData;

/// `{code: 0, msg: "OK", data}`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AdminReply_{T}")]
pub struct Reply<T> {
    code: u32,
    msg: &'static str,
    data: T,
}

/// Query parameters of an endpoint with a line about each.
pub type Documented = &'static [(&'static str, &'static str)];

/// The request of an administrator who tells something in its body, not yet read: who asks is settled first.
pub struct Told<P>(Request, PhantomData<fn() -> P>);

/// Why an admin query has no answer.
pub struct Refusal(Error);

impl<P: JsonSchema> http::Input for Told<P> {
    fn from_request(request: Request) -> Result<Self, Response> {
        Ok(Self(request, PhantomData))
    }

    fn schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<P>())
    }
}

impl<T> Reply<T> {
    /// A success.
    pub fn ok(data: T) -> Self {
        Self { code: 0, msg: "OK", data }
    }
}

/// The parameters of an administrator's request.
///
/// # Errors
/// No administrator, or parameters that are not what they should be.
pub fn read<P: DeserializeOwned>(gate: &Gate, request: &Request) -> Result<P, Error> {
    gate.admin(request)?;
    let query = Request { body: Default::default(), ..request.clone() };
    Ok(Parameters::gather(&query, &request.path)?.read()?)
}

/// What an administrator tells.
///
/// # Errors
/// No administrator, or a body that is not what it should be.
pub fn told<P: DeserializeOwned>(gate: &Gate, told: &Told<P>) -> Result<P, Error> {
    let Told(request, _) = told;
    gate.admin(request)?;
    Ok(Parameters::gather(request, &request.path)?.read()?)
}

impl<E: Into<Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let (status, code, msg) = match &error {
            Error::Rejected(rejection) => match rejection {
                Rejection::TokenEmpty => (StatusCode::UNAUTHORIZED, 40_002, "TokenIsEmpty".to_owned()),
                Rejection::TokenInvalid | Rejection::AuthenticationFailed => (StatusCode::UNAUTHORIZED, 40_003, "TokenInvalid".to_owned()),
                Rejection::Forbidden => (StatusCode::FORBIDDEN, 40_005, "NoAccess".to_owned()),
                Rejection::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, 401, "TooManyRequests".to_owned()),
                Rejection::Unreadable(_) | Rejection::InvalidParameter { .. } => {
                    (StatusCode::BAD_REQUEST, 400, format!("InvalidParams: {error}"))
                }
                Rejection::NotFound(_) => (StatusCode::NOT_FOUND, 404, "NotFound".to_owned()),
                Rejection::NoReleaseKey => (StatusCode::CONFLICT, 409, "Conflict".to_owned()),
            },
            Error::Store(_) | Error::Log(_) | Error::Record(_) | Error::Serve(_) => {
                tracing::error!(%error, "cannot answer an admin query");
                (StatusCode::SERVICE_UNAVAILABLE, 10_001, "DatabaseQueryError".to_owned())
            }
        };
        http::json(status, &json!({"code": code, "msg": msg}))
    }
}
