//! A report's way through every dialect to a trend point, an issue and a crash detail.

use crate::harness::{APP, KEY};
use crate::harness::{Options, Pipeline, post_with};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// Unix milliseconds.
pub fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// `yyyyMMddHH` in +08:00, the zone of the OpenAPI.
pub fn hour_text(milliseconds: i64) -> String {
    let seconds = milliseconds.div_euclid(1000) + 8 * 3600;
    let (days, hour) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400) / 3600);
    // Days to a civil date: H. Hinnant's algorithm for the proleptic Gregorian calendar.
    let z = days + 719_468;
    let (era, day_of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}{hour:02}")
}

fn java_crash(at: i64) -> Value {
    json!({"category": "crash", "platformId": 1, "productVersion": "2.4.1", "deviceId": "dev-1", "userId": "用户-1", "occurredAt": at, "country": "CN", "model": "Phone M8",
        "osVer": "14", "expName": "java.lang.NullPointerException", "expMessage": "购物车 is null",
        "callStack": "java.lang.NullPointerException: 购物车 is null\n\tat com.shop.Cart.total(Cart.java:41)\n\tat com.shop.Checkout.pay(Checkout.java:7)\n\tat android.os.Handler.dispatchMessage(Handler.java:106)",
        "userKey": {"等级": "12"}, "threadName": "main(1)", "memSize": 1_587_986_432_i64, "orientation": "portrait"})
}

#[test]
fn hours_are_those_of_the_openapi() {
    assert_eq!(hour_text(1_617_970_885_663), "2021040920");
    assert_eq!(hour_text(951_753_600_000), "2000022900");
}

#[test]
fn a_native_report_comes_back_as_trend_issue_and_detail() {
    let pipeline = Pipeline::start();
    let at = now();
    let reply =
        pipeline.deliver("/v1/reports", &[("x-app-key", KEY), ("content-type", "application/json")], java_crash(at).to_string().as_bytes());
    assert_eq!(reply["accepted"], 1, "{reply}");
    let report_id = reply["ids"][0].as_str().unwrap().to_owned();
    let start = json!({"platformId": 1, "productVersion": "2.4.1", "deviceId": "dev-2", "country": "CN", "occurredAt": at});
    pipeline.deliver("/v1/connections", &[("x-app-key", KEY), ("content-type", "application/json")], start.to_string().as_bytes());
    pipeline.operator().drained();

    let analyst = pipeline.analyst();
    let hour = hour_text(at);
    let row = analyst.hourly(APP, 1, "crash", &hour, &hour).remove(0);
    let counts: Vec<_> = ["crashNum", "crashUser", "accessNum", "accessUser"].iter().map(|name| row[name].as_i64().unwrap()).collect();
    assert_eq!((row["date"].as_str().unwrap(), counts), (hour.as_str(), vec![1, 1, 1, 2]), "{row}");

    let issues = analyst.ask("queryIssueList", &json!({"appId": APP, "platformId": 1, "pid": "1", "rows": 10, "exceptionTypeList": "Crash,Native", "sortOrder": "desc", "sortField": "uploadTime"}));
    let issue = &issues["ret"]["issueList"][0];
    assert_eq!(
        (issues["ret"]["numFound"].as_i64(), issue["count"].as_i64(), issue["imeiCount"].as_i64()),
        (Some(1), Some(1), Some(1)),
        "{issues}"
    );
    assert_eq!(issue["exceptionName"], "java.lang.NullPointerException", "{issue}");
    assert!(issue["keyStack"].as_str().unwrap().contains("com.shop.Cart.total"), "{issue}");
    let issue_id = issue["issueId"].as_str().unwrap();

    let info = analyst.ask("issueInfo", &json!({"appId": APP, "platformId": "1", "issueId": issue_id}));
    assert_eq!((&info["ret"]["count"], &info["ret"]["issueVersions"][0]["version"]), (&json!(1), &json!("2.4.1")), "{info}");

    let list = analyst.ask(
        "crashList",
        &json!({"appId": APP, "crashDataType": "undefined", "platformId": 1, "issueId": issue_id, "start": 0, "rows": 10}),
    );
    assert_eq!(list["ret"]["crashIdList"], json!([report_id]), "{list}");

    let colons: Vec<String> = report_id.as_bytes().chunks(2).map(|pair| String::from_utf8(pair.to_vec()).unwrap()).collect();
    let document = analyst.ask("crashDoc", &json!({"appId": APP, "platformId": "1", "crashHash": colons.join(":")}));
    let map = &document["ret"]["crashMap"];
    assert_eq!(
        (&map["userId"], &map["memSize"], &map["crashTimestamp"]),
        (&json!("用户-1"), &json!("1587986432"), &json!(at)),
        "{document}"
    );
    assert!(map["callStack"].as_str().unwrap().contains("Checkout.java:7"), "{map}");

    let day = &hour[..8];
    let top = analyst.ask("getTopIssueEx", &json!({"appId": APP, "platformId": 1, "version": "-1", "date": day, "type": "crash", "limit": 5, "topIssueDataType": "unSystemExit"}));
    let first = &top["data"]["topIssueList"][0];
    assert_eq!((&first["issueId"], &first["crashNum"], &top["data"]["accessDevices"]), (&json!(issue_id), &json!(1), &json!(2)), "{top}");
}

