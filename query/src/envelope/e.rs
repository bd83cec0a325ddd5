//! Shape E: `{code: 100000, msg, data}`.

use super::{Business, Envelope, Identity, Refusal, Reply, openapi};
use schemars::{JsonSchema, SchemaGenerator};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use service::http::Failure;

/// What a success has for its status, and for its code.
const OK: u16 = 200;
const DONE: u32 = 100_000;

/// `{code: 100000, msg, data}`, and `status` with the same under `ret`, without which the official SDK takes the code for an error.
pub struct E;

/// An answer in shape E; `ret` repeats `data`.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "EnvelopeE_{T}")]
pub struct EnvelopeE<T> {
    code: u32,
    msg: String,
    status: u16,
    data: T,
}

impl<T: Serialize> Serialize for EnvelopeE<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shape = serializer.serialize_struct("EnvelopeE", 5)?;
        shape.serialize_field("code", &self.code)?;
        shape.serialize_field("msg", &self.msg)?;
        shape.serialize_field("data", &self.data)?;
        shape.serialize_field("status", &self.status)?;
        shape.serialize_field("ret", &self.data)?;
        shape.end()
    }
}

/// An error in shape E.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ErrorE")]
struct Failed {
    code: u16,
    msg: String,
    error_code: &'static str,
    trace_id: String,
    data: Option<()>,
}

impl Envelope for E {
    const NAME: &'static str = "E";
    type Of<T: Serialize + JsonSchema + Send> = EnvelopeE<T>;

    fn success<T: Serialize + JsonSchema + Send>(answer: T, _: &Identity) -> EnvelopeE<T> {
        EnvelopeE { code: DONE, msg: "成功".to_owned(), status: OK, data: answer }
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
    json!(Failed { code, msg: message, error_code, trace_id: request.trace.clone(), data: None })
}
