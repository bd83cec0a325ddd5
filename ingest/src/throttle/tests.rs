//! Who is held by which limit, and who is not.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::dialect::{Received, native_connection};
use crate::item::Item;
use schemas::record::{Category, Connection, RawReport};

const DAY: i64 = 86_400_000;
const HERE: &str = "192.0.2.1";
const ELSEWHERE: &str = "198.51.100.7";

/// A sender's app, address and dialect.
struct From<'a>(&'a App, &'a str, WithoutDevice);

fn admit<R: Item>(throttles: &Throttles, items: Items<R>, from: &From<'_>, now: i64) -> Vec<Option<Limit>> {
    let From(app, address, without_device) = *from;
    let origin = Origin { address: address.parse().unwrap(), user_agent: String::new(), locale: String::new() };
    let mut batch = batch(items);
    throttles.admit(&mut batch, &Sender { app, origin: &origin, without_device, now });
    let limit = |item: &Result<EncodedRecord, Rejection>| match item {
        Err(Rejection::TooManyRequests { limit, .. }) => Some(*limit),
        _ => None,
    };
    batch.reports.iter().chain(&batch.connections).map(limit).collect()
}

fn batch<R: Item>(items: Items<R>) -> Batch {
    Batch::of(R::KIND, items.into_iter().map(|item| item.and_then(EncodedRecord::of)).collect())
}

fn app(id: &str) -> App {
    App { id: id.to_owned(), ..App::default() }
}

fn report(category: Category, device: &str) -> RawReport {
    RawReport { device_id: device.to_owned(), ..RawReport::new("app", "native", category, 0) }
}

fn reports(devices: &[&str]) -> Items<RawReport> {
    devices.iter().map(|device| Ok(report(Category::Error, device))).collect()
}

