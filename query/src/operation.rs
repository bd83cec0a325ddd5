//! What an operation is: its name, what it takes and gives, and one function. [`signed`] and [`bearer`] do the rest for all of them: authenticate,
//! throttle, read the parameters, permit, answer, put into the envelope.

pub mod bearer;
mod reads;
mod reply;
pub mod signed;

pub use reads::{Reads, Uses, Writes};
pub use reply::off_worker;

use crate::authenticate::Operator;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::param::bounds::LONGEST_BODY;
use crate::param::{Parameters, Target};
use schemars::JsonSchema;
use serde::Serialize;
use service::http::Method;

/// One operation of the OpenAPI, about an app on a platform.
pub trait Operation: Sized + Send + Sync + 'static {
    /// Its name: the path is `/uniform/openapi/NAME`.
    const NAME: &'static str;
    /// One line for the OpenAPI document.
    const SUMMARY: &'static str;
    /// The methods it answers.
    const METHODS: &'static [Method] = &[Method::POST, Method::GET];
    /// What it may use: [`Reads`], or [`Writes`] where it changes something.
    type Uses: Uses;
    /// The shape of its answers.
    type Envelope: Envelope;
    /// What it takes besides the app and platform.
    type Parameters: Parameters;
    /// What it gives.
    type Answer: Serialize + JsonSchema + Send + 'static;

    /// Does the work.
    fn answer(uses: &Self::Uses, asked: Asked<Self>) -> impl Future<Output = Result<Self::Answer, Error>> + Send;
}

/// A permitted request of an OpenAPI operation.
pub struct Asked<O: Operation> {
    /// The app and platform it is about.
    pub target: Target,
    /// The rest of the parameters.
    pub parameters: O::Parameters,
    /// Unix time in milliseconds at which it came.
    pub now: i64,
}

/// One operation for administrators, who send a token.
pub trait AdminOperation: Sized + Send + Sync + 'static {
    /// The path it is mounted at.
    const PATH: &'static str;
    /// One line for the OpenAPI document.
    const SUMMARY: &'static str;
    /// The method it answers. `GET` and `DELETE` take their parameters from the address alone.
    const METHODS: &'static [Method] = &[Method::GET];
    /// Largest body in bytes.
    const BODY_LIMIT: usize = LONGEST_BODY;
    /// Whether the app that it is about must be one of the credentials.
    const APP_IS_KNOWN: bool = false;
    /// What it may use: [`Reads`], or [`Writes`] where it changes something or asks the log.
    type Uses: Uses;
    /// The shape of its answers.
    type Envelope: Envelope;
    /// What it takes.
    type Parameters: Parameters;
    /// What it gives.
    type Answer: Serialize + JsonSchema + Send + 'static;

    /// Does the work.
    fn answer(uses: &Self::Uses, asked: AdminAsked<Self>) -> impl Future<Output = Result<Self::Answer, Error>> + Send;
}

/// A permitted request of an administrator.
pub struct AdminAsked<O: AdminOperation> {
    /// Who asks.
    pub operator: Operator,
    /// The parameters.
    pub parameters: O::Parameters,
    /// Unix time in milliseconds at which it came.
    pub now: i64,
}
