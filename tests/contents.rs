//! Which reports have the same content.

use crate::harness::{APP, KEY, Pipeline};
use serde_json::{Value, json};

/// The protocol joins the values by a bare `|`: these two have one digest, and one would hide the other.
#[test]
fn values_that_join_to_one_text_are_two_contents() {
    let pipeline = Pipeline::start();
    let send = |message: &str, stack: &str| {
        let report = json!({"platform": "web", "message": message, "stack": stack, "deviceId": "d1", "occurredAt": crate::journey::now() / 60_000 * 60_000});
        let headers = [("x-app-key", KEY), ("content-type", "application/json")];
        pipeline.deliver("/v1/common/log/message/report", &headers, report.to_string().as_bytes())["data"]["id"].as_u64().unwrap()
    };
    let ids = [send("load|fail", "at x"), send("load", "fail|at x"), send("加载失败", "at x")];
    assert!(ids[0] != ids[1] && ids.iter().all(|id| *id > 0 && *id < 1 << 53), "{ids:?}");
    pipeline.operator().drained();
    let list = pipeline.operator().get(&format!("/v1/admin/log/message/error/list?page=1&size=20&appId={APP}"));
    assert_eq!(list["data"]["total"], 3, "{list}");
    let of = |id: u64| -> Value {
        let rows = list["data"]["list"].as_array().unwrap();
        rows.iter().find(|row| row["id"] == id).unwrap_or_else(|| panic!("{id} in {list}")).clone()
    };
    assert_eq!((&of(ids[0])["message"], &of(ids[1])["message"]), (&json!("load|fail"), &json!("load")));
    assert_eq!(of(ids[0])["digest"], of(ids[1])["digest"], "the digest is the one that the protocol documents");
    for (id, message, stack) in [(ids[0], "load|fail", "at x"), (ids[1], "load", "fail|at x")] {
        let detail = pipeline.operator().get(&format!("/v1/admin/log/message/error/detail?id={id}&appId={APP}"));
        let data = &detail["data"];
        assert_eq!((&data["message"], &data["stack"], &data["count"]), (&json!(message), &json!(stack), &json!(1)), "{detail}");
    }
}
