//! The releases as this edge knows them: the compacted topic in memory. Only those count that the credentials' release key vouches for:
//! who can write to the log cannot have software installed.

use crate::update::{self, Question};
use crate::rejection::Rejection;
use schemas::catalogue::Catalogue;
use schemas::record::{Record, Release};
use serde::Serialize;
use service::credentials::Keyring;
use service::kafka::{self, Mirror};
use service::telemetry;
use std::time::Duration;

/// When to ask again while the topic has not been read yet.
const AFTER_READING: Duration = Duration::from_secs(2);

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Releases(Mirror<Catalogue>);

/// What a caller is told. Texts are empty, never absent, where there is no update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Advice {
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
        const NAME: &str = "aftershock_releases_refused_total";
        let refused = telemetry::counter(NAME, "Records of releases without a valid MAC, each time that the topic is read.", &[]);
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
    pub(crate) async fn known(&self, patience: Duration) -> Result<(), kafka::Error> {
        self.0.whole(patience).await
    }

    /// What the caller is told.
    pub(crate) fn advise(&self, app_id: &str, question: Question) -> Result<Advice, Rejection> {
        let advice = self.0.read(|catalogue| advice(catalogue, app_id, question));
        advice.ok_or(Rejection::LogUnavailable { retry_after: AFTER_READING })
    }
}

/// The answer in the caller's words.
pub(crate) fn advice(catalogue: &Catalogue, app_id: &str, question: Question) -> Advice {
    match update::offer(catalogue, app_id, &question) {
        Some(offer) => Advice {
            has_update: true,
            current_version: question.current_version,
            latest_version: offer.release.version.clone(),
            download_url: offer.release.download_url.clone(),
            release_notes: offer.release.release_notes.clone(),
            force_update: offer.force_update,
        },
        None => Advice {
            has_update: false,
            latest_version: question.current_version.clone(),
            current_version: question.current_version,
            download_url: String::new(),
            release_notes: String::new(),
            force_update: false,
        },
    }
}
