#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::config::{Config, Settings};
use crate::issue::IssueCache;
use crate::journal::Journal;
use crate::operation::Reads;
use crate::param::RequestParameters;
use service::credentials::{Credentials, Keyring};
use service::http::Request;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What an API needs whose tables and log are nowhere.
fn nowhere() -> (Gate, Writes) {
    let config = Config::default();
    let keyring = Keyring::fixed(Credentials::default());
    let tables = service::clickhouse::Config { url: "http://127.0.0.1:1".to_owned(), ..Default::default() };
    let store = Store::new(tables.reader(), &config.limits, false);
    let log = service::kafka::Config { brokers: "127.0.0.1:1".to_owned(), ..Default::default() };
    let journal = Journal::new(&log, &keyring).expect("a journal");
    let reads = Reads { store, settings: Arc::new(Settings::from(&config)), issues: IssueCache::default() };
    (Gate::new(keyring, config.requests_per_minute, Duration::from_secs(300)), Writes { reads, journal })
}

fn detached() -> Router {
    let (gate, writes) = nowhere();
    router(&gate, &writes)
}

/// Compares a rendered file with the one that is checked in; `AFTERSHOCK_RENEW_OPENAPI=1` writes it.
fn is_checked_in(file: &str, rendered: &str) {
    let path = root().join(file);
    if std::env::var_os("AFTERSHOCK_RENEW_OPENAPI").is_some() {
        std::fs::write(&path, rendered).expect("the file");
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == rendered, "{file} is out of date: AFTERSHOCK_RENEW_OPENAPI=1 cargo test -p query");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the root").to_owned()
}

#[tokio::test]
async fn the_document_that_is_checked_in_is_the_one_that_is_served() {
    let rendered = serde_json::to_string_pretty(&document(&detached())).expect("json") + "\n";
    is_checked_in("schemas/openapi/query.json", &rendered);
}

/// The file of an operation, by the name of its type.
fn file_of(operation: &Listed) -> String {
    let modules: Vec<&str> = operation.operation.split("::").collect();
    let [package, modules @ .., _] = modules.as_slice() else { panic!("{operation:?}") };
    format!("{package}/src/{}.rs", modules.join("/"))
}

/// The statements that a file names, and the projections that answer them.
fn statements_of(file: &str) -> (Vec<String>, Vec<String>) {
    let text = std::fs::read_to_string(root().join(file)).expect(file);
    let folder = Path::new(file).parent().expect("a folder");
    let (mut statements, mut projections) = (Vec::new(), Vec::new());
    for name in text.split("sql!(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        let path = folder.join(name);
        let sql = std::fs::read_to_string(root().join(&path)).expect(name);
        statements.push(path.file_name().expect("a name").to_string_lossy().into_owned());
        let head = sql.lines().filter(|line| line.starts_with("--"));
        let named = head.filter_map(|line| line.split_once("rojections: ")).flat_map(|(_, names)| names.trim_end_matches('.').split(", "));
        projections.extend(named.map(str::to_owned));
    }
    projections.sort_unstable();
    projections.dedup();
    (statements, projections)
}

fn operations_page(listed: &[Listed]) -> String {
    let mut page = String::from(
        "# Operations\n\n\
         Every operation of the query service by its name on the wire: an OpenAPI operation is at `/uniform/openapi/NAME`, also with key/value pairs\n\
         after the name. The envelope is the shape of its answers (`query/src/envelope.rs`). Projections are the roll-ups that answer its statements.\n\
         This page is rendered from the list in `query/src/api.rs` and compared with it by a test. How to add one: `docs/adding-an-operation.md`.\n\n\
         | operation | methods | envelope | file | statements | projections |\n|---|---|---|---|---|---|\n",
    );
    for operation in listed {
        let file = file_of(operation);
        let (statements, projections) = statements_of(&file);
        let methods: Vec<&str> = operation.methods.iter().map(Method::as_str).collect();
        let _ = writeln!(
            page,
            "| `{}`: {} | {} | {} | `{file}` | {} | {} |",
            operation.name,
            operation.summary,
            methods.join(", "),
            operation.envelope,
            statements.join(", "),
            projections.join(", "),
        );
    }
    page
}

#[tokio::test]
async fn the_list_of_operations_is_what_is_mounted() {
    let (gate, writes) = nowhere();
    let listed = operations(Api::new(&gate, &writes)).listed;
    is_checked_in("docs/operations.md", &operations_page(&listed));
    let mut folders: BTreeMap<String, usize> = BTreeMap::new();
    for operation in &listed {
        let file = file_of(operation);
        assert!(root().join(&file).exists(), "{file}");
        *folders.entry(Path::new(&file).parent().expect("a folder").display().to_string()).or_default() += 1;
    }
    assert!(folders.values().all(|count| *count <= 10), "more than ten operations in a folder: {folders:?}");
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

/// Every published description, with where it stands.
fn descriptions(at: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str().filter(|_| name == "description") {
                    Some(text) => found.push((at.to_owned(), text.to_owned())),
                    None => descriptions(&format!("{at}/{name}"), member, found),
                }
            }
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(number, item)| descriptions(&format!("{at}/{number}"), item, found)),
        _ => {}
    }
}

