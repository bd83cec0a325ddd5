//! ClickHouse over TLS: processor and query work through an `https://` address whose authority they trust, and through no other.
//!
//! The server is the embedded engine behind the house's own TLS acceptor.

use crate::harness::{APP, Engine, KEY, Pipeline, Process, binary, get, signal, until};
use service::http::{Client, Endpoint, HeaderMap, Method, Options, Request, Response, Router, StatusCode, Tls, serve, text};
use service::shutdown::Shutdown;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// Hands every request on to the engine.
struct Forward {
    client: Client,
    url: String,
    inserts: Arc<AtomicUsize>,
}

impl Endpoint for Forward {
    const METHODS: &'static [Method] = &[Method::POST, Method::GET];
    const PATH: &'static str = "/";
    const SUMMARY: &'static str = "Forwards";
    const TAG: &'static str = "test";
    const BODY_LIMIT: usize = 64 << 20;
    type Input = Request;
    type Output = Response;
    type Error = Response;

    async fn call(&self, request: Request) -> Result<Response, Response> {
        let url = format!("{}/?{}", self.url, request.query);
        let query = request.query.to_ascii_lowercase();
        if query.contains("insert") && query.contains("occurrences") {
            self.inserts.fetch_add(1, Relaxed);
        }
        let mut headers = request.headers;
        for name in ["host", "connection", "transfer-encoding", "content-length"] {
            headers.remove(name);
        }
        let failed = |error: &dyn std::fmt::Display| text(StatusCode::BAD_GATEWAY, error.to_string());
        let answer = self.client.send(request.method, &url, headers, request.body).await.map_err(|error| failed(&error))?;
        let mut response = Response::new(answer.body.into());
        *response.status_mut() = answer.status;
        let kept = |name: &&service::http::HeaderName| name.as_str().starts_with("x-clickhouse") || name.as_str() == "content-encoding";
        let kept: HeaderMap =
            answer.headers.iter().filter(|(name, _)| kept(name)).map(|(name, value)| (name.clone(), value.clone())).collect();
        response.headers_mut().extend(kept);
        Ok(response)
    }
}

/// The engine behind TLS on a port of its own, for as long as the runtime lives; its address, and the inserts of reports that come there.
fn encrypted(runtime: &tokio::runtime::Runtime, engine: &Engine, tls: Tls) -> (String, Arc<AtomicUsize>) {
    let inserts = Arc::new(AtomicUsize::new(0));
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    let forward = Forward { client: Client::new(Duration::from_secs(60)), url: engine.url.clone(), inserts: Arc::clone(&inserts) };
    let options = Options { tls: Some(tls), ..Options::default() };
    runtime.spawn(async move {
        let (_trigger, shutdown) = Shutdown::new();
        serve(listener, Router::new("engine").mount(forward), options, shutdown).await
    });
    (format!("https://localhost:{port}"), inserts)
}

/// A new certificate of localhost in a folder, as authority and server in one.
fn certificate(folder: &Path, name: &str) -> Tls {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    Tls::new(certificate, key)
}

/// A configuration of roles that reach the tables by this address.
fn config(pipeline: &Pipeline, name: &str, url: &str, authority: &Path) -> String {
    let more = "[query]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\nrequire_projections = true\n\
                [processor]\nlisten = \"127.0.0.1:0\"\nsession_timeout = \"6s\"\n[processor.slice]\nlinger = \"50ms\"\n[topics]\npartitions = 2\n";
    let path = pipeline.role_config(name, "");
    let text = std::fs::read_to_string(&path).unwrap();
    let url_of_engine = format!("url = \"{}\"", pipeline.engine().url);
    assert!(text.contains(&url_of_engine), "{text}");
    let text = text.replace(&url_of_engine, &format!("url = \"{url}\"\nca_certificate = \"{}\"", authority.display()));
    let text = text.replace("[query]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n", more);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn check(config: &str) -> (bool, String) {
    let output = Command::new(binary()).args(["check", "--config", config]).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The address that a role says it listens on.
fn told(process: &mut Process, name: &str) -> String {
    let line = process.first_line().unwrap();
    let told: serde_json::Value = serde_json::from_str(&line).unwrap();
    told[name].as_str().unwrap_or_else(|| panic!("no {name} in {line}")).to_owned()
}

#[test]
fn processor_and_query_work_through_an_encrypted_address() {
    let pipeline = Pipeline::start();
    let (folder, runtime) = (tempfile::tempdir().unwrap(), tokio::runtime::Runtime::new().unwrap());
    let (own, other) = (certificate(folder.path(), "own"), certificate(folder.path(), "other"));
    let (url, inserts) = encrypted(&runtime, &pipeline.engine(), own.clone());
    let trusting = config(&pipeline, "trusting", &url, &own.certificate);
    let (is_fine, said) = check(&trusting);
    assert!(is_fine, "{said}");
    let mut migrated = Process::start(&["migrate", "--config", &trusting]);
    until("the migration ends", || migrated.exit_code().ok_or("it runs"));
    assert_eq!(migrated.exit_code(), Some(0));
    // The group gives all partitions to the encrypted processor once the pipeline's own is silent.
    pipeline.children("processor").into_iter().for_each(|id| signal(id, "STOP"));
    let mut processor = Process::start(&["processor", "--config", &trusting]);
    let mut query = Process::start(&["query", "--config", &trusting]);
    let (processor_url, query_url) = (told(&mut processor, "processor"), told(&mut query, "query"));
    until("the processor is ready", || match get(&format!("{processor_url}/readyz"), &[])? {
        reply if reply.status == 200 => Ok(()),
        reply => Err(reply.text),
    });
    let mut reports = 0;
    until("the encrypted processor inserts", || {
        let body =
            format!(r#"{{"eventId":"encrypted-{reports}","category":"crash","platformId":1,"productVersion":"1.0","expName":"崩溃"}}"#);
        pipeline.deliver("/v1/reports", &[("x-app-key", KEY), ("content-type", "application/json")], body.as_bytes());
        reports += 1;
        if inserts.load(Relaxed) > 0 { Ok(()) } else { Err(format!("{reports} reports, no insert")) }
    });
    let mut operator = pipeline.operator();
    operator.url = query_url;
    operator.drained();
    let count = pipeline.engine().number(&format!("select count() from aftershock.occurrences where app_id = '{APP}'"));
    assert_eq!(count, reports);

    let strange = config(&pipeline, "strange", &url, &other.certificate);
    let mut stranger = Process::start(&["query", "--config", &strange]);
    let admin = told(&mut stranger, "query_admin");
    let reply = until("it says that the tables are away", || match get(&format!("{admin}/readyz"), &[])? {
        reply if reply.status == 503 => Ok(reply.text),
        reply => Err(reply.text),
    });
    assert!(reply.contains("the tables"), "{reply}");
    let (is_fine, said) = check(&config(&pipeline, "absent", &url, &folder.path().join("none.pem")));
    assert!(!is_fine && said.contains("ca_certificate") && said.contains("none.pem"), "{said}");
}
