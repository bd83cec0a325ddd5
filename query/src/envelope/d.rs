//! Shape D: `{requestid, code, errmsg, data, cost}`.

use super::{Business, Envelope, Identity, Refusal, Reply, openapi};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Value, json};
use service::http::Failure;

/// What a success has for its code.
const OK: u16 = 200;

/// `{requestid, code, errmsg, data, cost}`.
pub struct D;

/// An answer in shape D.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EnvelopeD_{T}")]
pub struct EnvelopeD<T> {
    requestid: Option<String>,
    code: u16,
    errmsg: Option<String>,
    data: T,
    cost: u32,
}

/// An error in shape D.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ErrorD")]
struct Failed {
    requestid: Option<String>,
    code: u16,
    errmsg: String,
    #[serde(rename = "errorCode")]
    error_code: &'static str,
    #[serde(rename = "traceId")]
    trace_id: String,
    data: Option<()>,
    cost: u32,
}

impl Envelope for D {
    const NAME: &'static str = "D";
    type Of<T: Serialize + JsonSchema + Send> = EnvelopeD<T>;

    fn success<T: Serialize + JsonSchema + Send>(answer: T, request: &Identity) -> EnvelopeD<T> {
        EnvelopeD { requestid: request.request.clone(), code: OK, errmsg: None, data: answer, cost: 0 }
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
    let (requestid, trace_id) = (request.request.clone(), request.trace.clone());
    json!(Failed { requestid, code, errmsg: message, error_code, trace_id, data: None, cost: 0 })
}
