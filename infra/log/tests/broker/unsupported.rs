//! What the embedded log does not have is refused at once, in words that the client knows.

use crate::harness::{Broker, PATIENCE, external, send};
use rdkafka::producer::{BaseProducer, Producer};
use std::time::Instant;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_are_refused_and_the_rest_goes_on() {
    if external().is_some() {
        // Apache Kafka has transactions.
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let topic = broker.topic("plain", 1, &[]).await;
    let mut config = broker.client();
    let refused = tokio::task::spawn_blocking(move || {
        config.set("transactional.id", "one").set("log_level", "0");
        let producer: BaseProducer = config.create().unwrap();
        let asked = Instant::now();
        (producer.init_transactions(PATIENCE).unwrap_err().to_string(), asked.elapsed())
    });
    let (error, took) = refused.await.unwrap();
    assert!(took < PATIENCE / 2, "{took:?}: {error}");
    assert_eq!(send(&broker.producer(&[]), &topic, 0, b"x").await, 0);
    broker.stop().await;
}
