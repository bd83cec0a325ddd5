//! Devices of a day, a week and a month against an independent count over generated signs of life.

use crate::harness::{APP, KEY, OTHER_APP, Operator, Pipeline, Process};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const VERSIONS: [&str; 5] = ["1.9", "1.10", "v1.10.0", "1.10-beta", "开发版"];
/// How the versions are listed: newest first, what is none at the end.
const ORDER: [&str; 5] = ["1.10", "v1.10.0", "1.10-beta", "1.9", "开发版"];

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// The day of a zone in which the UTC hour of `at` begins, counted from 1970.
fn day_of(at: i64, zone: i64) -> i64 {
    (at.div_euclid(HOUR) * HOUR + zone).div_euclid(DAY)
}

fn date(day: i64) -> String {
    let (mut year, mut left) = (1970, day);
    let length = |year: i64| if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) { 366 } else { 365 };
    while left >= length(year) {
        left -= length(year);
        year += 1;
    }
    let months = [31, length(year) - 337, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while left >= months[month] {
        left -= months[month];
        month += 1;
    }
    format!("{year:04}-{:02}-{:02}", month + 1, left + 1)
}

/// A sign of life: who, with what, when.
type Life = (String, &'static str, i64);

fn active(operator: &Operator, app: &str, date: &str) -> Value {
    let reply = operator.try_get(&format!("/v1/admin/stats/active?app_id={app}&date={date}")).unwrap();
    assert_eq!(reply.status, 200, "{date}: {}", reply.text);
    reply.json()["data"].clone()
}

/// What the signs of life say, by sets alone.
fn expected(lives: &[Life], last: i64, zone: i64) -> Value {
    let mut devices: BTreeMap<(Option<&str>, usize), BTreeSet<&str>> = BTreeMap::new();
    for (device, version, at) in lives {
        let age = last - day_of(*at, zone);
        for (place, _) in [1, 7, 30].into_iter().enumerate().filter(|(_, days)| (0..*days).contains(&age)) {
            for of in [None, Some(*version)] {
                devices.entry((of, place)).or_default().insert(device);
            }
        }
    }
    let counts = |of: Option<&str>| [0, 1, 2].map(|place| devices.get(&(of, place)).map_or(0, BTreeSet::len));
    let versions = ORDER.into_iter().map(|version| (version, counts(Some(version)))).filter(|(_, counts)| counts[2] > 0);
    let versions: Vec<Value> =
        versions.map(|(version, [dau, wau, mau])| json!({"version": version, "dau": dau, "wau": wau, "mau": mau})).collect();
    let [dau, wau, mau] = counts(None);
    json!({"date": date(last), "dau": dau, "wau": wau, "mau": mau, "versions": versions})
}

/// Signs of life of the last 45 days; a third of them at the borders of days of both zones.
fn generate(seed: u64, zones: [i64; 2]) -> Vec<Life> {
    let mut random = StdRng::seed_from_u64(seed);
    let begin = now() - 45 * DAY;
    let mut lives = Vec::new();
    for _ in 0..3_000 {
        let at = begin + random.random_range(0..45 * DAY - HOUR);
        let zone = zones[random.random_range(0..2)];
        let border = (at + zone).div_euclid(DAY) * DAY - zone + [-1, 0, 1, HOUR / 2][random.random_range(0..4)];
        let at = if random.random_range(0..3) == 0 && border > begin { border } else { at };
        lives.push((format!("设备-{}", random.random_range(0..400)), VERSIONS[random.random_range(0..5)], at));
    }
    lives
}

fn deliver(pipeline: &Pipeline, lives: &[Life]) {
    let line = |(place, (device, version, at)): (usize, &Life)| {
        let kind = if place % 4 == 0 { "start" } else { "heartbeat" };
        let platform = [1, 2, 10][place % 3];
        json!({"platformId": platform, "kind": kind, "deviceId": device, "productVersion": version, "occurredAt": at, "eventId": format!("e{place}")}).to_string()
    };
    let lines: Vec<String> = lives.iter().enumerate().map(line).collect();
    // Every third batch is delivered twice, as a client does that saw no answer.
    for (place, batch) in lines.chunks(500).enumerate() {
        for _ in 0..1 + usize::from(place % 3 == 0) {
            let headers = [("x-app-key", KEY), ("content-type", "application/x-ndjson")];
            let reply = pipeline.deliver("/v1/connections", &headers, batch.join("\n").as_bytes());
            assert_eq!(reply["accepted"], batch.len(), "{reply}");
        }
    }
}

/// A query service in a zone, that may read rows where the roll-ups would cost as much: where there is nothing to read.
fn in_zone(pipeline: &Pipeline, name: &str, zone: &str) -> (Process, Operator) {
    let config = pipeline.role_config(name, "");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("[query]\n", &format!("[query]\ntime_zone = \"{zone}\"\n"))).unwrap();
    let mut process = Process::start(&["query", "--config", config.to_str().unwrap()]);
    let line: Value = serde_json::from_str(&process.first_line().unwrap()).unwrap();
    let operator = Operator { url: line["query"].as_str().unwrap().to_owned(), ..pipeline.operator() };
    (process, operator)
}

