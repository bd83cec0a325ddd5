//! `DELETE /v1/admin/releases`: a release that is offered to nobody any more.

use super::release_publish::{platform, version};
use crate::admin::{self, Documented};
use crate::app_key::{Refusal, Reply};
use crate::authenticate::Gate;
use crate::param::Text;
use crate::releases::{Published, Releases};
use chrono::Utc;
use serde::Deserialize;
use service::http::{Endpoint, Json, Method, Request, Response};

/// Withdraws.
pub struct ReleaseWithdraw {
    pub gate: Gate,
    pub releases: Releases,
}

/// The request, not yet read.
pub struct Wish(Request);

#[derive(Debug, Deserialize)]
struct Named {
    app_id: Text,
    platform: Text,
    version: Text,
}

impl service::http::Input for Wish {
    fn from_request(request: Request) -> Result<Self, Response> {
        Ok(Self(request))
    }

    fn query() -> Documented {
        &[("app_id", "id of the app"), ("platform", "in any case"), ("version", "however it is spelled: 1.0 is v1.0.0")]
    }
}

impl Endpoint for ReleaseWithdraw {
    const METHODS: &'static [Method] = &[Method::DELETE];
    const PATH: &'static str = "/v1/admin/releases";
    const SUMMARY: &'static str = "Withdraw a release; answers with what it was (Bearer)";
    const TAG: &'static str = "admin";
    const BODY_LIMIT: usize = crate::param::bounds::LONGEST_BODY;
    type Input = Wish;
    type Output = Json<Reply<Published>>;
    type Error = Refusal;

    async fn call(&self, Wish(request): Wish) -> Result<Json<Reply<Published>>, Refusal> {
        let named: Named = admin::read(&self.gate, &request)?;
        let (version, platform) = (version(&named.version)?, platform(&named.platform)?);
        self.gate.known(&named.app_id)?;
        let withdrawn = self.releases.withdraw((&named.app_id, &platform), &version, Utc::now().timestamp_millis());
        Ok(Json(Reply::ok(withdrawn.await?)))
    }
}
