//! How much one sender may send: per device, else per address where the dialect says so, and per app.

use crate::accept::Item;
use crate::config::Config;
use crate::dialect::Items;
use crate::origin::Origin;
use crate::rejection::Rejection;
use service::throttle::{RetryAfter, Throttle};

/// What counts for a report that names no device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WithoutDevice {
    /// The client's address: dialects 1 and 2, sent by the clients themselves.
    Address,
    /// Nothing: dialect 3 is also spoken by servers that report for many users.
    Nothing,
}

/// The limits of all senders.
pub(crate) struct Throttles {
    senders: Throttle,
    apps: Throttle,
}

impl Throttles {
    pub(crate) fn new(config: &Config) -> Self {
        Self { senders: Throttle::per_minute(config.reports_per_minute), apps: Throttle::per_minute(config.app_reports_per_minute) }
    }

    /// Turns every record that is over a limit into its rejection.
    pub(crate) fn admit<R: Item>(&self, items: &mut Items<R>, origin: &Origin, without: WithoutDevice) {
        for item in items {
            if let Ok(record) = item
                && let Err(RetryAfter(retry_after)) = self.check(record, origin, without)
            {
                *item = Err(Rejection::TooManyRequests { retry_after });
            }
        }
    }

    /// The sender first: one that is over its limit must not use up its app's.
    fn check<R: Item>(&self, record: &R, origin: &Origin, without: WithoutDevice) -> Result<(), RetryAfter> {
        let (app, device) = record.sender();
        match (device, without) {
            ("", WithoutDevice::Address) => self.senders.check(&(R::TOPIC, origin.network()))?,
            ("", WithoutDevice::Nothing) => {}
            _ => self.senders.check(&(R::TOPIC, app, device))?,
        }
        self.apps.check(app)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use schemas::record::{Category, RawReport};

    fn origin(address: &str) -> Origin {
        Origin { address: address.parse().unwrap(), user_agent: String::new(), locale: String::new() }
    }

    fn admitted(throttles: &Throttles, devices: &[&str], address: &str, without: WithoutDevice) -> Vec<bool> {
        let report = |device: &&str| RawReport { device_id: (*device).to_owned(), ..RawReport::new("app", "native", Category::Error, 0) };
        let mut items: Items<RawReport> = devices.iter().map(|device| Ok(report(device))).collect();
        throttles.admit(&mut items, &origin(address), without);
        items.iter().map(Result::is_ok).collect()
    }

    #[test]
    fn a_device_is_limited_item_by_item_and_its_neighbours_are_not() {
        let throttles = Throttles::new(&Config { reports_per_minute: 2, ..Config::default() });
        let passed = admitted(&throttles, &["a", "a", "a", "设备", "a"], "192.0.2.1", WithoutDevice::Nothing);
        assert_eq!(passed, [true, true, false, true, false]);
    }

    #[test]
    fn without_a_device_the_address_counts_in_dialects_1_and_2_only() {
        let throttles = Throttles::new(&Config { reports_per_minute: 1, ..Config::default() });
        assert_eq!(admitted(&throttles, &["", ""], "2001:db8::1", WithoutDevice::Address), [true, false]);
        assert_eq!(admitted(&throttles, &[""], "2001:db8::2", WithoutDevice::Address), [false]);
        assert_eq!(admitted(&throttles, &[""], "2001:db8:0:1::1", WithoutDevice::Address), [true]);
        assert_eq!(admitted(&throttles, &["", "", ""], "2001:db8::1", WithoutDevice::Nothing), [true, true, true]);
    }

    #[test]
    fn a_throttled_device_does_not_use_up_its_app() {
        let throttles = Throttles::new(&Config { reports_per_minute: 1, app_reports_per_minute: 3, ..Config::default() });
        let passed = admitted(&throttles, &["a", "a", "a", "a", "b", "c", "d"], "192.0.2.1", WithoutDevice::Nothing);
        assert_eq!(passed, [true, false, false, false, true, true, false]);
    }

    #[test]
    fn zero_is_no_limit() {
        let throttles = Throttles::new(&Config { reports_per_minute: 0, ..Config::default() });
        assert!(admitted(&throttles, &["a"; 500], "192.0.2.1", WithoutDevice::Address).iter().all(|passed| *passed));
    }
}
