//! How much one sender may send. A limit holds its sender and nobody else:
//!
//! - an **address** of an app, loosely, whatever it says of itself: devices can be made up, addresses less so;
//! - a **device** at its address. An app's key is in every client, so anybody can name any device, and could use up its limit
//!   from elsewhere. The device channel proves no more: its secret is the app's, not the device's;
//! - an **app**. The last tenth of its limit is kept for crashes, so that a flood of lesser reports does not hide them.
//!
//! The address comes first, so that devices it makes up cost it, and not the app; an app comes last, so that a sender over
//! its own limit takes nothing of it.

use crate::accept::Item;
use crate::config::Config;
use crate::demand::Demand;
use crate::dialect::Items;
use crate::origin::Origin;
use crate::quota::Quotas;
use crate::encoded::Ready;
use crate::rejection::{Limit, Rejection};
use schemas::device::is_placeholder;
use service::config::Size;
use service::credentials::App;
use service::throttle::{RetryAfter, Throttle};
use std::net::IpAddr;

/// An address may send so many times what a device may: as many devices as a carrier may put behind one address, or a server
/// that reports for its users.
const DEVICES_AT_AN_ADDRESS: u64 = 1000;
/// Bytes of an address for each report it may send: what a usual report takes.
const BYTES_A_REPORT: u64 = 2 << 10;
/// One part in so many of an app's limit is kept for crashes.
const KEPT: u32 = 10;

/// What counts for a report that names no device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WithoutDevice {
    /// The client's address, as one device: dialects 1 and 2, sent by the clients themselves.
    Address,
    /// Nothing but the looser limit of the address: dialects 3 and 4 are also spoken by servers that report for many users.
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
    minutes: Throttle,
    days: Quotas,
    config: Config,
}

