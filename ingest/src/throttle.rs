//! How much one sender may send. A limit holds its sender and nobody else:
//!
//! - an **address** of an app, loosely, whatever it says of itself: devices can be made up, addresses less so;
//! - a **device** at its address. An app's key is in every client, so anybody can name any device, and could use up its limit
//!   from elsewhere. The device channel proves no more: its secret is the app's, not the device's;
//! - an **app**. The last tenth of its limit is kept for crashes, so that a flood of lesser reports does not hide them.
//!
//! The address comes first, so that devices it makes up cost it, and not the app; an app comes last, so that a sender over
//! its own limit takes nothing of it.

use crate::batch::{Batch, Items, Receipts};
use crate::config::Config;
use crate::encoded::EncodedRecord;
use crate::origin::Origin;
use crate::quota::Quotas;
use crate::rejection::{Limit, Rejection};
use schemas::device::is_placeholder;
use service::config::Size;
use service::credentials::App;
use service::throttle::{RetryAfter, Throttle};
use std::net::IpAddr;

/// How many times as much as a device an address may send: as many devices as a carrier may put behind one address, or a server
/// that reports for its users.
const DEVICES_AT_AN_ADDRESS: u64 = 1000;
/// How many bytes an address may send for each report that it may send: the size of a usual report.
const BYTES_A_REPORT: u64 = 2 << 10;
/// The part of an app's limit that is kept for crashes: one in so many.
const KEPT: u32 = 10;

/// What counts for a report that names no device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WithoutDevice {
    /// The client's address, as one device: the log-message and app-key dialects, which the clients themselves send.
    Address,
    /// Nothing but the looser limit of the address: the native and Sentry dialects are also spoken by servers that report for
    /// many users.
    Nothing,
}

/// The sender of a request, and when it came.
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

/// What has a minute's worth of its own. Reports and connections of an address or a device are counted apart, by their topic.
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
struct SenderLimits<'a> {
    throttles: &'a Throttles,
    rates: Rates,
    sender: &'a Sender<'a>,
}

/// What a request took of its app's day, by the kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    reports: u32,
    connections: u32,
}

impl Throttles {
    pub(crate) fn new(config: &Config) -> Self {
        Self { minutes: Throttle::per_minute(0), days: Quotas::default(), config: config.clone() }
    }

    /// Turns every record that is over a limit into its rejection. Gives how much the others took of their app's day.
    pub(crate) fn admit(&self, batch: &mut Batch, sender: &Sender<'_>) -> Taken {
        let limits = SenderLimits { throttles: self, rates: Rates::of(&self.config, sender.app), sender };
        Taken { reports: limits.admit(&mut batch.reports), connections: limits.admit(&mut batch.connections) }
    }

    /// Gives back what records took of their app's day that the log did not take.
    pub(crate) fn give_back(&self, app: &App, taken: &Taken, receipts: &Receipts) {
        for (taken, receipts) in [(taken.reports, &receipts.reports), (taken.connections, &receipts.connections)] {
            if receipts.iter().any(|receipt| matches!(receipt, Err(Rejection::LogUnavailable { .. }))) {
                self.days.give_back(&app.id, taken);
            }
        }
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

impl SenderLimits<'_> {
    fn admit(&self, items: &mut Items<EncodedRecord>) -> u32 {
        let mut taken = 0_u32;
        for item in items {
            let Ok(record) = item else { continue };
            match self.check(record) {
                Ok(()) => taken = taken.saturating_add(record.count()),
                Err(rejection) => *item = Err(rejection),
            }
        }
        taken
    }

    fn check(&self, record: &EncodedRecord) -> Result<(), Rejection> {
        self.of_address(record)?;
        self.of_device(record)?;
        self.of_app(record)?;
        self.of_day(record)
    }

    fn of_address(&self, record: &EncodedRecord) -> Result<(), Rejection> {
        let (app, network) = (self.sender.app.id.as_str(), self.sender.origin.network());
        let topic = record.kind().topic();
        self.take(u64::from(record.count()), self.rates.address, &Key::Address { app, network, topic }, Limit::Address)?;
        self.take(record.length() as u64, self.rates.address_bytes, &Key::AddressBytes { app, network }, Limit::AddressBytes)
    }

    fn of_device(&self, record: &EncodedRecord) -> Result<(), Rejection> {
        let (app, network) = (self.sender.app.id.as_str(), self.sender.origin.network());
        let topic = record.kind().topic();
        let (device, limit) = match (is_placeholder(record.device()), self.sender.without_device) {
            (true, WithoutDevice::Nothing) => return Ok(()),
            (true, WithoutDevice::Address) => ("", Limit::Address),
            (false, _) => (record.device(), Limit::Device),
        };
        self.take(u64::from(record.count()), self.rates.device, &Key::Device { app, network, topic, device }, limit)
    }

    fn of_app(&self, record: &EncodedRecord) -> Result<(), Rejection> {
        let app = self.sender.app.id.as_str();
        let (count, bytes) = (u64::from(record.count()), record.length() as u64);
        if !record.is_fatal() {
            self.take_shared(count, self.rates.app, &Key::AppShared { app }, Limit::AppMinuteShared)?;
            self.take_shared(bytes, self.rates.app_bytes, &Key::AppBytesShared { app }, Limit::AppBytesShared)?;
        }
        self.take(count, self.rates.app, &Key::App { app }, Limit::AppMinute)?;
        self.take(bytes, self.rates.app_bytes, &Key::AppBytes { app }, Limit::AppBytes)
    }

    fn of_day(&self, record: &EncodedRecord) -> Result<(), Rejection> {
        let whole = self.rates.app_day;
        let (open, limit) = match whole - whole / KEPT {
            shared if shared < whole && !record.is_fatal() => (shared, Limit::AppDayShared),
            _ => (whole, Limit::AppDay),
        };
        self.throttles.days.take(&self.sender.app.id, open, record.count(), self.sender.now).map_err(|after| over(limit, after))
    }

    /// Takes from the part of a limit that is not kept for crashes. A limit that is too small to have such a part is not split.
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
