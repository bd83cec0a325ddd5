//! The way of an administrator's request: token, parameters, permission for the app, answer, envelope.

use super::reply::{Answered, Refused, reply};
use super::{AdminAsked, AdminOperation, Uses, Writes};
use crate::authenticate::{Gate, Operator};
use crate::envelope::{Envelope, Identity};
use crate::error::{Error, Rejection};
use crate::param::{Context, Parameters, RequestParameters, schema};
use chrono::Utc;
use schemars::{Schema, SchemaGenerator};
use service::http::{self, Endpoint, Failure, Method, Request, Response};
use std::marker::PhantomData;

/// The names of the app that a request is about, of which an administrator may see some only.
const APP: [&str; 2] = ["appId", "app_id"];

/// An operation for administrators that the gate lets through.
pub struct Bearer<O> {
    gate: Gate,
    writes: Writes,
    operation: PhantomData<fn() -> O>,
}

/// The request of an administrator, not yet read: the caller is authenticated first.
pub struct AdminRequest<P>(Request, PhantomData<fn() -> P>);

impl<P: Parameters> http::Input for AdminRequest<P> {
    fn from_request(request: Request) -> Result<Self, Response> {
        Ok(Self(request, PhantomData))
    }

    fn schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        schema::<P>(generator)
    }
}

impl<O: AdminOperation> Bearer<O> {
    /// The operation, for administrators that `gate` lets through.
    #[must_use]
    pub fn new(gate: &Gate, writes: &Writes) -> Self {
        Self { gate: gate.clone(), writes: writes.clone(), operation: PhantomData }
    }

    async fn answer(&self, request: Request) -> Result<O::Answer, Error> {
        let operator = self.gate.admin(&request)?;
        let request = if O::METHODS.contains(&Method::POST) { request } else { Request { body: Default::default(), ..request } };
        let given = RequestParameters::gather(&request, O::PATH)?;
        let apps = permitted(&operator, &given)?;
        let now = Utc::now().timestamp_millis();
        let parameters = O::Parameters::read(&given, &Context { settings: &self.writes.reads.settings, now })?;
        if O::APP_IS_KNOWN {
            let named = if apps.is_empty() { vec![String::new()] } else { apps };
            named.iter().try_for_each(|app| self.gate.known(app))?;
        }
        O::answer(&O::Uses::of(&self.writes, &operator.id), AdminAsked { operator, parameters, now }).await
    }
}

/// The apps that a request names, by either name: the administrator may see each.
fn permitted(operator: &Operator, given: &RequestParameters) -> Result<Vec<String>, Rejection> {
    let named = APP.iter().filter_map(|name| given.text(name));
    named.map(|app| operator.permit(&app).map(|()| app)).collect()
}

impl<O: AdminOperation> Endpoint for Bearer<O> {
    const METHODS: &'static [Method] = O::METHODS;
    const PATH: &'static str = O::PATH;
    const SUMMARY: &'static str = O::SUMMARY;
    const TAG: &'static str = "admin";
    const BODY_LIMIT: usize = O::BODY_LIMIT;
    type Input = AdminRequest<O::Parameters>;
    type Output = Answered<<O::Envelope as Envelope>::Of<O::Answer>>;
    type Error = Refused;

    fn failures(generator: &mut SchemaGenerator) -> Vec<Failure> {
        O::Envelope::failures(generator)
    }

    async fn call(&self, AdminRequest(request, _): Self::Input) -> Result<Self::Output, Refused> {
        let identity = Identity { path: request.path.clone(), ..Identity::default() };
        reply::<O::Envelope, _>(self.answer(request).await, &identity).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::param::tests::given;

    /// An id that was written as a number was not recognised as an app, and no permission was asked for.
    #[test]
    fn an_app_is_permitted_however_it_is_spelled() {
        let operator = Operator { id: "admin 1".to_owned(), apps: Some(vec!["7".to_owned()]) };
        for body in [r#"{"appId":7}"#, r#"{"appId":" 7 "}"#, r#"{"app_id":"7"}"#] {
            assert_eq!(permitted(&operator, &given(body)), Ok(vec!["7".to_owned()]), "{body}");
        }
        for body in [r#"{"appId":8}"#, r#"{"appId":"8"}"#, r#"{"app_id":8}"#, r#"{"appId":7,"app_id":8}"#] {
            assert_eq!(permitted(&operator, &given(body)), Err(Rejection::Forbidden), "{body}");
        }
        assert_eq!(permitted(&operator, &given("{}")), Ok(Vec::new()));
        let both = given(r#"{"appId": "7", "app_id": 7}"#);
        assert_eq!(permitted(&operator, &both), Ok(vec!["7".to_owned(); 2]), "each name is looked at");
    }
}