/// Who has a minute's worth of its own. Reports and connections of an address or a device are counted apart, by their topic.
#[derive(Hash)]
enum Key<'a> {
    Address { app: &'a str, network: IpAddr, topic: &'static str },
    AddressBytes { app: &'a str, network: IpAddr },
    Device { app: &'a str, network: IpAddr, topic: &'static str, device: &'a str },
    App { app: &'a str },
    AppShared { app: &'a str },
    AppBytes { app: &'a str },
    AppBytesShared { app: &'a str },
}

/// The limits that hold for an app: per minute, but for the last. 0 = no limit.
struct Rates {
    device: u64,
    address: u64,
    address_bytes: u64,
    app: u64,
    app_bytes: u64,
    app_day: u32,
}

/// The limits of one sender.
struct Gate<'a> {
    throttles: &'a Throttles,
    rates: Rates,
    sender: &'a Sender<'a>,
    topic: &'static str,
}

impl Throttles {
    pub(crate) fn new(config: &Config) -> Self {
        Self { minutes: Throttle::per_minute(0), days: Quotas::default(), config: config.clone() }
    }

    /// Turns every record that is over a limit into its rejection. Gives how much the others took of their app's day.
    pub(crate) fn admit<R: Item>(&self, items: &mut Items<Ready<R>>, sender: &Sender<'_>) -> u32 {
        let gate = Gate { throttles: self, rates: Rates::of(&self.config, sender.app), sender, topic: R::TOPIC };
        let mut taken = 0_u32;
        for item in items {
            let Ok(record) = item else { continue };
            let demand = Demand::of(record);
            match gate.check(&demand) {
                Ok(()) => taken = taken.saturating_add(demand.count),
                Err(rejection) => *item = Err(rejection),
            }
        }
        taken
    }

    /// Gives back what records took of their app's day that the log did not take.
    pub(crate) fn give_back(&self, app: &App, taken: u32) {
        self.days.give_back(&app.id, taken);
    }
}

impl Rates {
    fn of(config: &Config, app: &App) -> Self {
        let address = app.address_reports_per_minute.or(config.address_reports_per_minute).map(u64::from);
        let address = address.unwrap_or(u64::from(config.reports_per_minute) * DEVICES_AT_AN_ADDRESS);
        let address_bytes = app.address_bytes_per_minute.or(config.address_bytes_per_minute);
        Self {
            device: u64::from(app.reports_per_minute.unwrap_or(config.reports_per_minute)),
            address,
            address_bytes: address_bytes.map_or(address * BYTES_A_REPORT, |Size(bytes)| bytes),
            app: u64::from(app.app_reports_per_minute.unwrap_or(config.app_reports_per_minute)),
            app_bytes: app.app_bytes_per_minute.unwrap_or(config.app_bytes_per_minute).0,
            app_day: app.app_reports_per_day.unwrap_or(config.app_reports_per_day),
        }
    }
}

impl Gate<'_> {
    fn check(&self, demand: &Demand<'_>) -> Result<(), Rejection> {
        self.of_address(demand)?;
        self.of_device(demand)?;
        self.of_app(demand)?;
        self.of_day(demand)
    }

    fn of_address(&self, demand: &Demand<'_>) -> Result<(), Rejection> {
        let (app, network) = (self.sender.app.id.as_str(), self.sender.origin.network());
        let topic = self.topic;
        self.take(u64::from(demand.count), self.rates.address, &Key::Address { app, network, topic }, Limit::Address)?;
        self.take(demand.bytes as u64, self.rates.address_bytes, &Key::AddressBytes { app, network }, Limit::AddressBytes)
    }

    fn of_device(&self, demand: &Demand<'_>) -> Result<(), Rejection> {
        let (app, network) = (self.sender.app.id.as_str(), self.sender.origin.network());
        let topic = self.topic;
        let (device, limit) = match (is_placeholder(demand.device), self.sender.without_device) {
            (true, WithoutDevice::Nothing) => return Ok(()),
            (true, WithoutDevice::Address) => ("", Limit::Address),
            (false, _) => (demand.device, Limit::Device),
        };
        self.take(u64::from(demand.count), self.rates.device, &Key::Device { app, network, topic, device }, limit)
    }

    fn of_app(&self, demand: &Demand<'_>) -> Result<(), Rejection> {
        let app = self.sender.app.id.as_str();
        let (count, bytes) = (u64::from(demand.count), demand.bytes as u64);
        if !demand.is_fatal {
            self.take_shared(count, self.rates.app, &Key::AppShared { app }, Limit::AppMinuteShared)?;
            self.take_shared(bytes, self.rates.app_bytes, &Key::AppBytesShared { app }, Limit::AppBytesShared)?;
        }
        self.take(count, self.rates.app, &Key::App { app }, Limit::AppMinute)?;
        self.take(bytes, self.rates.app_bytes, &Key::AppBytes { app }, Limit::AppBytes)
    }

    fn of_day(&self, demand: &Demand<'_>) -> Result<(), Rejection> {
        let whole = self.rates.app_day;
        let (open, limit) = match whole - whole / KEPT {
            shared if shared < whole && !demand.is_fatal => (shared, Limit::AppDayShared),
            _ => (whole, Limit::AppDay),
        };
        self.throttles.days.take(&self.sender.app.id, open, demand.count, self.sender.now).map_err(|after| over(limit, after))
    }

    /// Takes of the part of a limit that is not kept for crashes. A limit too small to have such a part is taken as a whole.
    fn take_shared(&self, amount: u64, whole: u64, key: &Key<'_>, limit: Limit) -> Result<(), Rejection> {
        match whole / u64::from(KEPT) {
            0 => Ok(()),
            kept => self.take(amount, whole - kept, key, limit),
        }
    }

    fn take(&self, amount: u64, per_minute: u64, key: &Key<'_>, limit: Limit) -> Result<(), Rejection> {
        self.throttles.minutes.take(amount, per_minute, key).map_err(|after| over(limit, after))
    }
}

fn over(limit: Limit, RetryAfter(retry_after): RetryAfter) -> Rejection {
    Rejection::TooManyRequests { limit, retry_after }
}

#[cfg(test)]
mod tests;
