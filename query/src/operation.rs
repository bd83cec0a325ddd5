//! What every operation of the OpenAPI has in common: authenticate, throttle, read the parameters, permit, answer, put into the envelope.

use crate::authenticate::Gate;
use crate::envelope::{Envelope, Identity, Problem};
use crate::error::{Error, Rejection};
use crate::param::bounds::LONGEST_BODY;
use crate::param::{Parameters, Target, TargetParameters};
use crate::store::{self, Store};
use chrono::Utc;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use service::http::{self, Endpoint, HeaderValue, IntoResponse, Method, Request, Response, StatusCode, header};
use std::hash::{BuildHasher, RandomState};
use std::marker::PhantomData;
use std::sync::Arc;

/// One operation of the OpenAPI, about an app on a platform.
pub trait Operation: Send + Sync + 'static {
    /// The methods it answers.
    const METHODS: &'static [Method];
    /// Its path; made with [`paths!`](crate::paths).
    const PATH: &'static str;
    /// Its path with `/{*tail}`, for parameters as key/value pairs of the path.
    const TAIL: &'static str;
    /// One line for the OpenAPI document.
    const SUMMARY: &'static str;
    /// The shape of its answers.
    type Envelope: Envelope;
    /// What it takes besides the app and platform.
    type Parameters: DeserializeOwned + JsonSchema + Send;
    /// What it gives.
    type Answer: Serialize + JsonSchema + Send + 'static;

    /// Does the work.
    fn answer(&self, asked: Asked<Self::Parameters>) -> impl Future<Output = Result<Self::Answer, Error>> + Send;
}

/// A permitted question.
pub struct Asked<P> {
    /// The app and platform it is about.
    pub target: Target,
    /// The rest of the parameters.
    pub parameters: P,
    /// Unix time in milliseconds at which it came.
    pub now: i64,
    /// The tables, asked in the name of the caller.
    pub store: Store,
}

/// `PATH` and `TAIL` of an [`Operation`] by its name.
#[macro_export]
macro_rules! paths {
    ($name:literal) => {
        const PATH: &'static str = concat!("/uniform/openapi/", $name);
        const TAIL: &'static str = concat!("/uniform/openapi/", $name, "/{*tail}");
    };
}

/// An operation behind the gate, at its plain path.
pub struct Plain<O>(pub Arc<Signed<O>>);

/// The same, with key/value pairs after its path.
pub struct Tailed<O>(pub Arc<Signed<O>>);

/// An operation and who may use it.
pub struct Signed<O> {
    pub gate: Gate,
    pub store: Store,
    pub operation: O,
}

/// The request of an operation that takes `P`, not yet read: who asks is settled first.
pub struct Unread<P>(Request, PhantomData<fn() -> P>);

/// The body as the OpenAPI document describes it.
#[derive(JsonSchema)]
#[schemars(rename = "Body_{P}")]
#[allow(dead_code)]
struct Body<P> {
    #[serde(flatten)]
    target: TargetParameters,
    #[serde(flatten)]
    parameters: P,
}

/// An answer in its envelope, ready to be written.
pub struct Reply<T>(Response, PhantomData<fn() -> T>);

/// A refusal, ready to be written.
pub struct Refusal(Response);

impl<P: JsonSchema> http::Input for Unread<P> {
    fn from_request(request: Request) -> Result<Self, Response> {
        Ok(Self(request, PhantomData))
    }

    fn schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<Body<P>>())
    }

    fn query() -> &'static [(&'static str, &'static str)] {
        &[
            ("localUserId", "id of the user"),
            ("t", "Unix time in seconds, signed"),
            ("userSecret", "Base64 of the lower-case hex of HMAC-SHA256 by the user's key over localUserId, an underscore and t"),
        ]
    }
}

impl<T: Serialize + JsonSchema> http::Output for Reply<T> {
    fn into_response(self) -> Response {
        self.0
    }

