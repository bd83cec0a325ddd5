//! The tracing span of a request.

use super::*;
use std::io::Write;
use std::sync::Mutex;
use tracing_subscriber::fmt::format::FmtSpan;

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The lines about requests that have ended, as JSON, of a server that was asked for these targets.
async fn spans(level: tracing::Level, asked: &[(Method, &str)]) -> Vec<serde_json::Value> {
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt().json().with_max_level(level).with_span_events(FmtSpan::CLOSE);
    let subscriber = lines.with_writer(move || writer.clone()).finish();
    // The server runs on this thread, so what it logs comes here.
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = Server::start(Limits::default()).await;
    let client = Client::new(PATIENCE);
    for (method, target) in asked {
        let url = format!("http://{}{target}", server.address);
        client.send(method.clone(), &url, HeaderMap::new(), "12345").await.unwrap();
    }
    server.stop().await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.filter(|line| line["fields"]["message"] == "close" && line["span"]["name"] == "request").collect()
}

#[tokio::test]
async fn a_request_has_a_span_that_tells_its_route_and_its_outcome() {
    let asked = [(Method::PUT, "/v1/counts/geheim?key=geheim"), (Method::PUT, "/geheim"), (Method::GET, "/broken")];
    let spans = spans(tracing::Level::DEBUG, &asked).await;
    let seen = spans.iter().map(|line| {
        let span = &line["span"];
        let of = |name: &str| span[name].as_str().unwrap().to_owned();
        (of("service"), of("http.method"), of("http.route"), span["http.status"].as_u64(), span["received.bytes"].as_u64())
    });
    let expected = |method: &str, route: &str, status, received| {
        ("test".to_owned(), method.to_owned(), route.to_owned(), Some(status), Some(received))
    };
    let seen: Vec<_> = seen.collect();
    assert_eq!(seen, [expected("PUT", "/v1/counts/{name}", 200, 5), expected("PUT", "none", 404, 0), expected("GET", "/broken", 500, 5)]);
    let ids: std::collections::BTreeSet<&str> = spans.iter().map(|line| line["span"]["request.id"].as_str().unwrap()).collect();
    assert!(ids.len() == 3 && ids.iter().all(|id| id.len() == 16), "{ids:?}");
    assert!(!spans.iter().any(|line| line.to_string().contains("geheim")), "nothing of the request's content");
}

#[tokio::test]
async fn without_the_level_there_is_no_span() {
    assert!(spans(tracing::Level::INFO, &[(Method::GET, "/healthz")]).await.is_empty());
}
