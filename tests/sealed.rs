//! TLS from outside: an edge with a certificate, a whole standalone with one, and another certificate while they run.

use crate::harness::{Edge, KEY, Pipeline, Process, binary, within};
use service::http::{Client, HeaderMap, HeaderValue, Method, StatusCode};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// A new certificate and its key, written over those in the folder; the certificate's file.
fn renew(folder: &Path) -> PathBuf {
    let made = rcgen::generate_simple_self_signed(vec!["crash.example".to_owned()]).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("certificate.pem"), made.cert.pem()).unwrap();
    folder.join("certificate.pem")
}

/// An edge that speaks TLS, with paths relative to its configuration.
pub fn edge(pipeline: &Pipeline) -> Edge {
    renew(pipeline.data().parent().unwrap());
    let tls = "[ingest.tls]\ncertificate = \"certificate.pem\"\nkey = \"key.pem\"\nhandshake_timeout = \"2s\"\n";
    Edge::start(pipeline, "sealed", tls)
}

#[test]
fn a_certificate_is_served_and_renewed_without_a_restart() {
    let pipeline = Pipeline::start();
    let edge = edge(&pipeline);
    let folder = pipeline.data().parent().unwrap().to_owned();
    assert!(edge.url.starts_with("https://"), "{}", edge.url);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = |certificate: &Path| -> Result<StatusCode, String> {
        let headers = HeaderMap::from_iter([("x-app-key".parse().unwrap(), HeaderValue::from_static(KEY))]);
        let body = r#"{"category":"crash","platformId":1,"productVersion":"1.0","expName":"崩溃"}"#;
        runtime.block_on(async {
            let client = Client::trusting(PATIENCE, certificate).map_err(|error| error.to_string())?;
            let sent = client.send(Method::POST, &format!("{}/v1/reports", edge.url), headers, body).await;
            sent.map(|answer| answer.status).map_err(|error| error.to_string())
        })
    };
    let first = folder.join("first.pem");
    std::fs::copy(folder.join("certificate.pem"), &first).unwrap();
    within(PATIENCE, "a report over TLS", || {
        report(&first).and_then(|status| if status == 200 { Ok(()) } else { Err(status.to_string()) })
    });

    let second = renew(&folder);
    crate::harness::signal(edge.process.id(), "HUP");
    within(PATIENCE, "the new certificate", || report(&second).map(drop));
    assert!(report(&first).is_err(), "the old one is gone");

    std::fs::copy(&second, folder.join("second.pem")).unwrap();
    std::fs::write(&second, "nothing").unwrap();
    crate::harness::signal(edge.process.id(), "HUP");
    for _ in 0..20 {
        assert_eq!(report(&folder.join("second.pem")), Ok(StatusCode::OK), "a bad one changes nothing");
    }
}

/// `standalone` and `demo` as a user starts them, with a certificate of their own for edge and query. Nobody sends a signal here:
/// the files are looked at by themselves.
#[test]
fn the_whole_speaks_tls_and_finds_a_renewed_certificate_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let service = |name: &str| {
        format!(
            "[{name}]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n[{name}.tls]\ncertificate = \"certificate.pem\"\nkey = \"key.pem\"\n"
        )
    };
    let config = folder.path().join("aftershock.toml");
    let more = "[processor]\nlisten = \"127.0.0.1:0\"\n[processor.slice]\nlinger = \"50ms\"\n[data]\ndir = \"data\"\n";
    std::fs::write(&config, [service("ingest"), service("query"), more.to_owned()].concat()).unwrap();
    renew(folder.path());
    let mut standalone = Process::start(&["standalone", "--config", config.to_str().unwrap()]);
    let ready = standalone.first_line().unwrap();
    assert!(ready.contains(r#""ingest":"https://"#) && ready.contains(r#""query":"https://"#), "{ready}");

    let demo = || {
        let output = Command::new(binary()).args(["demo", "--config", config.to_str().unwrap(), "--reports", "300"]).output().unwrap();
        match String::from_utf8_lossy(&output.stdout).contains("top issues") && output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    };
    demo().unwrap();
    renew(folder.path());
    // The client trusts nothing but the new certificate.
    within(Duration::from_secs(60), "the new certificate at edge and query", demo);
    assert_eq!(standalone.terminate(), Some(0));
}
