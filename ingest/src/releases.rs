//! The releases as this edge knows them: the compacted topic in memory. Only those count that the credentials' release key vouches for:
//! who can write to the log cannot have software installed.

use crate::metrics;
use crate::rejection::Rejection;
use crate::update::{self, UpdateRequest};
use schemas::catalogue::Catalogue;
use schemas::record::{Record, Release};
use serde::Serialize;
use service::credentials::Keyring;
use service::kafka::{self, Mirror};
use std::time::Duration;

/// When a client may ask again while the topic has not been read yet.
const RETRY_WHILE_READING: Duration = Duration::from_secs(2);

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Releases(Mirror<Catalogue>);

/// What a client is told. Texts are empty, never absent, where there is no update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct UpdateReply {
    pub(crate) has_update: bool,
    /// As sent.
    pub(crate) current_version: String,
    /// As published; the current one where there is no update.
    pub(crate) latest_version: String,
    pub(crate) download_url: String,
    pub(crate) release_notes: String,
    pub(crate) force_update: bool,
}

impl Releases {
    /// Begins to read.
    pub(crate) fn follow(kafka: &kafka::Config, keyring: &Keyring) -> Result<Self, kafka::Error> {
        let refused = metrics::RELEASES_REFUSED.get();
        let keyring = keyring.clone();
        let fold = move |catalogue: &mut Catalogue, _: &[u8], payload: &[u8]| {
            let before = catalogue.refused();
            let taken = catalogue.take(payload, |release| keyring.current().vouches_for(&release.covered(), &release.mac));
            if catalogue.refused() > before {
                refused.inc();
                // Once each time that the topic is read.
                if before == 0 {
                    tracing::warn!("a release in the log has no valid MAC and is offered to nobody");
                }
            }
            taken
        };
        Ok(Self(Mirror::open(kafka, "aftershock-ingest-releases", Release::TOPIC, fold)?))
    }

    /// Whether every release is known.
    pub(crate) fn are_known(&self) -> bool {
        self.0.is_whole()
    }

    /// Waits until they are.
    pub(crate) async fn known(&self, timeout: Duration) -> Result<(), kafka::Error> {
        self.0.whole(timeout).await
    }

    /// What the client is told.
    pub(crate) fn check(&self, app_id: &str, request: UpdateRequest) -> Result<UpdateReply, Rejection> {
        let reply = self.0.read(|catalogue| reply(catalogue, app_id, request));
        reply.ok_or(Rejection::LogUnavailable { retry_after: RETRY_WHILE_READING })
    }
}

pub(crate) fn reply(catalogue: &Catalogue, app_id: &str, request: UpdateRequest) -> UpdateReply {
    match update::find(catalogue, app_id, &request) {
        Some(update) => UpdateReply {
            has_update: true,
            current_version: request.current_version,
            latest_version: update.release.version.clone(),
            download_url: update.release.download_url.clone(),
            release_notes: update.release.release_notes.clone(),
            force_update: update.force_update,
        },
        None => UpdateReply {
            has_update: false,
            latest_version: request.current_version.clone(),
            current_version: request.current_version,
            download_url: String::new(),
            release_notes: String::new(),
            force_update: false,
        },
    }
}
