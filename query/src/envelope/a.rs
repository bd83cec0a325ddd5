//! Shape A: `{status, ret: {code, message, errorCode, data}}`.

use super::{Business, Envelope, Identity, Refusal, Reply, openapi};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Value, json};
use service::http::Failure;

/// What a success has for its code.
const OK: u16 = 200;

/// `{status, ret: {code, message, errorCode, data}}`.
pub struct A;

/// An answer in shape A.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EnvelopeA_{T}")]
pub struct EnvelopeA<T> {
    status: u16,
    ret: Ret<T>,
}

/// Inside of shape A.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Ret_{T}")]
pub struct Ret<T> {
    code: u16,
    message: &'static str,
    error_code: &'static str,
    data: T,
}

/// An error in shape A.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ErrorA")]
pub(super) struct Failed {
    status: u16,
    ret: FailedRet,
}

/// Inside of an error in shape A.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ErrorA.Ret")]
struct FailedRet {
    code: u16,
    message: String,
    error_code: &'static str,
    trace_id: String,
    data: Option<()>,
}

impl Envelope for A {
    const NAME: &'static str = "A";
    type Of<T: Serialize + JsonSchema + Send> = EnvelopeA<T>;

    fn success<T: Serialize + JsonSchema + Send>(answer: T, _: &Identity) -> EnvelopeA<T> {
        EnvelopeA { status: OK, ret: Ret { code: OK, message: "OK", error_code: "", data: answer } }
    }

    fn failure(refusal: &Refusal, request: &Identity) -> Reply {
        openapi::failure(refusal, request, business)
    }

    fn failures(generator: &mut SchemaGenerator) -> Vec<Failure> {
        openapi::failures::<Failed>(generator)
    }
}

pub(super) fn business(problem: &Business, request: &Identity) -> Value {
    let Business { code, error_code, message } = problem.clone();
    let ret = FailedRet { code, message, error_code, trace_id: request.trace.clone(), data: None };
    json!(Failed { status: OK, ret })
}
