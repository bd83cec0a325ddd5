//! The shape of the admin operations of the app-key dialect: `{code: 200, message: "OK", data}`, whose code is the HTTP status.

use super::{Envelope, Identity, Refusal, Reply};
use crate::error::Class;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use service::http::{Failure, StatusCode};

/// Seconds after which to try again while the log or the tables are away.
const AFTER_SILENCE: u64 = 2;

/// `{code: 200, message: "OK", data}`.
pub struct AppKey;

/// An answer to an admin operation of the app-key dialect.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AppKeyReply_{T}")]
pub struct AppKeyReply<T> {
    code: u16,
    message: &'static str,
    data: T,
}

/// Why an admin operation of the app-key dialect has no answer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AppKeyError")]
struct Failed {
    /// The status once more.
    code: u16,
    message: String,
}

impl Envelope for AppKey {
    const NAME: &'static str = "app key";
    type Of<T: Serialize + JsonSchema + Send> = AppKeyReply<T>;

    fn success<T: Serialize + JsonSchema + Send>(answer: T, _: &Identity) -> AppKeyReply<T> {
        AppKeyReply { code: StatusCode::OK.as_u16(), message: "OK", data: answer }
    }

    fn failure(refusal: &Refusal, _: &Identity) -> Reply {
        let status = match &refusal.class {
            Class::NoToken | Class::Unauthenticated => StatusCode::UNAUTHORIZED,
            Class::Forbidden => StatusCode::FORBIDDEN,
            Class::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Class::Unreadable | Class::Invalid => StatusCode::BAD_REQUEST,
            Class::NotFound => StatusCode::NOT_FOUND,
            Class::Conflict => StatusCode::CONFLICT,
            Class::Busy | Class::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Class::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let reply = Reply::new(status, &Failed { code: status.as_u16(), message: refusal.message.clone() });
        match &refusal.class {
            Class::TooMany(wait) => reply.after(wait.seconds()),
            Class::Busy | Class::Unavailable => reply.after(AFTER_SILENCE),
            _ => reply,
        }
    }

    fn failures(generator: &mut SchemaGenerator) -> Vec<Failure> {
        let schema = generator.subschema_for::<Failed>();
        let failure = |(status, description)| Failure { status, description, schema: schema.clone() };
        STATUSES.into_iter().map(failure).collect()
    }
}

const STATUSES: [(StatusCode, &str); 8] = [
    (StatusCode::BAD_REQUEST, "A parameter is missing or wrong"),
    (StatusCode::UNAUTHORIZED, "The token is missing or unknown"),
    (StatusCode::FORBIDDEN, "The token is not for this app"),
    (StatusCode::NOT_FOUND, "What was asked for does not exist"),
    (StatusCode::CONFLICT, "Releases cannot be signed: there is no key for it"),
    (StatusCode::TOO_MANY_REQUESTS, "Too many requests; Retry-After says how long to wait"),
    (StatusCode::INTERNAL_SERVER_ERROR, "A fault of the service"),
    (StatusCode::SERVICE_UNAVAILABLE, "The log or the tables gave no answer; Retry-After says how long to wait"),
];
