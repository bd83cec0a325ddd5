#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use serde_json::Value;
use service::credentials::{Credentials, Keyring};
use std::time::Duration;

/// An API whose tables and log are nowhere.
fn detached() -> Router {
    let config = Config::default();
    let gate = Gate::new(Keyring::fixed(Credentials::default()), config.requests_per_minute, Duration::from_secs(300));
    let tables = service::clickhouse::Config { url: "http://127.0.0.1:1".to_owned(), ..Default::default() };
    let store = Store::new(tables.reader(), &config.limits, false);
    let nowhere = service::kafka::Config { brokers: "127.0.0.1:1".to_owned(), ..Default::default() };
    let admin = Admin::new(&nowhere).expect("an admin");
    let releases = Releases::new(&nowhere).expect("releases");
    let journal = Journal::new(&nowhere, &store).expect("a producer");
    router(&config, &gate, &store, &Log { admin, releases, journal })
}

/// Renew with `AFTERSHOCK_RENEW_OPENAPI=1 cargo test -p query`.
#[tokio::test]
async fn the_document_that_is_checked_in_is_the_one_that_is_served() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/openapi/query.json");
    let rendered = serde_json::to_string_pretty(&detached().openapi()).expect("json") + "\n";
    if std::env::var_os("AFTERSHOCK_RENEW_OPENAPI").is_some() {
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("the folder");
        std::fs::write(&file, &rendered).expect("the file");
    }
    let stored = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(stored == rendered, "schemas/openapi/query.json is out of date: AFTERSHOCK_RENEW_OPENAPI=1 cargo test -p query");
}

#[tokio::test]
async fn every_operation_is_there_in_both_forms() {
    let router = detached();
    let paths: Vec<&str> = router.paths().into_iter().map(|(_, path)| path).collect();
    for name in [
        "getRealTimeHourlyStatEx",
        "getAppRealTimeTrendAppendEx",
        "getTrendEx",
        "getTopIssueEx",
        "queryIssueList",
        "issueInfo",
        "crashList",
        "crashDoc",
    ] {
        let plain = format!("/uniform/openapi/{name}");
        assert!(paths.contains(&plain.as_str()), "{plain}");
        assert!(paths.contains(&format!("{plain}/{{*tail}}").as_str()), "{plain}");
    }
    for path in [
        "/v1/admin/log/message/error/list",
        "/v1/admin/log/message/error/detail",
        "/v1/admin/pipeline",
        "/v1/admin/releases",
        "/v1/admin/stats/active",
        "/v1/admin/issues/aliases",
        "/v1/admin/issues/merge",
        "/v1/admin/issues/unmerge",
        "/openapi.json",
        "/healthz",
    ] {
        assert!(paths.contains(&path), "{path}");
    }
    for path in ["/readyz", "/metrics"] {
        assert!(!paths.contains(&path), "{path} is for operators");
    }
}

#[tokio::test]
async fn the_document_describes_what_is_asked_and_answered() {
    let document = detached().openapi();
    let trend = &document["paths"]["/uniform/openapi/getTrendEx"]["post"];
    assert!(trend["requestBody"]["content"]["application/json"]["schema"].is_object(), "{trend}");
    assert!(trend["responses"]["200"]["content"]["application/json"]["schema"].is_object(), "{trend}");
    let text = document.to_string();
    for name in ["startDate", "needCountryDimension", "crashUser", "lastestUploadTime", "attatchCount", "completeThrough"] {
        assert!(text.contains(name), "{name}");
    }
    assert_ne!(document["components"]["schemas"], Value::Null);
}
