//! What each role needs of the log: one table, for the accounts of the embedded broker and for the ACLs of a Kafka
//! (`docs/kafka-access.md` is rendered from it).

use crate::role::Role;
use embedded_log::{Grant, Operation, Resource};
use schemas::record::{Connection, IssueChange, RawReport, Record, RejectedReport, Release, TABLE_TOPICS, TOPICS};
use service::config::Secret;
use service::kafka;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The account of standalone itself, of `migrate` and of `replay`.
pub const OPERATOR: &str = "aftershock";

/// librdkafka's properties of an account of the embedded broker.
pub fn properties(user: &str, password: &Secret<String>) -> BTreeMap<String, Secret<String>> {
    let fixed = [("security.protocol", "SASL_PLAINTEXT"), ("sasl.mechanism", "SCRAM-SHA-256"), ("sasl.username", user)];
    let mut all: BTreeMap<String, Secret<String>> = fixed.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    all.insert("sasl.password".to_owned(), password.clone());
    all
}

/// The log as a role reaches it: with the properties of its own, where it has some.
pub fn log_of(role: Role, log: &kafka::Config) -> kafka::Config {
    log.with(match role {
        Role::Ingest => &log.roles.ingest,
        Role::Processor => &log.roles.processor,
        Role::Query => &log.roles.query,
    })
}

/// What a role may do. Names are put behind the prefix that `log` has.
pub fn of(role: Role, log: &kafka::Config) -> Vec<Grant> {
    use Operation::{Describe, Read, Write};
    let topics = |operation, names: &[&str]| names.iter().map(|name| grant(Resource::Topic, name, operation)).collect::<Vec<_>>();
    // A reader of a compacted topic joins no group, but its library looks for the coordinator of one of the topic's name.
    let follows_releases = [grant(Resource::Topic, Release::TOPIC, Read), grant(Resource::Group, Release::TOPIC, Describe)];
    let mut grants = match role {
        Role::Ingest => [topics(Write, &[RawReport::TOPIC, Connection::TOPIC]), follows_releases.into()].concat(),
        Role::Processor => {
            [topics(Read, &TABLE_TOPICS), topics(Write, &[RejectedReport::TOPIC]), vec![grant(Resource::Group, &log.group, Read)]].concat()
        }
        Role::Query => [
            topics(Write, &[IssueChange::TOPIC, Release::TOPIC]),
            topics(Describe, &[RawReport::TOPIC, Connection::TOPIC, RejectedReport::TOPIC]),
            follows_releases.into(),
            vec![grant(Resource::Group, &log.group, Describe)],
        ]
        .concat(),
    };
    grants.iter_mut().for_each(|grant| grant.name.insert_str(0, &log.topic_prefix));
    grants
}

fn grant(resource: Resource, name: &str, operation: Operation) -> Grant {
    Grant { resource, name: name.to_owned(), operations: vec![operation] }
}

const HEAD: &str = "# What each role needs of a Kafka

The embedded log asks who you are and lets each role do its work and no more. A Kafka of your own does the same with these ACLs; without them whoever
reaches it can read every report, and take back or invent what people stated. Releases are safe even then: they are signed (`docs/releases.md`).

Each role gets an account in the configuration; one file may serve all of them:

```toml
[kafka]
brokers = \"kafka-1:9093,kafka-2:9093\"
topic_prefix = \"\"
[kafka.properties]                    # of migrate, replay and standalone itself, and of every role that has none of its own
security_protocol = \"SASL_SSL\"
sasl_mechanism = \"SCRAM-SHA-256\"
sasl_username = \"operator\"
sasl_password = \"...\"
[kafka.roles.ingest]
sasl_username = \"ingest\"
sasl_password = \"...\"
[kafka.roles.processor]
sasl_username = \"processor\"
sasl_password = \"...\"
[kafka.roles.query]
sasl_username = \"query\"
sasl_password = \"...\"
```

A password is better kept in the environment: `AFTERSHOCK__KAFKA__ROLES__INGEST__SASL_PASSWORD`. The ACLs, with `PREFIX` as `kafka.topic_prefix` and the
processors' group as `kafka.group` has them; `make test-kafka` applies these very lines to an Apache Kafka and runs the whole suite on it.

```sh
PREFIX=
acls() { kafka-acls.sh --bootstrap-server \"$KAFKA\" --command-config admin.properties --add \"$@\"; }
";

const TAIL: &str = "```

The operator makes topics and sets their retention (`migrate`), and reads them again (`replay`) in groups that begin with the processors' name. Nobody needs
`Delete` on a topic. A reader of `releases` joins no group, but its library looks for the coordinator of one of that name.

This page is rendered from the code and compared with it by a test.
";

/// The page of ACLs, in Markdown.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    let log = kafka::Config::default();
    let names = |kind: &str, names: &[&str]| names.iter().fold(String::new(), |all, name| format!("{all} --{kind} \"${{PREFIX}}{name}\""));
    let administers = "--operation Create --operation Describe --operation DescribeConfigs --operation AlterConfigs --operation Read";
    let _ = writeln!(page, "acls --allow-principal User:operator {administers}{}", names("topic", &TOPICS));
    let grouped = names("group", &[&log.group]);
    let _ = writeln!(
        page,
        "acls --allow-principal User:operator --operation Read --operation Delete --resource-pattern-type prefixed{grouped}"
    );
    for role in [Role::Ingest, Role::Processor, Role::Query] {
        let mut grants = of(role, &log);
        while let Some(first) = grants.first().cloned() {
            let is_alike = |grant: &Grant| grant.resource == first.resource && grant.operations == first.operations;
            let alike: Vec<&str> = grants.iter().filter(|grant| is_alike(grant)).map(|grant| grant.name.as_str()).collect();
            let kind = if first.resource == Resource::Topic { "topic" } else { "group" };
            let operations = first.operations.iter().fold(String::new(), |all, operation| format!("{all} --operation {operation:?}"));
            let _ = writeln!(page, "acls --allow-principal User:{}{operations}{}", role.name(), names(kind, &alike));
            grants.retain(|grant| !is_alike(grant));
        }
    }
    page + TAIL
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Renew with `AFTERSHOCK_RENEW_KAFKA_ACCESS=1 cargo test -p aftershock --lib permissions`.
    #[test]
    fn the_page_is_what_the_accounts_have() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/kafka-access.md");
        if std::env::var_os("AFTERSHOCK_RENEW_KAFKA_ACCESS").is_some() {
            assert!(std::fs::write(&file, page()).is_ok());
        }
        let stored = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            stored == page(),
            "docs/kafka-access.md is out of date: AFTERSHOCK_RENEW_KAFKA_ACCESS=1 cargo test -p aftershock --lib permissions"
        );
    }

    #[test]
    fn no_role_administers() {
        let log = kafka::Config::default();
        for role in Role::ALL {
            for grant in of(role, &log) {
                let only = [Operation::Read, Operation::Write, Operation::Describe];
                assert!(grant.operations.iter().all(|operation| only.contains(operation)) && grant.name != "*", "{role:?} {grant:?}");
            }
        }
    }

    #[test]
    fn names_have_the_prefix_of_the_log() {
        let log = kafka::Config { topic_prefix: "shop-".to_owned(), ..kafka::Config::default() };
        assert!(of(Role::Query, &log).iter().all(|grant| grant.name.starts_with("shop-")));
    }
}
