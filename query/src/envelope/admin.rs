//! The shape of the admin queries: `{code: 0, msg: "OK", data}`; and answers without a shape, whose errors are the same.

use super::{Envelope, Identity, Refusal, Reply};
use crate::error::Class;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use service::http::{Failure, StatusCode};

/// `{code: 0, msg: "OK", data}`.
pub struct Admin;

/// The answer alone.
pub struct Bare;

/// An answer to an admin query.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AdminReply_{T}")]
pub struct AdminReply<T> {
    code: u32,
    msg: &'static str,
    data: T,
}

/// Why an admin query has no answer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AdminError")]
struct Failed {
    code: u32,
    msg: String,
}

impl Envelope for Admin {
    const NAME: &'static str = "admin";
    type Of<T: Serialize + JsonSchema + Send> = AdminReply<T>;

    fn success<T: Serialize + JsonSchema + Send>(answer: T, _: &Identity) -> AdminReply<T> {
        AdminReply { code: 0, msg: "OK", data: answer }
    }

    fn failure(refusal: &Refusal, _: &Identity) -> Reply {
        let (status, code, msg) = match &refusal.class {
            Class::NoToken => (StatusCode::UNAUTHORIZED, 40_002, "TokenIsEmpty"),
            Class::Unauthenticated => (StatusCode::UNAUTHORIZED, 40_003, "TokenInvalid"),
            Class::Forbidden => (StatusCode::FORBIDDEN, 40_005, "NoAccess"),
            Class::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, 401, "TooManyRequests"),
            Class::Unreadable | Class::Invalid => (StatusCode::BAD_REQUEST, 400, "InvalidParams"),
            Class::NotFound => (StatusCode::NOT_FOUND, 404, "NotFound"),
            Class::Conflict => (StatusCode::CONFLICT, 409, "Conflict"),
            Class::Busy | Class::Unavailable | Class::Fault => (StatusCode::SERVICE_UNAVAILABLE, 10_001, "DatabaseQueryError"),
        };
        let msg = match refusal.class {
            Class::Unreadable | Class::Invalid => format!("{msg}: {}", refusal.message),
            _ => msg.to_owned(),
        };
        let reply = Reply::new(status, &Failed { code, msg });
        match &refusal.class {
            Class::TooMany(wait) => reply.after(wait.seconds()),
            _ => reply,
        }
    }

    fn failures(generator: &mut SchemaGenerator) -> Vec<Failure> {
        let schema = generator.subschema_for::<Failed>();
        let failure = |(status, description)| Failure { status, description, schema: schema.clone() };
        STATUSES.into_iter().map(failure).collect()
    }
}

const STATUSES: [(StatusCode, &str); 7] = [
    (StatusCode::BAD_REQUEST, "A parameter is missing or wrong"),
    (StatusCode::UNAUTHORIZED, "The token is missing or unknown"),
    (StatusCode::FORBIDDEN, "The token is not for this app"),
    (StatusCode::NOT_FOUND, "What was asked for does not exist"),
    (StatusCode::CONFLICT, "The state of the service does not allow it"),
    (StatusCode::TOO_MANY_REQUESTS, "Too many requests; Retry-After says how long to wait"),
    (StatusCode::SERVICE_UNAVAILABLE, "The tables or the log gave no answer"),
];

impl Envelope for Bare {
    const NAME: &'static str = "none";
    type Of<T: Serialize + JsonSchema + Send> = T;

    fn success<T: Serialize + JsonSchema + Send>(answer: T, _: &Identity) -> T {
        answer
    }

    fn failure(refusal: &Refusal, request: &Identity) -> Reply {
        Admin::failure(refusal, request)
    }

    fn failures(generator: &mut SchemaGenerator) -> Vec<Failure> {
        Admin::failures(generator)
    }
}
