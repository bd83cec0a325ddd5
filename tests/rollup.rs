//! Hours, days, versions and countries out of projections only, merged without double counting; late reports in their own hour.

use crate::harness::{APP, KEY, Pipeline};
use crate::journey::hour_text;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const HOUR: i64 = 3_600_000;

/// Start of the current day in +08:00, Unix milliseconds, less one day: a whole day that has passed.
fn yesterday() -> i64 {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    (now + 8 * HOUR).div_euclid(24 * HOUR) * 24 * HOUR - 8 * HOUR - 24 * HOUR
}

fn send(pipeline: &Pipeline, path: &str, items: &[Value]) {
    let lines: Vec<String> = items.iter().map(Value::to_string).collect();
    let reply = pipeline.deliver(path, &[("x-app-key", KEY), ("content-type", "application/x-ndjson")], lines.join("\n").as_bytes());
    assert_eq!(reply["accepted"], items.len(), "{reply}");
}

/// The same device crashes in two hours, two versions and two countries; another one only connects.
fn fill(pipeline: &Pipeline) -> i64 {
    let day = yesterday();
    let crash = |hour: i64, version: &str, country: &str, device: &str, emulator: bool| {
        json!({"category": "crash", "platformId": 1, "productVersion": version, "country": country, "deviceId": device, "isVirtualMachine": emulator,
            "eventId": format!("{hour}-{version}-{country}-{device}"), "occurredAt": day + hour * HOUR + 5, "expName": "E", "model": "M8", "osVer": "14",
            "callStack": "E: boom\n\tat com.shop.Cart.total(Cart.java:41)"})
    };
    let crashes = [
        crash(1, "1.0", "CN", "d1", false),
        crash(1, "1.1", "DE", "d1", false),
        crash(5, "1.0", "CN", "d1", false),
        crash(5, "1.0", "CN", "d2", true),
    ];
    send(pipeline, "/v1/reports", &crashes);
    let start = |device: &str| json!({"platformId": 1, "productVersion": "1.0", "country": "CN", "deviceId": device, "eventId": device, "occurredAt": day + HOUR});
    send(pipeline, "/v1/connections", &[start("d1"), start("d3")]);
    pipeline.operator().drained();
    day
}

fn counts(row: &Value) -> [i64; 4] {
    ["crashNum", "crashUser", "accessNum", "accessUser"].map(|name| row[name].as_i64().unwrap_or_else(|| panic!("{name} in {row}")))
}

#[test]
fn hours_days_versions_and_countries_merge_without_double_counting() {
    let pipeline = Pipeline::start();
    let day = fill(&pipeline);
    let analyst = pipeline.analyst();
    let text = |hour: i64| hour_text(day + hour * HOUR);
    let base = json!({"appId": APP, "platformId": 1, "type": "crash", "vm": 0, "version": "-1", "needCountryDimension": false, "countryList": [], "mergeMultipleVersionsWithInaccurateResult": true});
    let ask = |operation: &str, changes: Value| {
        let mut body = base.clone();
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let reply = analyst.ask(operation, &body);
        reply["ret"]["data"].as_array().unwrap_or_else(|| panic!("{reply}")).clone()
    };

    let hourly = ask("getRealTimeHourlyStatEx", json!({"startDate": text(0), "endDate": text(23), "dataType": "realTimeTrendData"}));
    assert_eq!(hourly.len(), 24, "a row for every hour");
    assert_eq!(counts(&hourly[1]), [2, 1, 2, 2], "one device in two versions is one device: {}", hourly[1]);
    assert_eq!(counts(&hourly[5]), [2, 2, 0, 2], "{}", hourly[5]);
    assert_eq!(counts(&hourly[2]), [0, 0, 0, 0], "{}", hourly[2]);

    let cumulative =
        ask("getAppRealTimeTrendAppendEx", json!({"startDate": text(0), "endDate": text(23), "dataType": "realTimeTrendData"}));
    assert_eq!(counts(&cumulative[0]), [0, 0, 0, 0], "{}", cumulative[0]);
    assert_eq!(counts(&cumulative[23]), [4, 2, 2, 3], "the day's devices, each once: {}", cumulative[23]);

    let daily = |changes: Value| {
        ask("getTrendEx", {
            let mut all = json!({"startDate": text(0)[..8], "endDate": text(0)[..8], "dataType": "trendData"});
            all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            all
        })
    };
    assert_eq!(counts(&daily(json!({}))[0]), [4, 2, 2, 3]);
    assert_eq!(counts(&daily(json!({"versionList": ["1.0", "1.1"], "version": null}))[0]), [4, 2, 2, 3], "versions merge exactly");
    assert_eq!(counts(&daily(json!({"vm": 2}))[0]), [1, 1, 0, 1], "emulators only");
    assert_eq!(counts(&daily(json!({"vm": 1}))[0]), [3, 1, 2, 2], "real devices only");
    let apart = daily(json!({"versionList": ["1.0", "1.1"], "version": null, "mergeMultipleVersionsWithInaccurateResult": false}));
    let of = |version: &str| counts(apart.iter().find(|row| row["version"] == version).unwrap_or_else(|| panic!("{version} in {apart:?}")));
    assert_eq!((of("1.0"), of("1.1")), ([3, 2, 2, 3], [1, 1, 0, 1]));
    let countries = daily(json!({"needCountryDimension": true}));
    let of = |country: &str| {
        counts(countries.iter().find(|row| row["country"] == country).unwrap_or_else(|| panic!("{country} in {countries:?}")))
    };
    assert_eq!((of("CN"), of("DE")), ([3, 2, 2, 3], [1, 1, 0, 1]));
}

