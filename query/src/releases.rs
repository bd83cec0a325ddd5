//! The releases as this service knows them, and the way to publish one: into the log, and back out of it before the reply.

use crate::error::{Error, Rejection, invalid};
use crate::param::ReleaseKey;
use schemars::JsonSchema;
use schemas::catalogue::{Catalogue, MOST_BYTES};
use schemas::record::{self, Record, Release};
use schemas::version::Version;
use serde::Serialize;
use service::credentials::Keyring;
use service::kafka::{self, Mirror, Producer, ProducerOptions};
use std::time::Duration;

/// How long the log may take to acknowledge, and how long our own reader may take to see it then.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The releases of all apps, as the log has them; cheap to clone.
#[derive(Clone)]
pub struct Releases {
    producer: Producer,
    mirror: Mirror<Catalogue>,
    /// It has the key that signs them.
    keyring: Keyring,
}

/// A release as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "release.Release")]
pub struct Published {
    pub app_id: String,
    /// Platform, in lower case.
    pub platform: String,
    /// Version, spelled as it was published.
    pub version: String,
    pub download_url: String,
    pub release_notes: String,
    pub force_update: bool,
    /// Share of the devices it is offered to, 0 to 100.
    pub rollout_percent: i32,
    /// Time of the publication, Unix milliseconds.
    pub published_at: i64,
}

impl Releases {
    /// Begins to read; connects in the background.
    ///
    /// # Errors
    /// A property that the log's client does not take.
    pub fn new(kafka: &kafka::Config, keyring: &Keyring) -> Result<Self, kafka::Error> {
        let options =
            ProducerOptions { client_id: "aftershock-query-releases".to_owned(), delivery_timeout: TIMEOUT, ..ProducerOptions::default() };
        let held = keyring.clone();
        let fold = move |catalogue: &mut Catalogue, _: &[u8], payload: &[u8]| {
            catalogue.take(payload, |release| held.current().vouches_for(&release.covered(), &release.mac))
        };
        Ok(Self {
            producer: Producer::new(kafka, options)?,
            mirror: Mirror::open(kafka, "aftershock-query-releases", Release::TOPIC, fold)?,
            keyring: keyring.clone(),
        })
    }

    /// An app's releases: platforms by name, versions newest first.
    ///
    /// # Errors
    /// The topic has not been read yet.
    pub async fn of_app(&self, app_id: &str) -> Result<Vec<Published>, Error> {
        self.look(|catalogue| catalogue.of_app(app_id).map(Published::of).collect()).await
    }

    /// Puts a release in the log, in the place of one of the same version; every later look here sees it.
    ///
    /// # Errors
    /// There is no key to sign it with, or no room for it; the log does not acknowledge.
    pub async fn publish(&self, release: Release) -> Result<Published, Error> {
        if !self.look(|catalogue| catalogue.has_room(&release)).await? {
            return Err(invalid("release_notes", format!("no room: withdraw old releases, {MOST_BYTES} bytes is all that is kept")));
        }
        let release = self.put(release).await?;
        Ok(Published::of(&release))
    }

    /// Withdraws a release; gives what it was.
    ///
    /// # Errors
    /// There is no such release; the log does not acknowledge.
    pub async fn withdraw(&self, key: &ReleaseKey, now: i64) -> Result<Published, Error> {
        let release = self.look(|catalogue| catalogue.find(&key.app_id, &key.platform, &key.version).cloned()).await?;
        let release = release.ok_or(Rejection::NotFound("release"))?;
        let published = Published::of(&release);
        self.put(release.end(now)).await?;
        Ok(published)
    }

    /// Right after the start it waits until there is something to look at.
    async fn look<R>(&self, look: impl FnOnce(&Catalogue) -> R) -> Result<R, Error> {
        self.mirror.whole(TIMEOUT).await?;
        let seen = self.mirror.read(look);
        seen.ok_or(Error::Log(kafka::Error::TimedOut { operation: "read the releases" }))
    }

    /// Signs a release and appends it; gives what the log has then.
    async fn put(&self, release: Release) -> Result<Release, Error> {
        let release = self.signed(release).await?;
        let payload = record::encode(&release)?;
        let noted = self.mirror.progress();
        let position = self.producer.send(Release::TOPIC, &release.key(), &payload)?.await?;
        self.mirror.passed(&noted, position, TIMEOUT).await?;
        Ok(release)
    }

    /// The newest record of a release counts, by the time in it: it is later than any before, whatever the clocks say.
    async fn signed(&self, release: Release) -> Result<Release, Error> {
        let version = Version::parse(&release.version).map_err(|error| invalid("version", error.to_string()))?;
        let before = self.look(|catalogue| catalogue.published_at(&release.app_id, &release.platform, &version)).await?;
        let published_at = before.map_or(release.published_at, |before| release.published_at.max(before.saturating_add(1)));
        let release = Release { published_at, ..release };
        let mac = self.keyring.current().release_mac(&release.covered()).ok_or(Rejection::NoReleaseKey)?;
        Ok(Release { mac, ..release })
    }
}

impl Published {
    fn of(release: &Release) -> Self {
        Self {
            app_id: release.app_id.clone(),
            platform: release.platform.clone(),
            version: release.version.clone(),
            download_url: release.download_url.clone(),
            release_notes: release.release_notes.clone(),
            force_update: release.force_update,
            rollout_percent: release.rollout_percent,
            published_at: release.published_at,
        }
    }
}
