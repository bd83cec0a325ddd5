//! The way of an OpenAPI request: signature, throttle, parameters, permission, answer, envelope.

use super::reply::{Answered, Refused, reply};
use super::{Asked, Operation, Uses, Writes};
use crate::authenticate::Gate;
use crate::envelope::{Envelope, Identity};
use crate::error::Error;
use crate::param::bounds::LONGEST_BODY;
use crate::param::{Context, Parameters, RequestParameters, Target, schema};
use chrono::Utc;
use schemars::{Schema, SchemaGenerator};
use service::http::{self, Endpoint, Failure, HeaderValue, Method, Request, Response};
use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::marker::PhantomData;

/// The path that all operations of the OpenAPI begin with.
pub const PREFIX: &str = "/uniform/openapi/";
/// The header by which a request is known.
const TRACE_HEADER: &str = "x-gateway-requestid";
/// Longest id of a request that is taken over.
const LONGEST_TRACE: usize = 128;

/// An operation behind the gate: at its plain path, or, with `TAIL`, at the one that has key/value pairs after its name.
pub struct Signed<O, const TAIL: bool> {
    gate: Gate,
    writes: Writes,
    operation: PhantomData<fn() -> O>,
}

/// The request of an operation, not yet read: the caller is authenticated first.
pub struct SignedRequest<P>(Request, PhantomData<fn() -> P>);

impl<P: Parameters> http::Input for SignedRequest<P> {
    fn from_request(request: Request) -> Result<Self, Response> {
        Ok(Self(request, PhantomData))
    }

    fn schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        schema::<(Target, P)>(generator)
    }

    fn query() -> &'static [(&'static str, &'static str)] {
        &[
            ("localUserId", "Id of the user who asks"),
            ("t", "Unix time in seconds, which is signed"),
            ("userSecret", "Base64 of the lower-case hex of HMAC-SHA256 by the user's key over localUserId, an underscore and t"),
        ]
    }
}

impl<O: Operation, const TAIL: bool> Signed<O, TAIL> {
    /// The operation, for users that `gate` lets through.
    #[must_use]
    pub fn new(gate: &Gate, writes: &Writes) -> Self {
        Self { gate: gate.clone(), writes: writes.clone(), operation: PhantomData }
    }

    async fn answer(&self, request: &Request, identity: &mut Identity) -> Result<O::Answer, Error> {
        let now = Utc::now().timestamp_millis();
        let caller = self.gate.user(request, now)?;
        let given = RequestParameters::gather(request, &format!("{PREFIX}{}", O::NAME))?;
        identity.request = given.text("requestid");
        let context = Context { settings: &self.writes.reads.settings, now };
        let target = Target::read(&given, &context)?;
        self.gate.permit(&caller, &target.app)?;
        let parameters = O::Parameters::read(&given, &context)?;
        O::answer(&O::Uses::of(&self.writes, &caller.id), Asked { target, parameters, now }).await
    }
}

impl<O: Operation, const TAIL: bool> Endpoint for Signed<O, TAIL> {
    const METHODS: &'static [Method] = O::METHODS;
    const PATH: &'static str = O::NAME;
    const SUMMARY: &'static str = O::SUMMARY;
    const TAG: &'static str = "openapi";
    const BODY_LIMIT: usize = LONGEST_BODY;
    const DOCUMENTED: bool = !TAIL;
    type Input = SignedRequest<O::Parameters>;
    type Output = Answered<<O::Envelope as Envelope>::Of<O::Answer>>;
    type Error = Refused;

    fn path() -> Cow<'static, str> {
        let tail = if TAIL { "/{*tail}" } else { "" };
        format!("{PREFIX}{}{tail}", O::NAME).into()
    }

    fn failures(generator: &mut SchemaGenerator) -> Vec<Failure> {
        O::Envelope::failures(generator)
    }

    async fn call(&self, SignedRequest(request, _): Self::Input) -> Result<Self::Output, Refused> {
        let mut identity = Identity { trace: trace(&request), request: None, path: request.path.clone() };
        let result = self.answer(&request, &mut identity).await;
        let traced = |response| traced(response, &identity.trace);
        match reply::<O::Envelope, _>(result, &identity).await {
            Ok(answered) => Ok(answered.map(traced)),
            Err(refused) => Err(refused.map(traced)),
        }
    }
}

/// The caller's id of the request where it is short, else one of ours.
fn trace(request: &Request) -> String {
    match request.header(TRACE_HEADER) {
        Some(id) if !id.is_empty() && id.len() <= LONGEST_TRACE => id.to_owned(),
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
