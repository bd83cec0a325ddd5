//! `GET /v1/admin/releases`: what an app's clients may be told to install.

use crate::admin::{self, Documented};
use crate::app_key::{Refusal, Reply};
use crate::authenticate::Gate;
use crate::param::Text;
use crate::releases::{Published, Releases};
use serde::Deserialize;
use service::http::{Endpoint, Json, Method, Request, Response};

/// The list.
pub struct ReleaseList {
    pub gate: Gate,
    pub releases: Releases,
}

/// The request, not yet read.
pub struct Question(Request);

#[derive(Debug, Deserialize)]
struct Asked {
    app_id: Text,
}

impl service::http::Input for Question {
    fn from_request(request: Request) -> Result<Self, Response> {
        Ok(Self(request))
    }

    fn query() -> Documented {
        &[("app_id", "id of the app")]
    }
}

impl Endpoint for ReleaseList {
    const METHODS: &'static [Method] = &[Method::GET];
    const PATH: &'static str = "/v1/admin/releases";
    const SUMMARY: &'static str = "The releases of an app: platforms by name, versions newest first (Bearer)";
    const TAG: &'static str = "admin";
    const BODY_LIMIT: usize = crate::param::bounds::LONGEST_BODY;
    type Input = Question;
    type Output = Json<Reply<Vec<Published>>>;
    type Error = Refusal;

    async fn call(&self, Question(request): Question) -> Result<Json<Reply<Vec<Published>>>, Refusal> {
        let Asked { app_id } = admin::read(&self.gate, &request)?;
        self.gate.known(&app_id)?;
        Ok(Json(Reply::ok(self.releases.of_app(&app_id).await?)))
    }
}