#[test]
fn days_weeks_and_months_equal_an_independent_count() {
    let pipeline = Pipeline::start();
    let zones = [("eight", "+08:00", 8 * HOUR), ("half", "+05:30", 11 * HOUR / 2)];
    let lives = generate(20_261, zones.map(|(_, _, zone)| zone));
    deliver(&pipeline, &lives);
    pipeline.operator().drained();
    for (name, offset, zone) in zones {
        let (_process, operator) = in_zone(&pipeline, name, offset);
        let today = day_of(now(), zone);
        for last in (today - 47..=today).chain([today + 20, today + 31]) {
            assert_eq!(active(&operator, APP, &date(last)), expected(&lives, last, zone), "{} in {offset}", date(last));
        }
    }
    // The pipeline's own service answers from roll-ups or not at all.
    let today = day_of(now(), 8 * HOUR);
    for last in today - 40..=today {
        assert_eq!(active(&pipeline.operator(), APP, &date(last)), expected(&lives, last, 8 * HOUR), "{} from roll-ups", date(last));
    }
}

#[test]
fn heartbeats_of_existing_clients_make_devices_active() {
    let pipeline = Pipeline::start();
    let operator = pipeline.operator();
    let before = day_of(now(), 8 * HOUR);
    for (machine, version) in [("机器-1", "1.2.0"), ("机器-1", "1.2.0"), ("m2", "1.10.0"), ("m2", "1.2.0")] {
        // As `requests` puts it on the wire.
        let body = format!(r#"{{"app_key": "{KEY}", "machine_id": "{machine}", "version": "{version}"}}"#);
        let reply = pipeline.deliver("/api/v1/user/heartbeat", &[("content-type", "application/json")], body.as_bytes());
        assert_eq!(reply, json!({"code": 200, "message": "心跳记录成功", "data": {"recorded": true}}));
    }
    operator.drained();
    let after = day_of(now(), 8 * HOUR);
    let counted = active(&operator, APP, &date(after));
    if before == after {
        assert_eq!(counted["dau"], 2, "{counted}");
    }
    let version = |version, devices| json!({"version": version, "dau": if before == after { json!(devices) } else { counted["dau"].clone() }, "wau": devices, "mau": devices});
    assert_eq!((&counted["wau"], &counted["mau"]), (&json!(2), &json!(2)));
    if before == after {
        assert_eq!(counted["versions"], json!([version("1.10.0", 1), version("1.2.0", 2)]));
    }
    let rows = pipeline.engine().rows("select distinct toString(kind) as kind, platform_id, dialect from aftershock.connections");
    assert_eq!(rows, [json!({"kind": "heartbeat", "platform_id": 10, "dialect": "app-key"})]);
}

#[test]
fn questions_that_have_no_answer_are_told_why() {
    let pipeline = Pipeline::start();
    let operator = pipeline.operator();
    let zeros = json!({"date": "2024-02-29", "dau": 0, "wau": 0, "mau": 0, "versions": []});
    assert_eq!(active(&operator, OTHER_APP, "2024-02-29"), zeros, "an app without data");
    assert_eq!(active(&operator, APP, "1970-01-03")["mau"], 0, "the month would begin before the tables' time");
    for (status, query) in [
        (404, "app_id=nobody&date=2024-02-29"),
        (400, "app_id=a1b2c3d4e5&date=2023-02-29"),
        (400, "app_id=a1b2c3d4e5&date=20240229"),
        (400, "app_id=a1b2c3d4e5&date=yesterday"),
        (400, "app_id=a1b2c3d4e5"),
        (400, "date=2024-02-29"),
    ] {
        let reply = operator.try_get(&format!("/v1/admin/stats/active?{query}")).unwrap();
        assert_eq!((reply.status, &reply.json()["code"]), (status, &json!(status)), "{query}: {}", reply.text);
    }
    let nobody = Operator { token: "nobody".to_owned(), ..operator };
    assert_eq!(nobody.try_get("/v1/admin/stats/active?app_id=a1b2c3d4e5&date=2024-02-29").unwrap().status, 401);
}
