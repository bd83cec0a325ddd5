//! Shape C: `{status, ret: 200, data, message, errorCode}`.

use super::{Business, Envelope, Identity, Refusal, Reply, openapi};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Value, json};
use service::http::Failure;

/// What a success has for its code.
const OK: u16 = 200;

/// `{status, ret: 200, data, message, errorCode}`.
pub struct C;

/// An answer in shape C.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "EnvelopeC_{T}")]
pub struct EnvelopeC<T> {
    status: u16,
    ret: u16,
    data: T,
    message: &'static str,
    error_code: &'static str,
}

/// An error in shape C; `ret` is its code.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ErrorC")]
struct Failed {
    status: u16,
    ret: u16,
    data: Option<()>,
    message: String,
    error_code: &'static str,
    trace_id: String,
}

impl Envelope for C {
    const NAME: &'static str = "C";
    type Of<T: Serialize + JsonSchema + Send> = EnvelopeC<T>;

    fn success<T: Serialize + JsonSchema + Send>(answer: T, _: &Identity) -> EnvelopeC<T> {
        EnvelopeC { status: OK, ret: OK, data: answer, message: "OK", error_code: "" }
    }

    fn failure(refusal: &Refusal, request: &Identity) -> Reply {
        openapi::failure(refusal, request, business)
    }

    fn failures(generator: &mut SchemaGenerator) -> Vec<Failure> {
        openapi::failures::<Failed>(generator)
    }
}

fn business(problem: &Business, request: &Identity) -> Value {
    let Business { code, error_code, message } = problem.clone();
    json!(Failed { status: OK, ret: code, data: None, message, error_code, trace_id: request.trace.clone() })
}
