//! The parts that every endpoint of the edge shares.

use crate::authenticate::Caller;
use crate::config::Config;
use crate::dialect::Received;
use crate::origin::Origin;
use crate::publish::Publisher;
use crate::tally::Tally;
use crate::throttle::Throttles;
use ipnet::IpNet;
use service::credentials::Keyring;
use service::kafka;
use std::time::{SystemTime, UNIX_EPOCH};

/// The edge at work.
pub(crate) struct Edge {
    pub(crate) keyring: Keyring,
    pub(crate) proxies: Vec<IpNet>,
    pub(crate) throttles: Throttles,
    pub(crate) publisher: Publisher,
    pub(crate) tally: Tally,
    /// Whether dialect 1 answers HTTP 200 for errors too.
    pub(crate) always_200: bool,
}

impl Edge {
    pub(crate) fn new(config: &Config, kafka: &kafka::Config, keyring: Keyring) -> Result<Self, kafka::Error> {
        Ok(Self {
            keyring,
            proxies: config.trusted_proxies.clone(),
            throttles: Throttles::new(config),
            publisher: Publisher::new(kafka, config.publish.clone())?,
            tally: Tally::new(),
            always_200: config.always_200,
        })
    }

    /// What the server knows of a request: here, and nowhere deeper, the clock is read and chance has a say.
    pub(crate) fn receive(&self, caller: Caller, origin: &Origin) -> Received {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Received {
            app_id: caller.app_id,
            received_at: i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX),
            client_ip: origin.address.to_string(),
            user_agent: origin.user_agent.clone(),
            locale: origin.locale.clone(),
            nonce: rand::random(),
        }
    }
}