/// A comment that was written for the line above it says nothing on its own.
#[tokio::test]
async fn every_description_is_understood_alone() {
    let mut found = Vec::new();
    descriptions("", &document(&detached()), &mut found);
    let leans = |text: &str| ["The same", "Likewise", "Their "].iter().any(|start| text.starts_with(start));
    let bad: Vec<_> = found.iter().filter(|(_, text)| text.split_whitespace().count() < 4 || leans(text)).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert!(found.len() > 200, "only {} descriptions were found", found.len());
}

#[tokio::test]
async fn every_operation_is_described_once() {
    let document = document(&detached());
    let paths = document["paths"].as_object().expect("paths");
    assert!(!paths.keys().any(|path| path.contains('{')), "{:?}", paths.keys());
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("operations") {
            let has_body = operation.get("requestBody").is_some();
            assert!(method == "post" || !has_body, "{method} {path} has no body");
        }
    }
    // Two types of one name would be told apart by a digit.
    let names = document["components"]["schemas"].as_object().expect("schemas").keys();
    let numbered: Vec<_> = names.filter(|name| name.ends_with(|c: char| c.is_ascii_digit())).collect();
    assert!(numbered.is_empty(), "give them names of their own: {numbered:?}");
}

#[tokio::test]
async fn errors_are_described_as_they_are_sent() {
    let document = document(&detached());
    let responses = |path: &str, method: &str| document["paths"][path][method]["responses"].clone();
    let schema = |response: &Value| {
        let shared = response["$ref"].as_str().and_then(|path| path.rsplit('/').next()).expect("a shared response");
        document["components"]["responses"][shared]["content"]["application/json"]["schema"]["$ref"].clone()
    };
    let open = responses("/uniform/openapi/crashDoc", "get");
    for (status, name) in
        [("400", "Problem"), ("401", "OpenApiDenial"), ("403", "OpenApiDenial"), ("429", "OpenApiDenial"), ("500", "Problem")]
    {
        assert_eq!(schema(&open[status]), format!("#/components/schemas/{name}"), "{status}: {open}");
    }
    let success = &open["200"]["content"]["application/json"]["schema"]["anyOf"];
    assert_eq!(success[1]["$ref"], "#/components/schemas/ErrorA", "{success}");
    let admin = responses("/v1/admin/issues/merge", "post");
    assert_eq!(schema(&admin["404"]), "#/components/schemas/AdminError");
}

#[tokio::test]
async fn a_get_has_its_parameters_in_the_address() {
    let document = document(&detached());
    let names = |method: &str| -> Vec<String> {
        let parameters = &document["paths"]["/uniform/openapi/crashList"][method]["parameters"];
        parameters.as_array().expect("parameters").iter().map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
    };
    let signature = ["localUserId", "t", "userSecret"];
    assert_eq!(names("post"), signature);
    assert!(["appId", "platformId", "issueId", "rows", "start"].iter().all(|name| names("get").iter().any(|known| known == name)));
    let aliases = &document["paths"]["/v1/admin/issues/aliases"]["get"]["parameters"];
    assert!(aliases.as_array().is_some_and(|parameters| parameters.len() == 3), "{aliases}");
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
            let blocks = bounds::blocks(&operation["requestBody"]["content"]["application/json"]["schema"]);
            let bodies = blocks.iter().map(|block| &document["components"]["schemas"][block]["properties"]);
            let members = bodies.flat_map(|body| body.as_object().expect("properties").keys().map(String::as_str));
            let named = asked.filter_map(|parameter| parameter["name"].as_str()).chain(members);
            for name in named {
                let bound = bounds::of(name).unwrap_or_else(|| panic!("{path}: {name} has no bound"));
                let long = match bound {
                    bounds::Bound::One(longest) => Value::from("x".repeat(longest + 1)),
                    bounds::Bound::List { most, .. } => Value::from(vec!["x"; most + 1]),
                };
                let request = asking(path, &serde_json::json!({ name: long }).to_string());
                let refused = RequestParameters::gather(&request, path).expect_err(name).to_string();
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
    let refused = |request: &Request| RequestParameters::gather(request, path).expect_err("too much").to_string();
    let many = |count: usize| serde_json::Map::from_iter((0..count).map(|number| (format!("n{number}"), Value::from(1))));
    assert!(RequestParameters::gather(&asking(path, &Value::Object(many(64)).to_string()), path).is_ok());
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
