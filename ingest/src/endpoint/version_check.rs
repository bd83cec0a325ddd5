//! `POST /api/v1/version/check`: dialect 2, whether there is something newer to install. Counts against no limit.

use super::app_key_reply::{Refusal, answered};
use crate::off_worker::aside;
use crate::authenticate::by_body;
use crate::dialect::version_check;
use crate::edge::Edge;
use crate::rejection::Rejection;
use crate::releases::Advice;
use service::http::{Endpoint, IntoResponse, Method, Request, Response};
use service::telemetry;
use std::sync::Arc;

/// A question is a few short texts.
const QUESTION_LIMIT: usize = 64 << 10;

/// Answers out of memory.
pub(crate) struct VersionCheck(pub(crate) Arc<Edge>);

impl Endpoint for VersionCheck {
    const METHODS: &'static [Method] = &[Method::POST];
    const PATH: &'static str = "/api/v1/version/check";
    const SUMMARY: &'static str = "Ask for a newer release (dialect 2)";
    const TAG: &'static str = "app key";
    const BODY_LIMIT: usize = QUESTION_LIMIT;
    type Input = Request;
    type Output = Response;
    type Error = Refusal;

    fn too_large(&self, _: &str) -> Response {
        let rejection = Rejection::TooLarge(format!("the body is larger than {QUESTION_LIMIT} bytes"));
        count(rejection.code());
        Refusal(rejection).into_response()
    }

    async fn call(&self, request: Request) -> Result<Response, Refusal> {
        let advice = aside(&request, || self.advise(&request)).await;
        match &advice {
            Ok(advice) => count(if advice.has_update { "update" } else { "current" }),
            Err(rejection) => count(rejection.code()),
        }
        let advice = advice.map_err(Refusal)?;
        let message = if advice.has_update { "发现新版本" } else { "已是最新版本" };
        Ok(answered(message, &advice))
    }
}

impl VersionCheck {
    fn advise(&self, request: &Request) -> Result<Advice, Rejection> {
        let credentials = self.0.keyring.current();
        let caller = by_body(&credentials, request)?;
        caller.may_send(&request.headers, false)?;
        self.0.releases.advise(&caller.app.id, version_check::parse(&request.body)?)
    }
}

fn count(outcome: &str) {
    let help = "Questions for a newer release by outcome: update, current, or the reason of a refusal.";
    telemetry::counter("aftershock_version_checks_total", help, &[("outcome", outcome)]).inc();
}
