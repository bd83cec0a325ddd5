//! The five shapes in which answers travel (REFERENCE 2.4), and how each says no (REFERENCE 2.3).

use schemars::JsonSchema;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// Success in four of the five.
const OK: u16 = 200;
/// Success in E.
const DONE: u32 = 100_000;

/// A shape of answers.
pub trait Envelope: Send + Sync + 'static {
    /// The shape around an answer of type `T`.
    type Of<T: Serialize + JsonSchema + Send>: Serialize + JsonSchema + Send;

    /// The answer in its shape.
    fn success<T: Serialize + JsonSchema + Send>(answer: T, request: &Identity) -> Self::Of<T>;

    /// A business error in this shape, HTTP 200.
    fn failure(problem: &Problem, request: &Identity) -> Value;
}

/// By what a request is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// `X-Gateway-RequestID`, or made here; echoed in the header, and in errors as `traceId`.
    pub trace: String,
    /// The body's `requestid`, echoed by D.
    pub request: Option<String>,
}

/// A business error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Never 200.
    pub code: u16,
    /// For machines, stable.
    pub error_code: &'static str,
    /// For people.
    pub message: String,
}

/// `{status, ret: {code, message, errorCode, data}}`.
pub struct A;
/// `{status, ret: <answer>}`.
pub struct B;
/// `{status, ret: 200, data, message, errorCode}`.
pub struct C;
/// `{requestid, code, errmsg, data, cost}`.
pub struct D;
/// `{code: 100000, msg, data}`, and `status` with the same under `ret`, without which the official SDK takes the code for an error.
pub struct E;

/// Shape A.
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

/// Shape B.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EnvelopeB_{T}")]
pub struct EnvelopeB<T> {
    status: u16,
    ret: T,
}

/// Shape C.
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

/// Shape D.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EnvelopeD_{T}")]
pub struct EnvelopeD<T> {
    requestid: Option<String>,
    code: u16,
    errmsg: Option<String>,
    data: T,
    cost: u32,
}

/// Shape E; `ret` repeats `data`.
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

impl Envelope for A {
    type Of<T: Serialize + JsonSchema + Send> = EnvelopeA<T>;

    fn success<T: Serialize + JsonSchema + Send>(answer: T, _: &Identity) -> EnvelopeA<T> {
        EnvelopeA { status: OK, ret: Ret { code: OK, message: "OK", error_code: "", data: answer } }
    }

    fn failure(problem: &Problem, request: &Identity) -> Value {
        let Problem { code, error_code, message } = problem;
        let ret = json!({"code": code, "message": message, "errorCode": error_code, "traceId": request.trace, "data": null});
        json!({"status": OK, "ret": ret})
    }
}

impl Envelope for B {
    type Of<T: Serialize + JsonSchema + Send> = EnvelopeB<T>;

    fn success<T: Serialize + JsonSchema + Send>(answer: T, _: &Identity) -> EnvelopeB<T> {
        EnvelopeB { status: OK, ret: answer }
    }

    /// B has no place for a code of its own: its errors are those of A.
    fn failure(problem: &Problem, request: &Identity) -> Value {
        A::failure(problem, request)
    }
}

impl Envelope for C {
    type Of<T: Serialize + JsonSchema + Send> = EnvelopeC<T>;

    fn success<T: Serialize + JsonSchema + Send>(answer: T, _: &Identity) -> EnvelopeC<T> {
        EnvelopeC { status: OK, ret: OK, data: answer, message: "OK", error_code: "" }
    }

    fn failure(problem: &Problem, request: &Identity) -> Value {
        let Problem { code, error_code, message } = problem;
        json!({"status": OK, "ret": code, "data": null, "message": message, "errorCode": error_code, "traceId": request.trace})
    }
}

impl Envelope for D {
    type Of<T: Serialize + JsonSchema + Send> = EnvelopeD<T>;

    fn success<T: Serialize + JsonSchema + Send>(answer: T, request: &Identity) -> EnvelopeD<T> {
        EnvelopeD { requestid: request.request.clone(), code: OK, errmsg: None, data: answer, cost: 0 }
    }

    fn failure(problem: &Problem, request: &Identity) -> Value {
        let Problem { code, error_code, message } = problem;
        json!({
            "requestid": request.request, "code": code, "errmsg": message, "errorCode": error_code, "traceId": request.trace,
            "data": null, "cost": 0,
        })
    }
}

impl Envelope for E {
    type Of<T: Serialize + JsonSchema + Send> = EnvelopeE<T>;

    fn success<T: Serialize + JsonSchema + Send>(answer: T, _: &Identity) -> EnvelopeE<T> {
        EnvelopeE { code: DONE, msg: "成功".to_owned(), status: OK, data: answer }
    }

    fn failure(problem: &Problem, request: &Identity) -> Value {
        let Problem { code, error_code, message } = problem;
        json!({"code": code, "msg": message, "errorCode": error_code, "traceId": request.trace, "data": null})
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn written<E: Envelope>() -> (Value, Value) {
        let request = Identity { trace: "t1".to_owned(), request: Some("r1".to_owned()) };
        let problem = Problem { code: 400, error_code: "InvalidParams", message: "type: 无".to_owned() };
        (serde_json::to_value(E::success(vec![7], &request)).unwrap(), E::failure(&problem, &request))
    }

    /// The order in which clients look for the payload (REFERENCE 2.4).
    fn unwrapped(envelope: &Value) -> &Value {
        match &envelope["ret"] {
            Value::Object(ret) => ret.get("data").unwrap_or(&envelope["ret"]),
            Value::Array(_) => &envelope["ret"],
            _ => &envelope["data"],
        }
    }

    #[test]
    fn clients_find_the_payload_in_each() {
        for (success, failure) in [written::<A>(), written::<B>(), written::<C>(), written::<D>(), written::<E>()] {
            assert_eq!(unwrapped(&success), &json!([7]), "{success}");
            assert_eq!(unwrapped(&failure), &Value::Null, "{failure}");
            assert!(failure.to_string().contains("\"t1\"") && failure.to_string().contains("type: 无"), "{failure}");
        }
    }

    #[test]
    fn each_has_its_documented_members() {
        let ok = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(written::<A>().0, ok(r#"{"status":200,"ret":{"code":200,"message":"OK","errorCode":"","data":[7]}}"#));
        assert_eq!(written::<B>().0, ok(r#"{"status":200,"ret":[7]}"#));
        assert_eq!(written::<C>().0, ok(r#"{"status":200,"ret":200,"data":[7],"message":"OK","errorCode":""}"#));
        assert_eq!(written::<D>().0, ok(r#"{"requestid":"r1","code":200,"errmsg":null,"data":[7],"cost":0}"#));
        assert_eq!(written::<E>().0, ok(r#"{"code":100000,"msg":"成功","data":[7],"status":200,"ret":[7]}"#));
    }
}
