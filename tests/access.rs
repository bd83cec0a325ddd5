//! The log asks who is there: nobody without an account comes in, and the account of a role may do what the role does and no more.

use crate::harness::{APP, Options, Pipeline, until};
use serde_json::json;
use service::kafka::{Admin, Config, Error, Producer, ProducerOptions};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::runtime::Runtime;

/// The log with these properties; its names as a client of this configuration gives them.
fn log(pipeline: &Pipeline, properties: BTreeMap<String, service::config::Secret<String>>) -> Config {
    Config { properties, ..pipeline.log() }
}

/// With the account of a role, as `standalone.json` has it.
fn log_of(pipeline: &Pipeline, role: &str) -> Config {
    let state = pipeline.state();
    let properties = state["kafka_roles"][role].as_object().unwrap_or_else(|| panic!("no {role} in standalone.json"));
    let properties = properties.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().into()));
    log(pipeline, properties.collect())
}

async fn send(config: &Config, topic: &str) -> Result<(), Error> {
    let options =
        ProducerOptions { client_id: "access".to_owned(), delivery_timeout: Duration::from_secs(5), ..ProducerOptions::default() };
    let producer = Producer::new(config, options)?;
    producer.send(topic, b"key", b"no record of ours")?.await.map(drop)
}

#[test]
fn a_stranger_reads_and_writes_nothing() {
    let pipeline = Pipeline::start_with(&Options { partitions: 1, ..Options::default() });
    let operator = pipeline.broker();
    let before = operator.watermarks("releases", 0);
    let state = pipeline.state();
    let wrong = |name: &str, value: &str| {
        let mut properties = pipeline.log().properties;
        properties.insert(name.to_owned(), value.into());
        log(&pipeline, properties)
    };
    assert_eq!(state["kafka_properties"]["security.protocol"], "SASL_PLAINTEXT");
    for config in [log(&pipeline, BTreeMap::new()), wrong("sasl.password", "guessed"), wrong("sasl.username", "root")] {
        Runtime::new().unwrap().block_on(async {
            let (sent, seen) = tokio::join!(send(&config, "releases"), async { Admin::new(&config)?.partitions("raw-reports").await });
            assert!(sent.is_err() && seen.is_err(), "{sent:?} {seen:?}");
        });
    }
    assert_eq!(operator.watermarks("releases", 0), before);
}

#[test]
fn each_role_has_an_account_that_does_its_work_and_no_more() {
    let pipeline = Pipeline::start_with(&Options { partitions: 1, ..Options::default() });
    let refused = |outcome: Result<(), Error>, what: &str| {
        let said = outcome.expect_err(what).to_string();
        assert!(said.contains("AuthorizationFailed"), "{what}: {said}");
    };
    Runtime::new().unwrap().block_on(async {
        for (role, may, may_not) in [
            ("ingest", "connections", &["releases", "issue-changes", "rejected-reports"][..]),
            ("processor", "rejected-reports", &["releases", "issue-changes", "raw-reports", "connections"]),
            ("query", "issue-changes", &["raw-reports", "connections", "rejected-reports"]),
        ] {
            let config = log_of(&pipeline, role);
            send(&config, may).await.unwrap_or_else(|error| panic!("{role} cannot write to {may}: {error}"));
            for topic in may_not {
                refused(send(&config, topic).await, &format!("{role} writes to {topic}"));
            }
            for topic in ["raw-reports", "releases"] {
                let deleted = Admin::new(&config).unwrap().delete_topic(topic).await;
                refused(deleted, &format!("{role} deletes {topic}"));
            }
        }
    });
    // By these accounts the whole works: a report goes from the edge to the tables.
    let body = json!({"category": "crash", "platformId": 1, "productVersion": "1.0", "deviceId": "手机", "expName": "E", "callStack": "at a.B.c(B.java:1)"});
    pipeline.deliver("/v1/reports", &[("x-app-key", crate::harness::KEY)], body.to_string().as_bytes());
    until("it is in the tables", || {
        let rows = pipeline.engine().try_rows(&format!("select count() as n from aftershock.occurrences where app_id = '{APP}'"))?;
        if rows[0]["n"] == 1 { Ok(()) } else { Err(format!("{rows:?}")) }
    });
}