fn starts(counts: &[u32], device: &str) -> Items<Connection> {
    let body = format!(r#"{{"platformId":1,"deviceId":"{device}"}}"#);
    let items = native_connection::parse(body.as_bytes(), None, &Received::default());
    let start: Connection = items.unwrap().remove(0).unwrap().record().unwrap();
    counts.iter().map(|count| Ok(Connection { count: *count, ..start.clone() })).collect()
}

fn admitted(throttles: &Throttles, devices: &[&str], address: &str, without: WithoutDevice) -> Vec<bool> {
    admit(throttles, reports(devices), &From(&app("app"), address, without), 0).iter().map(Option::is_none).collect()
}

fn passed(limits: &[Option<Limit>]) -> usize {
    limits.iter().filter(|limit| limit.is_none()).count()
}

#[test]
fn a_device_is_limited_item_by_item_and_its_neighbours_are_not() {
    let throttles = Throttles::new(&Config { reports_per_minute: 2, ..Config::default() });
    let passed = admitted(&throttles, &["a", "a", "a", "设备", "a"], HERE, WithoutDevice::Nothing);
    assert_eq!(passed, [true, true, false, true, false]);
}

/// 120 posts in the name of somebody's phone locked it out.
#[test]
fn nobody_uses_up_the_limit_of_a_device_in_its_name() {
    let throttles = Throttles::new(&Config::default());
    for without in [WithoutDevice::Nothing, WithoutDevice::Address] {
        let flood = admitted(&throttles, &["victim-phone"; 500], ELSEWHERE, without);
        assert!(flood.iter().any(|passed| !passed), "who claims to be the device is limited");
        assert!(admitted(&throttles, &["victim-phone"; 50], HERE, without).iter().all(|passed| *passed), "the device is not");
    }
}

#[test]
fn without_a_device_the_address_counts_in_the_log_message_and_app_key_dialects_only() {
    let throttles = Throttles::new(&Config { reports_per_minute: 1, ..Config::default() });
    assert_eq!(admitted(&throttles, &["", ""], "2001:db8::1", WithoutDevice::Address), [true, false]);
    assert_eq!(admitted(&throttles, &[""], "2001:db8::2", WithoutDevice::Address), [false]);
    assert_eq!(admitted(&throttles, &[""], "2001:db8:0:1::1", WithoutDevice::Address), [true]);
    assert_eq!(admitted(&throttles, &["", "", ""], "2001:db8::1", WithoutDevice::Nothing), [true, true, true]);
}

#[test]
fn a_placeholder_is_no_device() {
    let throttles = Throttles::new(&Config { reports_per_minute: 1, ..Config::default() });
    let shared = ["unknown", "00000000-0000-0000-0000-000000000000", "02:00:00:00:00:00", "N/A", "unknown", "null"];
    assert_eq!(admitted(&throttles, &shared, HERE, WithoutDevice::Nothing), [true; 6], "those who share it do not share a limit");
    assert_eq!(admitted(&throttles, &shared[..2], HERE, WithoutDevice::Address), [true, false], "made-up names are no way around one");
}

#[test]
fn an_address_is_limited_loosely_whatever_it_says_of_itself() {
    let config = Config { address_reports_per_minute: Some(30), ..Config::default() };
    let throttles = Throttles::new(&config);
    let names: Vec<String> = (0..50).map(|number| format!("d{number}")).collect();
    let devices: Vec<&str> = names.iter().map(String::as_str).collect();
    for without in [WithoutDevice::Nothing, WithoutDevice::Address] {
        let address = if without == WithoutDevice::Nothing { HERE } else { ELSEWHERE };
        let limits = admit(&throttles, reports(&devices), &From(&app("app"), address, without), 0);
        assert_eq!(passed(&limits), 30);
        assert!(limits[30..].iter().all(|limit| *limit == Some(Limit::Address)), "{limits:?}");
    }
    let other = admit(&throttles, reports(&devices[..20]), &From(&app("other"), HERE, WithoutDevice::Nothing), 0);
    assert_eq!(passed(&other), 20, "another app's reports from there");
    let own = App { address_reports_per_minute: Some(0), ..app("server") };
    assert_eq!(passed(&admit(&throttles, reports(&devices), &From(&own, HERE, WithoutDevice::Nothing), 0)), 50);
}

#[test]
fn by_default_a_server_that_reports_for_many_is_not_held_up_and_a_flood_is() {
    let throttles = Throttles::new(&Config::default());
    let many = |count: usize| admitted(&throttles, &vec![""; count], HERE, WithoutDevice::Nothing).iter().filter(|passed| **passed).count();
    assert_eq!(many(50_000), 50_000);
    let more = many(200_000);
    assert!((70_000..200_000).contains(&more), "{more}");
    let unlimited = Throttles::new(&Config { reports_per_minute: 0, ..Config::default() });
    assert!(admitted(&unlimited, &vec![""; 200_000], HERE, WithoutDevice::Nothing).iter().all(|passed| *passed));
}

/// 33 MB a second were taken from one client.
#[test]
fn the_bytes_of_an_address_and_of_an_app_are_limited() {
    let large = || -> Items<RawReport> {
        (0..60).map(|_| Ok(RawReport { call_stack: "x".repeat(1 << 20), ..report(Category::Error, "") })).collect()
    };
    // 2 KiB for each of 12,000 reports.
    let throttles = Throttles::new(&Config { reports_per_minute: 12, ..Config::default() });
    let limits = admit(&throttles, large(), &From(&app("app"), HERE, WithoutDevice::Nothing), 0);
    assert!((23..60).contains(&passed(&limits)), "{}", passed(&limits));
    assert!(limits.contains(&Some(Limit::AddressBytes)));
    let throttles = Throttles::new(&Config { app_bytes_per_minute: Size::mib(10), ..Config::default() });
    let of_app = |address: &str| admit(&throttles, large(), &From(&app("app"), address, WithoutDevice::Nothing), 0);
    assert!((8..40).contains(&passed(&of_app(HERE))));
    let limits = of_app(ELSEWHERE);
    assert!(passed(&limits) < 40 && limits.contains(&Some(Limit::AppBytesShared)), "{limits:?}");
}

#[test]
fn a_throttled_device_does_not_use_up_its_app() {
    let throttles = Throttles::new(&Config { reports_per_minute: 1, app_reports_per_minute: 3, ..Config::default() });
    let passed = admitted(&throttles, &["a", "a", "a", "a", "b", "c", "d"], HERE, WithoutDevice::Nothing);
    assert_eq!(passed, [true, false, false, false, true, true, false]);
}

#[test]
fn the_last_tenth_of_an_apps_limits_is_kept_for_crashes() {
    let categories = |category| -> Items<RawReport> { (0..150).map(|_| Ok(report(category, ""))).collect() };
    let crashes = || categories(Category::Crash);
    for (config, kept, spent) in [
        (Config { app_reports_per_minute: 100, ..Config::default() }, Limit::AppMinuteShared, Limit::AppMinute),
        (Config { app_reports_per_day: 100, ..Config::default() }, Limit::AppDayShared, Limit::AppDay),
    ] {
        let throttles = Throttles::new(&config);
        let from = |items, address| admit(&throttles, items, &From(&app("app"), address, WithoutDevice::Nothing), 0);
        for _ in 0..2 {
            let limits = from(categories(Category::Error), HERE);
            assert!(passed(&limits) <= 95 && limits.last() == Some(&Some(kept)), "{limits:?}");
        }
        assert_eq!(passed(&from((0..2).map(|_| Ok(report(Category::Anr, ""))).collect(), HERE)), 2, "a hang is as fatal");
        let limits = from(crashes(), ELSEWHERE);
        assert!((5..=20).contains(&passed(&limits)) && limits.last() == Some(&Some(spent)), "{limits:?}");
    }
}

#[test]
fn counted_starts_count_by_their_count() {
    let config = Config { address_reports_per_minute: Some(1000), app_reports_per_day: 1500, ..Config::default() };
    let throttles = Throttles::new(&config);
    let from = |counts: &[u32], device: &str, address: &str| {
        admit(&throttles, starts(counts, device), &From(&app("app"), address, WithoutDevice::Nothing), 0)
    };
    assert_eq!(from(&[600, 300, 200], "", HERE), [None, None, Some(Limit::Address)]);
    assert_eq!(from(&[1001], "", ELSEWHERE), [Some(Limit::Address)], "more than an address ever may");
    assert_eq!(from(&[400, 50], "", ELSEWHERE), [None, None], "what an address takes is its own");
    assert_eq!(from(&[121], "d", "203.0.113.1"), [Some(Limit::Device)]);
    assert_eq!(from(&[100], "", "203.0.113.2"), [Some(Limit::AppDayShared)], "1,350 of 1,500 are taken, and a start is no crash");
    let mut batch = batch(starts(&[7, 5], ""));
    let origin = Origin { address: "203.0.113.3".parse().unwrap(), user_agent: String::new(), locale: String::new() };
    let other = app("other");
    let sender = Sender { app: &other, origin: &origin, without_device: WithoutDevice::Nothing, now: 0 };
    assert_eq!(
        throttles.admit(&mut batch, &sender),
        Taken { reports: 0, connections: 12 },
        "what the log does not take is given back by its count"
    );
}

#[test]
fn zero_is_no_limit() {
    let throttles = Throttles::new(&Config { reports_per_minute: 0, ..Config::default() });
    assert!(admitted(&throttles, &["a"; 500], HERE, WithoutDevice::Address).iter().all(|passed| *passed));
}

#[test]
fn an_apps_own_limits_come_before_the_servers_and_each_is_named() {
    let config = Config { reports_per_minute: 2, app_reports_per_minute: 9, app_reports_per_day: 9, ..Config::default() };
    let throttles = Throttles::new(&config);
    let nothing = WithoutDevice::Nothing;
    let limits = |app: &App, devices: &[&str], now| admit(&throttles, reports(devices), &From(app, HERE, nothing), now);
    let small = App { reports_per_minute: Some(1), ..app("small") };
    assert_eq!(limits(&small, &["a", "a", "b"], 0), [None, Some(Limit::Device), None]);
    let minute = App { reports_per_minute: Some(0), app_reports_per_minute: Some(3), ..app("minute") };
    assert_eq!(limits(&minute, &["a", "a", "a", "a"], 0), [None, None, None, Some(Limit::AppMinute)]);
    let day = App { app_reports_per_minute: Some(0), app_reports_per_day: Some(2), ..app("day") };
    assert_eq!(limits(&day, &["a", "a", "b"], DAY - 1), [None, None, Some(Limit::AppDay)]);
    assert_eq!(limits(&day, &["c"], DAY), [None], "the next UTC day");
    let address = From(&small, HERE, WithoutDevice::Address);
    assert_eq!(admit(&throttles, reports(&["", ""]), &address, 0), [None, Some(Limit::Address)]);
    assert_eq!(limits(&app("other"), &["a", "a", "a"], 0), [None, None, Some(Limit::Device)], "the server's");
}

#[test]
fn connections_are_counted_apart_from_a_devices_reports_and_together_in_its_apps() {
    let throttles = Throttles::new(&Config { reports_per_minute: 1, app_reports_per_minute: 2, ..Config::default() });
    let app = app("app");
    let from = From(&app, HERE, WithoutDevice::Nothing);
    assert_eq!(admit(&throttles, reports(&["a"]), &from, 0), [None]);
    assert_eq!(admit(&throttles, starts(&[1], "a"), &from, 0), [None]);
    assert_eq!(admit(&throttles, reports(&["b"]), &from, 0), [Some(Limit::AppMinute)]);
}
