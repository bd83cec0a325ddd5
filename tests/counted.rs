//! Starts that a client counted together: one record and one row, and every number that counts starts adds up what they say.

use crate::harness::{APP, KEY, Pipeline, Process, get, post_with, until};
use crate::journey::{hour_text, now};
use schemas::migration::MIGRATIONS;
use serde_json::{Value, json};

/// An envelope with counted sessions of an Android library.
pub fn envelope(attributes: &Value, groups: &Value) -> String {
    let sessions = json!({"attrs": attributes, "aggregates": groups});
    format!("{{\"sdk\":{{\"name\":\"sentry.java.android\",\"version\":\"8.0.0\"}}}}\n{{\"type\":\"sessions\"}}\n{sessions}\n")
}

/// Posts an envelope once. It has no ids: sent again it would count again.
pub fn post(pipeline: &Pipeline, envelope: &str) {
    let auth = format!("Sentry sentry_version=7, sentry_key={KEY}");
    let reply = post_with(&format!("{}/api/1/envelope/", pipeline.ingest()), &[("x-sentry-auth", &auth)], envelope.as_bytes()).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[test]
fn counted_starts_are_one_row_and_as_many_starts_as_they_say() {
    let pipeline = Pipeline::start();
    let hour = hour_text(now());
    let groups = json!([{"started": "2026-12-01T04:00:00Z", "exited": 9000, "errored": 1000}, {"did": "用户-1", "exited": 5}]);
    post(&pipeline, &envelope(&json!({"release": "shop@1.0"}), &groups));
    post(&pipeline, &envelope(&json!({"release": "shop@1.1"}), &json!([{"exited": 3_000_000_000_u32}])));
    let lines = [json!({"platformId": 1, "deviceId": "d1"}), json!({"platformId": 1, "deviceId": "d2", "kind": "heartbeat"})];
    let lines = lines.map(|line| line.to_string()).join("\n");
    let headers = [("x-app-key", KEY), ("content-type", "application/x-ndjson")];
    pipeline.deliver("/v1/connections", &headers, lines.as_bytes());
    pipeline.operator().drained();

    let rows = pipeline.engine().rows("select kind, version, device_id, count from aftershock.connections order by count desc, device_id");
    let found: Vec<(u64, &str)> = rows.iter().map(|row| (row["count"].as_u64().unwrap(), row["device_id"].as_str().unwrap())).collect();
    assert_eq!(found, [(100_000, ""), (10_000, ""), (5, "用户-1"), (1, "d1"), (1, "d2")], "{rows:?}");
    let trend = pipeline.analyst().hourly(APP, 1, "crash", &hour, &hour_text(now()));
    let sum = |name: &str| trend.iter().map(|row| row[name].as_i64().unwrap()).sum::<i64>();
    assert_eq!((sum("accessNum"), sum("accessUser")), (110_006, 3), "a heartbeat starts nothing: {trend:?}");
    let metrics = get(&format!("{}/metrics", pipeline.admin("ingest_admin")), &[]).unwrap().text;
    assert!(metrics.contains("aftershock_unused_items_total{kind=\"session_over_bound\"} 2999900000"), "what was left out is counted");
}

/// Tables as they were before rows had counts, with rows in them.
#[test]
fn tables_from_before_are_brought_up_to_date() {
    let pipeline = Pipeline::start();
    let engine = pipeline.engine();
    let run = |statement: &str| {
        let reply = engine.run(statement).unwrap();
        assert_eq!(reply.status, 200, "{statement}: {}", reply.text);
    };
    for migration in &MIGRATIONS[..6] {
        run(&migration.statement.replace("aftershock.", "before.").replace("exists aftershock ", "exists before "));
    }
    let insert = |offset: u32, columns: &str, values: &str| {
        run(&format!(
            "insert into before.connections (log_day, log_partition, log_offset, appended_at, received_at, event_at, hour, app_id, kind, \
             platform_id, version, device_id, device{columns}) select today(), 0, number + {offset}, now64(3), now64(3), now64(3), \
             toStartOfHour(now()), 'a', 'start', 1, '1.0', toString(number), number{values} from numbers(1000)"
        ));
    };
    insert(0, "", "");
    let config = pipeline.role_config("before", "database = \"before\"\n[topics]\npartitions = 2\n");
    for _ in 0..2 {
        let mut migrate = Process::start(&["migrate", "--config", config.to_str().unwrap()]);
        assert_eq!(until("the tables are made", || migrate.exit_code().ok_or("still running")), 0, "again changes nothing");
    }
    insert(1000, ", count", ", 7");
    let counted =
        "select sum(count) as n from before.connections where app_id = 'a' group by app_id settings force_optimize_projection = 1";
    assert_eq!(engine.number(counted), 8000, "what was there before is one each");
    let parts =
        "select count() as n from system.projection_parts where active and database = 'before' and table = 'connections' and name = ";
    until("the old rows have the new roll-ups", || match engine.number(&format!("{parts}'counted_trend'")) {
        2 => Ok(()),
        others => Err(others),
    });
    until("and not the old ones", || match engine.number(&format!("{parts}'trend'")) {
        0 => Ok(()),
        others => Err(others),
    });
    assert_eq!(engine.number(counted), 8000);
}
