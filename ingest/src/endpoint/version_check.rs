//! `POST /api/v1/version/check`, app-key dialect: whether there is a newer release to install. Counts against no limit.

use super::app_key_reply::{answered, refused};
use crate::authenticate::Caller;
use crate::dialect::{Received, version_check};
use crate::edge::Edge;
use crate::item::Kind;
use crate::metrics;
use crate::off_worker::SHORT_BODY;
use crate::origin::Origin;
use crate::rejection::Rejection;
use crate::releases::UpdateReply;
use service::http::{Endpoint, Method, Request, Response};
use std::cell::OnceCell;
use std::sync::Arc;

/// A request is a few short texts.
const REQUEST_LIMIT: usize = 64 << 10;

/// Answers out of memory.
pub(super) struct VersionCheck(pub(super) Arc<Edge>);

impl Endpoint for VersionCheck {
    const METHODS: &'static [Method] = &[Method::POST];
    const PATH: &'static str = "/api/v1/version/check";
    const SUMMARY: &'static str = "Ask for a newer release (app-key dialect)";
    const TAG: &'static str = "app-key";
    const BODY_LIMIT: usize = REQUEST_LIMIT;
    type Input = Request;
    type Output = Response;
    type Error = Response;

    fn too_large(&self, _: &str) -> Response {
        let rejection = Rejection::TooLarge(format!("the body is larger than {REQUEST_LIMIT} bytes"));
        count(rejection.code());
        refused(&rejection)
    }

    async fn call(&self, request: Request) -> Result<Response, Response> {
        match self.check(&request).await {
            Ok(reply) if reply.has_update => {
                count("update");
                Ok(answered("发现新版本", &reply))
            }
            Ok(reply) => {
                count("current");
                Ok(answered("已是最新版本", &reply))
            }
            Err(rejection) => {
                count(rejection.code());
                Err(refused(&rejection))
            }
        }
    }
}

impl VersionCheck {
    async fn check(&self, request: &Request) -> Result<UpdateReply, Rejection> {
        if request.body.len() <= SHORT_BODY {
            return self.answer(request);
        }
        let network = Origin::of(request, &self.0.proxies).network();
        self.0.off_worker.run(network, request.body.len(), || self.answer(request)).await?
    }

    fn answer(&self, request: &Request) -> Result<UpdateReply, Rejection> {
        let credentials = self.0.keyring.current();
        let app = OnceCell::new();
        let asked = version_check::parse(&request.body, &|key| {
            let caller = Caller::of(credentials.app_by_key(key))?;
            caller.may_send(&request.headers, Kind::Connection)?;
            app.get_or_init(|| caller.app.id.as_str());
            Ok(Received::default())
        })?;
        self.0.releases.check(app.get().copied().unwrap_or_default(), asked)
    }
}

fn count(outcome: &str) {
    metrics::VERSION_CHECKS.with([outcome]).inc();
}
