//! Every path that is mounted answers in its dialect's words and is counted under its name: a dialect that is missing in
//! `DIALECTS` fails here.

use super::http::{KEY, Server};
use crate::config::Config;
use crate::dialect::DIALECTS;
use crate::edge::Edge;
use service::credentials::{Credentials, Keyring};
use service::kafka;
use std::sync::Arc;

fn paths() -> Vec<String> {
    let kafka = kafka::Config { brokers: "127.0.0.1:1".to_owned(), ..kafka::Config::default() };
    let keyring = Keyring::fixed(Credentials::new(Vec::new(), Vec::new(), Vec::new()).unwrap());
    let edge = Arc::new(Edge::new(&Config::default(), &kafka, keyring).unwrap());
    let router = crate::router(&edge);
    let posts = router.paths().into_iter().filter(|(method, _)| method == "POST");
    posts.map(|(_, path)| path.replace("{project}", "1")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_path_answers_and_is_counted() {
    let server = Server::without_log(Config::default()).await;
    let auth = format!("Sentry sentry_key={KEY}");
    let paths = paths();
    assert!(paths.len() >= 8, "{paths:?}");
    for path in paths {
        let refused = server.post(&path, &[("x-app-key", KEY), ("x-sentry-auth", &auth)], "nonsense").await;
        assert!((400..500).contains(&refused.status), "{path}: {} {}", refused.status, refused.body);
    }
    let metrics = server.ask("/metrics").await.1;
    for dialect in DIALECTS {
        for series in ["aftershock_received_bytes_total{", "aftershock_reports_total{"] {
            let series = format!("{series}dialect=\"{}\"", dialect.name());
            assert!(metrics.contains(&series), "{series}");
        }
    }
    server.stop().await;
}
