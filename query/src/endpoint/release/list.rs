//! `GET /v1/admin/releases`: what an app's clients may be told to install.

use crate::envelope::AppKey;
use crate::error::Error;
use crate::operation::{AdminAsked, AdminOperation, Writes};
use crate::param::App;
use crate::releases::Published;

/// The list of releases.
pub struct ReleaseList;

impl AdminOperation for ReleaseList {
    const PATH: &'static str = "/v1/admin/releases";
    const SUMMARY: &'static str = "The releases of an app: platforms by name, versions newest first (Bearer)";
    const APP_IS_KNOWN: bool = true;
    type Uses = Writes;
    type Envelope = AppKey;
    type Parameters = App;
    type Answer = Vec<Published>;

    async fn answer(writes: &Writes, asked: AdminAsked<Self>) -> Result<Vec<Published>, Error> {
        writes.journal.releases.of_app(&asked.parameters.0).await
    }
}
