//! Shape B: `{status, ret: <answer>}`.

use super::a;
use super::{Envelope, Identity, Refusal, Reply, openapi};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use service::http::Failure;

/// What a success has for its status.
const OK: u16 = 200;

/// `{status, ret: <answer>}`. It has no place for a code: its errors are those of A.
pub struct B;

/// An answer in shape B.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EnvelopeB_{T}")]
pub struct EnvelopeB<T> {
    status: u16,
    ret: T,
}

impl Envelope for B {
    const NAME: &'static str = "B";
    type Of<T: Serialize + JsonSchema + Send> = EnvelopeB<T>;

    fn success<T: Serialize + JsonSchema + Send>(answer: T, _: &Identity) -> EnvelopeB<T> {
        EnvelopeB { status: OK, ret: answer }
    }

    fn failure(refusal: &Refusal, request: &Identity) -> Reply {
        openapi::failure(refusal, request, a::business)
    }

    fn failures(generator: &mut SchemaGenerator) -> Vec<Failure> {
        openapi::failures::<a::Failed>(generator)
    }
}
