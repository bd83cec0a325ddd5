//! The errors that the five shapes of the OpenAPI have in common: by status where nobody may ask or nothing works, else in the envelope.

use super::{Business, Identity, Refusal, Reply};
use crate::error::Class;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::json;
use service::http::{Failure, Problem, StatusCode};

/// Seconds after which to try again where the tables are busy.
const AFTER_BUSY: u64 = 5;

/// The body of 401, 403 and 429.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OpenApiDenial")]
struct Denial {
    status: u16,
    ret: DenialReason,
}

/// Why nobody may ask.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct DenialReason {
    /// The status once more.
    code: u16,
    message: &'static str,
    error_code: &'static str,
    /// The id of the request, for questions about it.
    trace_id: String,
}

/// What is sent for a refusal; `business` puts those that belong there into the envelope.
pub(super) fn failure(refusal: &Refusal, request: &Identity, business: fn(&Business, &Identity) -> serde_json::Value) -> Reply {
    let in_envelope = |code, error_code| {
        let problem = Business { code, error_code, message: refusal.message.clone() };
        Reply::new(StatusCode::OK, &business(&problem, request))
    };
    match &refusal.class {
        Class::NoToken | Class::Unauthenticated => denied(StatusCode::UNAUTHORIZED, "AuthenticationFailed", request),
        Class::Forbidden => denied(StatusCode::FORBIDDEN, "Forbidden", request),
        Class::TooMany(wait) => denied(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", request).after(wait.seconds()),
        Class::Unreadable => problem(StatusCode::BAD_REQUEST, refusal, request),
        Class::Invalid => in_envelope(400, "InvalidParams"),
        Class::NotFound => in_envelope(404, "NotFound"),
        Class::Conflict => in_envelope(409, "Conflict"),
        Class::Busy => problem(StatusCode::SERVICE_UNAVAILABLE, refusal, request).after(AFTER_BUSY),
        Class::Unavailable | Class::Fault => problem(StatusCode::INTERNAL_SERVER_ERROR, refusal, request),
    }
}

/// Everything that [`failure`] sends, for the OpenAPI document; `T` is an error in the envelope.
pub(super) fn failures<T: JsonSchema>(generator: &mut SchemaGenerator) -> Vec<Failure> {
    let denial = generator.subschema_for::<Denial>();
    let business = generator.subschema_for::<T>();
    let problem: schemars::Schema = schemars::json_schema!({ "$ref": "#/components/schemas/Problem" });
    let failure = |status, description, schema: &schemars::Schema| Failure { status, description, schema: schema.clone() };
    vec![
        failure(StatusCode::OK, "Success, or an error in the envelope: the code is 400, 404 or 409", &business),
        failure(StatusCode::BAD_REQUEST, "The body is not a JSON object", &problem),
        failure(StatusCode::UNAUTHORIZED, "The signature is not valid", &denial),
        failure(StatusCode::FORBIDDEN, "The user is not a member of the app", &denial),
        failure(StatusCode::TOO_MANY_REQUESTS, "The user asks too often; Retry-After says how long to wait", &denial),
        failure(StatusCode::INTERNAL_SERVER_ERROR, "The tables or the log gave no answer", &problem),
        failure(StatusCode::SERVICE_UNAVAILABLE, "The tables are busy; Retry-After says how long to wait", &problem),
    ]
}

fn denied(status: StatusCode, code: &'static str, request: &Identity) -> Reply {
    let number = status.as_u16();
    let ret = DenialReason { code: number, message: code, error_code: code, trace_id: request.trace.clone() };
    Reply::new(status, &Denial { status: number, ret })
}

fn problem(status: StatusCode, refusal: &Refusal, request: &Identity) -> Reply {
    let problem = Problem::new(status, &request.path, &refusal.message);
    Reply::new(status, &json!(problem.body(chrono::Utc::now())))
}
