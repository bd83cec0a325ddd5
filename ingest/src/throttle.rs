//! How much one sender may send: per device, else per address where the dialect says so, and per app.

use crate::accept::Item;
use crate::config::Config;
use crate::dialect::Items;
use crate::origin::Origin;
use crate::quota::Quotas;
use crate::rejection::{Limit, Rejection};
use service::credentials::App;
use service::throttle::{RetryAfter, Throttle};

/// What counts for a report that names no device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WithoutDevice {
    /// The client's address: dialects 1 and 2, sent by the clients themselves.
    Address,
    /// Nothing: dialects 3 and 4 are also spoken by servers that report for many users.
    Nothing,
}

/// Whose records are counted, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender<'a> {
    pub(crate) app: &'a App,
    pub(crate) origin: &'a Origin,
    pub(crate) without_device: WithoutDevice,
    /// Unix milliseconds.
    pub(crate) now: i64,
}

/// The limits of all senders; an app's own come before the server's.
pub(crate) struct Throttles {
    senders: Throttle,
    apps: Throttle,
    days: Quotas,
    reports_per_minute: u32,
    app_reports_per_minute: u32,
    app_reports_per_day: u32,
}

impl Throttles {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            senders: Throttle::per_minute(config.reports_per_minute),
            apps: Throttle::per_minute(config.app_reports_per_minute),
            days: Quotas::default(),
            reports_per_minute: config.reports_per_minute,
            app_reports_per_minute: config.app_reports_per_minute,
            app_reports_per_day: config.app_reports_per_day,
        }
    }

    /// Turns every record that is over a limit into its rejection.
    pub(crate) fn admit<R: Item>(&self, items: &mut Items<R>, sender: &Sender<'_>) {
        for item in items {
            if let Ok(record) = item
                && let Err(rejection) = self.check(record, sender)
            {
                *item = Err(rejection);
            }
        }
    }

    /// Gives back what records took of their app's day that the log did not take.
    pub(crate) fn give_back(&self, app: &App, records: usize) {
        self.days.give_back(&app.id, u32::try_from(records).unwrap_or(u32::MAX));
    }

    /// The sender first: one that is over its limit must not use up its app's.
    fn check<R: Item>(&self, record: &R, sender: &Sender<'_>) -> Result<(), Rejection> {
        let (device, app) = (record.device(), sender.app);
        let per_minute = app.reports_per_minute.unwrap_or(self.reports_per_minute);
        match (device, sender.without_device) {
            ("", WithoutDevice::Address) => {
                self.senders.check_at(per_minute, &(R::TOPIC, sender.origin.network())).map_err(|after| over(Limit::Address, after))?;
            }
            ("", WithoutDevice::Nothing) => {}
            _ => self.senders.check_at(per_minute, &(R::TOPIC, &app.id, device)).map_err(|after| over(Limit::Device, after))?,
        }
        let per_minute = app.app_reports_per_minute.unwrap_or(self.app_reports_per_minute);
        self.apps.check_at(per_minute, &app.id).map_err(|after| over(Limit::AppMinute, after))?;
        let per_day = app.app_reports_per_day.unwrap_or(self.app_reports_per_day);
        self.days.take(&app.id, per_day, sender.now).map_err(|after| over(Limit::AppDay, after))
    }
}

fn over(limit: Limit, RetryAfter(retry_after): RetryAfter) -> Rejection {
    Rejection::TooManyRequests { limit, retry_after }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::dialect::{Received, native, native_connection};
    use schemas::record::{Category, RawReport};

    const DAY: i64 = 86_400_000;

    /// A sender's app, address and dialect.
    struct From<'a>(&'a App, &'a str, WithoutDevice);

    fn admit<R: Item>(throttles: &Throttles, mut items: Items<R>, from: &From<'_>, now: i64) -> Vec<Option<Limit>> {
        let From(app, address, without_device) = *from;
        let origin = Origin { address: address.parse().unwrap(), user_agent: String::new(), locale: String::new() };
        throttles.admit(&mut items, &Sender { app, origin: &origin, without_device, now });
        let limit = |item: &Result<R, Rejection>| match item {
            Err(Rejection::TooManyRequests { limit, .. }) => Some(*limit),
            _ => None,
        };
        items.iter().map(limit).collect()
    }

    fn reports(devices: &[&str]) -> Items<RawReport> {
        let report = |device: &&str| RawReport { device_id: (*device).to_owned(), ..RawReport::new("app", "native", Category::Error, 0) };
        devices.iter().map(|device| Ok(report(device))).collect()
    }

    fn admitted(throttles: &Throttles, devices: &[&str], address: &str, without: WithoutDevice) -> Vec<bool> {
        let app = App { id: "app".to_owned(), ..App::default() };
        admit(throttles, reports(devices), &From(&app, address, without), 0).iter().map(Option::is_none).collect()
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

    #[test]
    fn an_apps_own_limits_come_before_the_servers_and_each_is_named() {
        let config = Config { reports_per_minute: 2, app_reports_per_minute: 9, app_reports_per_day: 9, ..Config::default() };
        let throttles = Throttles::new(&config);
        let app = |id: &str| App { id: id.to_owned(), ..App::default() };
        let nothing = WithoutDevice::Nothing;
        let limits = |app: &App, devices: &[&str], now| admit(&throttles, reports(devices), &From(app, "192.0.2.1", nothing), now);
        let small = App { reports_per_minute: Some(1), ..app("small") };
        assert_eq!(limits(&small, &["a", "a", "b"], 0), [None, Some(Limit::Device), None]);
        let minute = App { reports_per_minute: Some(0), app_reports_per_minute: Some(3), ..app("minute") };
        assert_eq!(limits(&minute, &["a", "a", "a", "a"], 0), [None, None, None, Some(Limit::AppMinute)]);
        let day = App { app_reports_per_minute: Some(0), app_reports_per_day: Some(2), ..app("day") };
        assert_eq!(limits(&day, &["a", "a", "b"], DAY - 1), [None, None, Some(Limit::AppDay)]);
        assert_eq!(limits(&day, &["c"], DAY), [None], "the next UTC day");
        let address = From(&small, "192.0.2.1", WithoutDevice::Address);
        assert_eq!(admit(&throttles, reports(&["", ""]), &address, 0), [None, Some(Limit::Address)]);
        assert_eq!(limits(&app("other"), &["a", "a", "a"], 0), [None, None, Some(Limit::Device)], "the server's");
    }

    #[test]
    fn connections_are_counted_apart_from_a_devices_reports_and_together_in_its_apps() {
        let throttles = Throttles::new(&Config { reports_per_minute: 1, app_reports_per_minute: 2, ..Config::default() });
        let app = App { id: "app".to_owned(), ..App::default() };
        let body = br#"{"platformId":1,"deviceId":"a"}"#;
        let connections = native_connection::parse(body, native::Shape::default(), &Received::default()).unwrap();
        let from = From(&app, "192.0.2.1", WithoutDevice::Nothing);
        assert_eq!(admit(&throttles, reports(&["a"]), &from, 0), [None]);
        assert_eq!(admit(&throttles, connections, &from, 0), [None]);
        assert_eq!(admit(&throttles, reports(&["b"]), &from, 0), [Some(Limit::AppMinute)]);
    }
}