    fn schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<T>())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.0
    }
}

type Enveloped<O> = <<O as Operation>::Envelope as Envelope>::Of<<O as Operation>::Answer>;

macro_rules! endpoint {
    ($name:ident, $path:ident) => {
        impl<O: Operation> Endpoint for $name<O> {
            const METHODS: &'static [Method] = O::METHODS;
            const PATH: &'static str = O::$path;
            const SUMMARY: &'static str = O::SUMMARY;
            const TAG: &'static str = "openapi";
            const BODY_LIMIT: usize = LONGEST_BODY;
            type Input = Unread<O::Parameters>;
            type Output = Reply<Enveloped<O>>;
            type Error = Refusal;

            async fn call(&self, input: Self::Input) -> Result<Self::Output, Refusal> {
                self.0.call(input.0).await
            }
        }
    };
}

endpoint!(Plain, PATH);
endpoint!(Tailed, TAIL);

impl<O: Operation> Signed<O> {
    async fn call(&self, request: Request) -> Result<Reply<Enveloped<O>>, Refusal> {
        let mut identity = Identity { trace: trace(&request), request: None };
        let answered = match self.answer(&request, &mut identity).await {
            Ok(answer) => {
                let envelope = O::Envelope::success(answer, &identity);
                aside(move || http::json(StatusCode::OK, &envelope)).await
            }
            Err(error) => Err(error),
        };
        match answered {
            Ok(response) => Ok(Reply(traced(response, &identity.trace), PhantomData)),
            Err(error) => Err(Refusal(traced(refuse::<O::Envelope>(&error, &request.path, &identity), &identity.trace))),
        }
    }

    async fn answer(&self, request: &Request, identity: &mut Identity) -> Result<O::Answer, Error> {
        let now = Utc::now().timestamp_millis();
        let caller = self.gate.user(request, now)?;
        let parameters = Parameters::gather(request, O::PATH)?;
        identity.request = parameters.text("requestid").map(str::to_owned);
        let target = parameters.target()?;
        self.gate.permit(&caller, &target.app)?;
        self.operation.answer(Asked { target, parameters: parameters.read()?, now, store: self.store.of(&caller.id) }).await
    }
}

/// Runs what takes long for its size on a thread of its own: here others wait.
///
/// # Errors
/// It broke off.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    Ok(tokio::task::spawn_blocking(work).await.map_err(|_| store::Error::Unreadable)?)
}

fn refuse<E: Envelope>(error: &Error, path: &str, identity: &Identity) -> Response {
    let business = |code, error_code| {
        let problem = Problem { code, error_code, message: error.to_string() };
        http::json(StatusCode::OK, &E::failure(&problem, identity))
    };
    match error {
        Error::Rejected(rejection) => match rejection {
            Rejection::AuthenticationFailed | Rejection::TokenEmpty | Rejection::TokenInvalid => {
                denied(StatusCode::UNAUTHORIZED, "AuthenticationFailed", identity)
            }
            Rejection::Forbidden => denied(StatusCode::FORBIDDEN, "Forbidden", identity),
            Rejection::TooManyRequests(wait) => {
                let mut response = denied(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", identity);
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.seconds()));
                response
            }
            Rejection::Unreadable(_) => http::Problem::new(StatusCode::BAD_REQUEST, path, &error.to_string()).into_response(),
            Rejection::InvalidParameter { .. } | Rejection::TooLarge => business(400, "InvalidParams"),
            Rejection::NotFound(_) => business(404, "NotFound"),
            Rejection::NoReleaseKey => business(409, "Conflict"),
        },
        Error::Store(store::Error::Busy) => http::busy(path, "the tables are busy", BUSY_FOR),
        Error::Store(_) | Error::Log(_) | Error::Record(_) | Error::Serve(_) => {
            // What follows the operation's name in a path is the caller's.
            let operation = path.split('/').nth(3).unwrap_or_default();
            tracing::error!(%error, operation, trace = identity.trace, "cannot answer");
            http::Problem::new(StatusCode::INTERNAL_SERVER_ERROR, path, "the tables gave no answer").into_response()
        }
    }
}

