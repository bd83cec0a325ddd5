//! `POST /v1/admin/releases`: a version that clients are told to install.

use crate::envelope::AppKey;
use crate::error::Error;
use crate::operation::{AdminAsked, AdminOperation, Writes};
use crate::param::NewRelease;
use crate::releases::Published;
use service::http::Method;

/// Publishes a release.
pub struct PublishRelease;

impl AdminOperation for PublishRelease {
    const PATH: &'static str = "/v1/admin/releases";
    const SUMMARY: &'static str = "Publish a release, or publish it again with other properties (Bearer)";
    const METHODS: &'static [Method] = &[Method::POST];
    const BODY_LIMIT: usize = 256 << 10;
    const APP_IS_KNOWN: bool = true;
    type Uses = Writes;
    type Envelope = AppKey;
    type Parameters = NewRelease;
    type Answer = Published;

    async fn answer(writes: &Writes, asked: AdminAsked<Self>) -> Result<Published, Error> {
        writes.journal.releases.publish(asked.parameters.0).await
    }
}
