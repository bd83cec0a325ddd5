//! `DELETE /v1/admin/releases`: a release that is not offered any more.

use crate::envelope::AppKey;
use crate::error::Error;
use crate::operation::{AdminAsked, AdminOperation, Writes};
use crate::param::ReleaseKey;
use crate::releases::Published;
use service::http::Method;

/// Withdraws a release.
pub struct WithdrawRelease;

impl AdminOperation for WithdrawRelease {
    const PATH: &'static str = "/v1/admin/releases";
    const SUMMARY: &'static str = "Withdraw a release; answers with what it was (Bearer)";
    const METHODS: &'static [Method] = &[Method::DELETE];
    const APP_IS_KNOWN: bool = true;
    type Uses = Writes;
    type Envelope = AppKey;
    type Parameters = ReleaseKey;
    type Answer = Published;

    async fn answer(writes: &Writes, asked: AdminAsked<Self>) -> Result<Published, Error> {
        writes.journal.releases.withdraw(&asked.parameters, asked.now).await
    }
}