#[test]
fn trends_read_projections_only() {
    let pipeline = Pipeline::start();
    fill(&pipeline);
    let engine = pipeline.engine();
    let dimensions = [
        ("occurrences", "hour, version, country, is_emulator", "count()"),
        ("occurrences", "hex(issue_id), hour, version", "count()"),
        ("connections", "hour, version, country, is_emulator", "sum(count)"),
    ];
    for (table, group, number) in dimensions {
        let query = format!(
            "select {group}, {number} as n, finalizeAggregation(uniqExactState(device)) as devices from aftershock.{table} where app_id = '{APP}' and platform_id = 1 group by {group}"
        );
        let rows = engine.rows(&format!("{query} settings force_optimize_projection = 1"));
        assert!(!rows.is_empty(), "{table} by {group}");
        let bare = engine.rows(&format!("select {group}, {number} as n, uniqExact(device) as devices from aftershock.{table} where app_id = '{APP}' and platform_id = 1 group by {group} settings optimize_use_projections = 0"));
        let sorted = |rows: Vec<Value>| {
            let mut lines: Vec<String> = rows.iter().map(Value::to_string).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(rows), sorted(bare), "{table} by {group}: the projection equals the rows");
    }
    let off = engine.try_rows(
        "select exp_message, count() as n from aftershock.occurrences group by exp_message settings force_optimize_projection = 1",
    );
    assert!(off.is_err(), "a query that no projection answers is told so, else this test proves nothing: {off:?}");
}

/// Every statement of the query service whose head names projections, with its parameters in place.
fn statements_with_projections() -> Vec<(String, Vec<String>, String)> {
    let mut found = Vec::new();
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../query/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "sql") {
                let text = std::fs::read_to_string(&path).unwrap();
                let named = text.lines().filter(|line| line.starts_with("--")).find_map(|line| line.split_once("-- Projections: "));
                let Some((_, named)) = named else { continue };
                let projections = named.trim_end_matches('.').split(", ").map(str::to_owned).collect();
                found.push((path.display().to_string(), projections, with_values(&text)));
            }
        }
    }
    found
}

/// The statement with a value of its type for every `{name:Type}`.
fn with_values(sql: &str) -> String {
    let mut text = String::new();
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once('{') {
        let (parameter, after) = after.split_once('}').unwrap();
        let (name, kind) = parameter.split_once(':').unwrap();
        let value = match (name, kind) {
            ("app", _) => format!("'{APP}'"),
            ("platform", _) => "1".to_owned(),
            ("category", _) => "'crash'".to_owned(),
            ("categories", _) => "['crash']".to_owned(),
            ("to", _) => "toDateTime('2105-01-01 00:00:00', 'UTC')".to_owned(),
            ("any_version" | "descending", _) => "true".to_owned(),
            ("bucket_seconds", _) => "3600".to_owned(),
            ("rows" | "limit" | "most", _) => "10".to_owned(),
            ("first_to", _) => i64::MAX.to_string(),
            (_, "DateTime('UTC')") => "toDateTime('1970-01-02 00:00:00', 'UTC')".to_owned(),
            (_, "String") => "'-'".to_owned(),
            (_, "Bool") => "false".to_owned(),
            (_, kind) if kind.starts_with("Array(") => format!("cast([], '{kind}')"),
            (_, _) => "0".to_owned(),
        };
        text = text + before + &value;
        rest = after;
    }
    text + rest
}

/// What the head of a statement claims is what the engine does, by its own explanation.
#[test]
fn every_statement_is_answered_by_the_projections_its_head_names() {
    let pipeline = Pipeline::start();
    fill(&pipeline);
    let statements = statements_with_projections();
    assert!(statements.len() >= 5, "only {} statements name projections", statements.len());
    for (file, projections, statement) in statements {
        let statement = ["occurrences", "connections", "issue_changes"]
            .iter()
            .fold(statement, |text, table| text.replace(&format!("from {table}"), &format!("from aftershock.{table}")));
        let reply = pipeline.engine().run(&format!("explain {statement}")).unwrap();
        assert_eq!(reply.status, 200, "{file}: {}", reply.text);
        for projection in projections {
            assert!(reply.text.contains(&format!("({projection})")), "{file} does not read {projection}: {}", reply.text);
        }
    }
}

#[test]
fn expired_bodies_go_and_the_roll_ups_stay() {
    let pipeline = Pipeline::start();
    fill(&pipeline);
    let engine = pipeline.engine();
    let before = engine.rows("select hour, count() as n, finalizeAggregation(uniqExactState(device)) as devices from aftershock.occurrences group by hour order by hour settings force_optimize_projection = 1");
    let table = engine.rows("select create_table_query from system.tables where database = 'aftershock' and name = 'occurrences'");
    let created = table[0]["create_table_query"].as_str().unwrap();
    assert!(created.contains("toIntervalDay(90)") && created.contains("toIntervalDay(400)"), "retention as configured: {created}");
    // A day in the past makes every body of it expired; the engine empties them when it merges.
    for statement in [
        "alter table aftershock.occurrences modify column call_stack String ttl log_day - toIntervalDay(2)",
        "optimize table aftershock.occurrences final",
    ] {
        let reply = engine.run(statement).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    crate::harness::until("the bodies are empty", || match engine.number("select countIf(call_stack != '') from aftershock.occurrences") {
        0 => Ok(()),
        left => Err(left),
    });
    let after = engine.rows("select hour, count() as n, finalizeAggregation(uniqExactState(device)) as devices from aftershock.occurrences group by hour order by hour settings force_optimize_projection = 1");
    assert_eq!(before, after);
}
