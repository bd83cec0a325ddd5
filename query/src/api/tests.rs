#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::param::Parameters;
use service::credentials::{Credentials, Keyring};
use service::http::Request;
use std::time::Duration;

/// An API whose tables and log are nowhere.
fn detached() -> Router {
    let config = Config::default();
    let gate = Gate::new(Keyring::fixed(Credentials::default()), config.requests_per_minute, Duration::from_secs(300));
    let tables = service::clickhouse::Config { url: "http://127.0.0.1:1".to_owned(), ..Default::default() };
    let store = Store::new(tables.reader(), &config.limits, false);
    let nowhere = service::kafka::Config { brokers: "127.0.0.1:1".to_owned(), ..Default::default() };
    let admin = Admin::new(&nowhere).expect("an admin");
    let releases = Releases::new(&nowhere, &Keyring::fixed(Credentials::default())).expect("releases");
    let journal = Journal::new(&nowhere, &store).expect("a producer");
    router(&config, &gate, &store, &Log { admin, releases, journal })
}

/// Renew with `AFTERSHOCK_RENEW_OPENAPI=1 cargo test -p query`.
#[tokio::test]
async fn the_document_that_is_checked_in_is_the_one_that_is_served() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/openapi/query.json");
    let rendered = serde_json::to_string_pretty(&document(&detached())).expect("json") + "\n";
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

/// A new operation, or a new parameter, fails here until its bounds are written down.
#[tokio::test]
async fn everything_that_is_asked_has_a_bound() {
    let router = detached();
    let unbounded = bounds::describe(&mut router.openapi());
    assert!(unbounded.is_empty(), "without a bound in query/src/param/bounds.rs: {unbounded:?}");
    let kit = ["/healthz", "/readyz", "/metrics"];
    for (path, limit) in router.body_limits().into_iter().filter(|(path, _)| !kit.contains(path)) {
        // The notes of a release are 20,000 characters, perhaps each escaped.
        let most = if path == "/v1/admin/releases" { 256 << 10 } else { bounds::LONGEST_BODY };
        assert!(limit <= most, "{path} takes bodies of {limit} bytes");
    }
}

/// Every list and text of every operation, above its bound, in the query and in the body: refused by name, before anybody is asked.
#[tokio::test]
async fn every_operation_keeps_every_bound() {
    let document = document(&detached());
    let mut checked = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for operation in item.as_object().expect("operations").values() {
            let asked = operation["parameters"].as_array().into_iter().flatten().filter(|parameter| parameter["in"] == "query");
            let schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str().unwrap_or_default();
            let body = &document["components"]["schemas"][schema.rsplit('/').next().unwrap_or_default()]["properties"];
            let named = asked
                .filter_map(|parameter| parameter["name"].as_str())
                .chain(body.as_object().into_iter().flatten().map(|(name, _)| name.as_str()));
            for name in named {
                let bound = bounds::of(name).unwrap_or_else(|| panic!("{path}: {name} has no bound"));
                let long = match bound {
                    bounds::Bound::One(longest) => Value::from("x".repeat(longest + 1)),
                    bounds::Bound::List { most, .. } => Value::from(vec!["x"; most + 1]),
                };
                let request = asking(path, &serde_json::json!({ name: long }).to_string());
                let refused = Parameters::gather(&request, path).expect_err(name).to_string();
                assert_eq!(refused, format!("{name}: {}", bound.expected()), "{path}");
                checked += 1;
            }
        }
    }
    assert!(checked > 200, "only {checked} parameters were found");
}

#[tokio::test]
async fn a_request_has_a_bound_as_a_whole() {
    let path = "/uniform/openapi/crashDoc";
    let refused = |request: &Request| Parameters::gather(request, path).expect_err("too much").to_string();
    let many = |count: usize| serde_json::Map::from_iter((0..count).map(|number| (format!("n{number}"), Value::from(1))));
    assert!(Parameters::gather(&asking(path, &Value::Object(many(64)).to_string()), path).is_ok());
    assert_eq!(refused(&asking(path, &Value::Object(many(65)).to_string())), "parameters: expected at most 64");
    let query = (0..65).map(|number| format!("n{number}=1")).collect::<Vec<_>>().join("&");
    assert_eq!(refused(&Request { query, ..asking(path, "") }), "parameters: expected at most 64");
    assert_eq!(refused(&Request { query: "x".repeat(33 << 10), ..asking(path, "") }), "query: expected at most 32768 bytes");
    assert_eq!(refused(&asking(&format!("{path}/{}", "x/y/".repeat(9 << 10)), "")), "path: expected at most 32768 bytes");
}

fn asking(path: &str, body: &str) -> Request {
    Request {
        method: http::Method::POST,
        path: path.to_owned(),
        path_params: Vec::new(),
        query: String::new(),
        headers: http::HeaderMap::new(),
        body: body.to_owned().into(),
        peer: ([127, 0, 0, 1], 1).into(),
    }
}
