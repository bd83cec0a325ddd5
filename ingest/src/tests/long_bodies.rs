//! Bodies that take long to read, over real sockets: whom they delay and how many may wait. Addresses are those that a trusted
//! proxy names.

use super::http::{KEY, MESSAGE, Server};
use crate::config::{Config, LongBodies};
use crate::dialect::BODY_LIMIT;
use service::config::Span;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tokio::task::JoinSet;

const FLOOD: &str = "203.0.113.9";
const OTHER: &str = "198.51.100.7";
const REPORT: &str = r#"{"category":"crash","platformId":1,"expName":"E"}"#;

async fn server(long_bodies: LongBodies) -> Arc<Server> {
    let proxies = vec!["127.0.0.0/8".parse().unwrap()];
    Arc::new(Server::with_log(Config { trusted_proxies: proxies, long_bodies, ..Config::default() }).await)
}

/// A report that has as many bytes as a body may have, packed to a few thousand.
fn packed() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&vec![b' '; BODY_LIMIT - REPORT.len()]).unwrap();
    encoder.write_all(REPORT.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

async fn send(server: &Server, address: &str, body: Vec<u8>) -> super::http::Answer {
    let headers = [("x-app-key", KEY), ("content-encoding", "gzip"), ("x-forwarded-for", address)];
    server.post("/v1/reports", &headers, body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_of_long_bodies_delays_another_address_by_a_few_of_them() {
    const BODIES: usize = 24;
    let server = server(LongBodies { timeout: Span::seconds(60), ..LongBodies::default() }).await;
    let answered = Arc::new(AtomicUsize::new(0));
    let mut flood = JoinSet::new();
    for _ in 0..BODIES {
        let (server, answered) = (Arc::clone(&server), Arc::clone(&answered));
        flood.spawn(async move {
            assert_eq!(send(&server, FLOOD, packed()).await.status, 200);
            answered.fetch_add(1, Relaxed);
        });
    }
    while answered.load(Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let before = answered.load(Relaxed);
    assert_eq!(send(&server, OTHER, packed()).await.status, 200, "a long body of another address");
    let message = r#"{"platform":"web","message":"m"}"#;
    assert_eq!(server.post(MESSAGE, &[("x-forwarded-for", OTHER)], message).await.status, 200, "a short one");
    let meanwhile = answered.load(Relaxed) - before;
    assert!(meanwhile < BODIES / 2, "{meanwhile} long bodies of the flood were read before two requests of another address");
    flood.join_all().await;
    Arc::into_inner(server).unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_long_bodies_than_may_wait_are_a_503_with_a_reason_of_its_own() {
    let server = server(LongBodies { waiting_per_address: 1, timeout: Span::seconds(60), ..LongBodies::default() }).await;
    let mut flood = JoinSet::new();
    for _ in 0..40 {
        let server = Arc::clone(&server);
        flood.spawn(async move { send(&server, FLOOD, packed()).await });
    }
    let answers = flood.join_all().await;
    let (taken, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert!(!taken.is_empty() && !refused.is_empty(), "{} taken, {} refused", taken.len(), refused.len());
    for answer in refused {
        assert_eq!((answer.status, answer.retry_after), (503, Some(1)));
        assert_eq!((&answer.body["code"], &answer.body["accepted"]), (&"Busy".into(), &0.into()));
    }
    assert_eq!(send(&server, OTHER, packed()).await.status, 200);
    let metrics = server.ask("/metrics").await.1;
    assert!(metrics.contains(r#"aftershock_reports_total{dialect="native",outcome="rejected",reason="Busy"}"#), "{metrics}");
    Arc::into_inner(server).unwrap().stop().await;
}