#[test]
fn the_log_message_and_app_key_dialects_are_counted_with_it() {
    let pipeline = Pipeline::start();
    let headers = [("content-type", "application/json")];
    let (message, at) = ("支付失败: 订单 8812 超时", now());
    let log_message = json!({"platform": "android", "appVersion": "2.4.1", "deviceId": "dev-1", "level": 1, "message": message, "stack": "at a", "occurredAt": at});
    let first = pipeline.deliver("/v1/common/log/message/report", &headers, log_message.to_string().as_bytes());
    let again = pipeline.deliver("/v1/common/log/message/report", &headers, log_message.to_string().as_bytes());
    assert_eq!((first["code"].as_i64(), &first["data"]["id"]), (Some(0), &again["data"]["id"]), "{first} {again}");

    let error = json!({"app_key": KEY, "machine_id": "pc-1", "software_version": "1.0.0", "error_type": "NullReferenceException", "error_message": "未将对象引用设置到对象的实例",
        "error_stack": "   at Shop.Cart.Total() in Cart.cs:line 41", "os_info": "Windows 10 Pro"});
    assert_eq!(pipeline.deliver("/api/v1/error/report", &headers, error.to_string().as_bytes())["code"], 200);
    let heartbeat = json!({"app_key": KEY, "machine_id": "pc-2", "version": "1.0.0"});
    let beat = pipeline.deliver("/api/v1/user/heartbeat", &headers, heartbeat.to_string().as_bytes());
    assert_eq!(beat, json!({"code": 200, "message": "心跳记录成功", "data": {"recorded": true}}));
    pipeline.operator().drained();

    let (analyst, hour) = (pipeline.analyst(), hour_text(at));
    let next = hour_text(now());
    let sum = |platform, category: &str, name: &str| -> i64 {
        analyst.hourly(APP, platform, category, &hour, &next).iter().map(|row| row[name].as_i64().unwrap()).sum()
    };
    assert_eq!((sum(1, "crash", "crashNum"), sum(1, "crash", "crashUser")), (1, 1), "the re-delivery is not counted");
    assert_eq!(
        (sum(10, "error", "crashNum"), sum(10, "error", "accessNum"), sum(10, "error", "accessUser")),
        (1, 0, 2),
        "a heartbeat connects a device and starts nothing"
    );

    let operator = pipeline.operator();
    let list = operator.get("/v1/admin/log/message/error/list?page=1&size=20");
    assert_eq!(list["data"]["total"], 2, "{list}");
    let detail = operator.get(&format!("/v1/admin/log/message/error/detail?id={}", first["data"]["id"]));
    assert_eq!(
        (&detail["data"]["message"], &detail["data"]["count"], &detail["data"]["stack"]),
        (&json!(message), &json!(1), &json!("at a")),
        "{detail}"
    );
}

#[test]
fn a_batch_keeps_its_good_items_and_survives_a_restart() {
    let mut pipeline = Pipeline::start_with(&Options { partitions: 1, ..Options::default() });
    let at = now();
    let mut lines: Vec<String> = (0..50).map(|n| json!({"category": "error", "platformId": 10, "deviceId": format!("d{n}"), "eventId": format!("e{n}"), "occurredAt": at, "expMessage": format!("number {n} failed")}).to_string()).collect();
    lines.insert(10, "{\"category\":\"error\"".to_owned());
    let body = lines.join("\n");
    let reply = post_with(
        &format!("{}/v1/reports", pipeline.ingest()),
        &[("x-app-key", KEY), ("content-type", "application/x-ndjson")],
        body.as_bytes(),
    )
    .unwrap();
    let json = reply.json();
    assert_eq!((reply.status, &json["accepted"], &json["rejected"][0]["index"]), (200, &json!(50), &json!(10)), "{json}");
    assert_eq!(pipeline.terminate(), Some(0));
    pipeline.restart();
    pipeline.operator().drained();
    let hour = hour_text(at);
    let row = pipeline.analyst().hourly(APP, 10, "error", &hour, &hour).remove(0);
    assert_eq!((&row["crashNum"], &row["crashUser"]), (&json!(50), &json!(50)), "{row}");
}
