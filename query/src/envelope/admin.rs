//! What the admin queries have in common: the token, the envelope and its codes (ingest protocols, "Admin queries").

use crate::authenticate::{Gate, Operator};
use crate::error::{Error, Rejection};
use crate::param::Parameters;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use service::http::{self, HeaderValue, IntoResponse, Request, Response, StatusCode, header};
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

/// The names of the app that a request is about, of which an administrator may see some only.
const APP: [&str; 2] = ["appId", "app_id"];

/// The parameters of an administrator's request.
///
/// # Errors
/// No administrator, or none of the app that is named; parameters that are not what they should be.
pub fn read<P: DeserializeOwned>(gate: &Gate, request: &Request) -> Result<P, Error> {
    Ok(asked(gate, request)?.1)
}

/// The administrator who asks, and the parameters in the address.
///
/// # Errors
/// Those of [`read`].
pub fn asked<P: DeserializeOwned>(gate: &Gate, request: &Request) -> Result<(Operator, P), Error> {
    let operator = gate.admin(request)?;
    let query = Request { body: Default::default(), ..request.clone() };
    permitted(operator, &query)
}

/// The administrator who tells something, and what.
///
/// # Errors
/// No administrator, or none of the app that is named; a body that is not what it should be.
pub fn told<P: DeserializeOwned>(gate: &Gate, told: &Told<P>) -> Result<(Operator, P), Error> {
    let Told(request, _) = told;
    permitted(gate.admin(request)?, request)
}

fn permitted<P: DeserializeOwned>(operator: Operator, request: &Request) -> Result<(Operator, P), Error> {
    let parameters = Parameters::gather(request, &request.path)?;
    for name in APP {
        if let Some(app) = parameters.text(name) {
            operator.permit(app.trim())?;
        }
    }
    Ok((operator, parameters.read()?))
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
                Rejection::Unreadable(_) | Rejection::InvalidParameter { .. } | Rejection::TooLarge => {
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
        let mut response = http::json(status, &json!({"code": code, "msg": msg}));
        if let Error::Rejected(Rejection::TooManyRequests(wait)) = error {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.seconds()));
        }
        response
    }
}
