//! The parts that every endpoint of the edge shares.

use crate::config::Config;
use crate::dialect::Received;
use crate::disk::Disk;
use crate::off_worker::OffWorker;
use crate::origin::Origin;
use crate::outcomes::Outcomes;
use crate::publish::Publisher;
use crate::releases::Releases;
use crate::throttle::Throttles;
use crate::unseal::{Channels, Fresh};
use ipnet::IpNet;
use service::credentials::Keyring;
use service::kafka;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The state of a running edge.
pub(crate) struct Edge {
    pub(crate) keyring: Keyring,
    pub(crate) proxies: Vec<IpNet>,
    pub(crate) throttles: Throttles,
    pub(crate) channels: Channels,
    pub(crate) publisher: Publisher,
    pub(crate) releases: Releases,
    pub(crate) outcomes: Outcomes,
    pub(crate) off_worker: OffWorker,
    pub(crate) disk: Disk,
    /// Whether the log-message dialect answers HTTP 200 for errors too.
    pub(crate) always_200: bool,
    /// The time of the last sealed reply, Unix nanoseconds.
    sealed_at: AtomicU64,
}

impl Edge {
    pub(crate) fn new(config: &Config, kafka: &kafka::Config, keyring: Keyring) -> Result<Self, kafka::Error> {
        Ok(Self {
            proxies: config.trusted_proxies.clone(),
            throttles: Throttles::new(config),
            channels: Channels::new(config.device_nonces),
            publisher: Publisher::new(kafka, config.publish.clone())?,
            releases: Releases::follow(kafka, &keyring)?,
            keyring,
            outcomes: Outcomes::new(),
            off_worker: OffWorker::new(&config.long_bodies),
            disk: Disk::new(&config.disk),
            always_200: config.always_200,
            sealed_at: AtomicU64::new(0),
        })
    }

    /// What the server knows of a request. The clock is read and random numbers are drawn here, and nowhere deeper.
    pub(crate) fn receive(&self, app_id: &str, origin: &Origin) -> Received {
        Received {
            app_id: app_id.to_owned(),
            received_at: i64::try_from(since_1970().as_millis()).unwrap_or(i64::MAX),
            client_ip: origin.address.to_string(),
            user_agent: origin.user_agent.clone(),
            locale: origin.locale.clone(),
            nonce: rand::random(),
            sealed_as: String::new(),
        }
    }

    /// What a reply is sealed with: a random nonce, and a time that no other reply of this process has.
    pub(crate) fn fresh(&self) -> Fresh {
        let now = u64::try_from(since_1970().as_nanos()).unwrap_or(u64::MAX);
        let next = |last: u64| now.max(last.saturating_add(1));
        let last = self.sealed_at.fetch_update(Relaxed, Relaxed, |last| Some(next(last))).unwrap_or_else(|last| last);
        Fresh { nonce: rand::random(), nanoseconds: next(last) }
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