/// Seconds after which to come again where no turn came in time.
const BUSY_FOR: u32 = 5;

/// The body of 401, 403 and 429 (REFERENCE 2.3).
fn denied(status: StatusCode, code: &str, identity: &Identity) -> Response {
    let number = status.as_u16();
    let ret = serde_json::json!({"code": number, "message": code, "errorCode": code, "traceId": identity.trace});
    http::json(status, &serde_json::json!({"status": number, "ret": ret}))
}

const TRACE_HEADER: &str = "x-gateway-requestid";

/// The caller's request id where it is short and plain, else one of ours.
fn trace(request: &Request) -> String {
    match request.header(TRACE_HEADER) {
        Some(id) if !id.is_empty() && id.len() <= 128 => id.to_owned(),
        // Every hasher of the standard library has keys of its own.
        _ => format!("{:016x}{:016x}", RandomState::new().hash_one(0), RandomState::new().hash_one(1)),
    }
}

fn traced(mut response: Response, trace: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(trace) {
        response.headers_mut().insert(TRACE_HEADER, value);
    }
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::envelope::{A, C};
    use crate::error::invalid;
    use serde_json::Value;
    use service::throttle::RetryAfter;
    use std::time::Duration;

    fn refused<E: Envelope>(error: Error) -> (u16, Value, Response) {
        let identity = Identity { trace: "t1".to_owned(), request: None };
        let response = refuse::<E>(&error, "/uniform/openapi/x", &identity);
        (response.status().as_u16(), serde_json::from_slice(response.body().bytes()).unwrap(), response)
    }

    #[test]
    fn the_gate_answers_by_status() {
        for (rejection, status, code) in [
            (Rejection::AuthenticationFailed, 401, "AuthenticationFailed"),
            (Rejection::Forbidden, 403, "Forbidden"),
            (Rejection::TooManyRequests(RetryAfter(Duration::from_millis(1_500))), 429, "TooManyRequests"),
        ] {
            let (found, body, response) = refused::<A>(rejection.into());
            assert_eq!(
                (found, body["ret"]["errorCode"].as_str(), body["ret"]["code"].as_u64()),
                (status, Some(code), Some(u64::from(status)))
            );
            let wait = response.headers().get("retry-after").map(|value| value.to_str().unwrap());
            assert_eq!(wait, (status == 429).then_some("2"));
        }
    }

    #[test]
    fn who_asks_too_much_at_once_is_told_to_come_again() {
        for (error, status) in [(store::Error::Crowded, 429), (store::Error::Busy, 503)] {
            let (found, _, response) = refused::<A>(error.into());
            assert!(found == status && response.headers().contains_key("retry-after"), "{found}");
        }
    }

    #[test]
    fn business_errors_are_in_the_envelope_and_the_rest_is_not() {
        let (status, body, _) = refused::<C>(invalid("日期", "missing"));
        assert_eq!((status, body["ret"].as_u64(), body["message"].as_str()), (200, Some(400), Some("日期: missing")));
        let (status, body, _) = refused::<A>(Rejection::NotFound("issue").into());
        assert_eq!((status, body["ret"]["code"].as_u64()), (200, Some(404)));
        let (status, body, _) = refused::<A>(Rejection::Unreadable("x".to_owned()).into());
        assert_eq!((status, body["path"].as_str()), (400, Some("/uniform/openapi/x")));
        let (status, body, _) = refused::<A>(store::Error::TimedOut.into());
        assert_eq!((status, body["message"].as_str()), (500, Some("the tables gave no answer")));
        let (status, body, _) = refused::<A>(store::Error::TooLarge.into());
        assert_eq!((status, body["ret"]["code"].as_u64()), (200, Some(400)));
    }
}
