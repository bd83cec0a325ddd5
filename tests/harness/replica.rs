//! A second fold of the same log: its own consumer group and its own, empty tables, beside the standalone's.

use super::process::binary;
use super::{Broker, Engine, Operator, Pipeline, Process, until};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// Database and consumer group of the same name.
pub struct Replica<'a> {
    pipeline: &'a Pipeline,
    pub name: &'static str,
    config: PathBuf,
}

impl<'a> Replica<'a> {
    /// Makes the tables; nothing is folded yet. `slice` = keys of `[processor.slice]`.
    pub fn new(pipeline: &'a Pipeline, name: &'static str, partitions: u32, slice: &str) -> Self {
        let more = format!(
            "database = \"{name}\"\n[topics]\npartitions = {partitions}\n[processor]\nlisten = \"127.0.0.1:0\"\nsession_timeout = \"6s\"\n[processor.slice]\n{slice}\n"
        );
        let config = pipeline.role_config_in_group(name, name, &more);
        let mut migrate = Process::start(&["migrate", "--config", config.to_str().unwrap()]);
        let code = until("the tables are made", || migrate.exit_code().ok_or("still running"));
        assert_eq!(code, 0);
        Self { pipeline, name, config }
    }

    /// Starts a processor that folds the log into the tables of this replica.
    pub fn processor(&self) -> Process {
        self.processor_with(&[])
    }

    /// The same with further variables in its environment.
    pub fn processor_with(&self, variables: &[(&str, &str)]) -> Process {
        let arguments = ["processor", "--config", self.config.to_str().unwrap()];
        Process::of(Command::new(binary()).args(arguments).envs(variables.iter().copied()))
    }

    /// Starts a query service over the tables of this replica.
    pub fn query(&self) -> (Process, Operator) {
        let mut process = Process::start(&["query", "--config", self.config.to_str().unwrap()]);
        let line: Value = serde_json::from_str(&process.first_line().unwrap()).unwrap();
        let operator = Operator { url: line["query"].as_str().unwrap().to_owned(), ..self.pipeline.operator() };
        (process, operator)
    }

    /// Waits until its group has committed the end of every partition of a topic, with no slice open.
    pub fn caught_up(&self, topic: &str, partitions: i32) {
        until("the replica has caught up", || self.try_caught_up(topic, partitions));
    }

    /// Whether it has; what is missing otherwise.
    pub fn try_caught_up(&self, topic: &str, partitions: i32) -> Result<(), String> {
        let broker = self.pipeline.broker();
        for partition in 0..partitions {
            let (low, high) = broker.watermarks(topic, partition);
            let committed = broker.committed(self.name, topic, partition);
            let done = high == low || committed.as_ref().is_some_and(|(offset, metadata)| *offset == high && metadata.is_empty());
            if !done {
                return Err(format!("{topic} {partition}: {committed:?} of {high}"));
            }
        }
        Ok(())
    }

    /// Folds everything in the log, with a processor that leaves afterwards.
    pub fn fold(&self, topics: &[&str], partitions: i32) {
        let mut processor = self.processor();
        topics.iter().for_each(|topic| self.caught_up(topic, partitions));
        assert_eq!(processor.terminate(), Some(0));
    }

    /// Rows that are in one of the tables and not in the other, every column compared.
    pub fn differences(&self, table: &str) -> i64 {
        let engine = self.pipeline.engine();
        let (ours, theirs) = (format!("select * from {}.{table}", self.name), format!("select * from aftershock.{table}"));
        let one_way = |a: &str, b: &str| engine.number(&format!("select count() as n from ({a} except all {b})"));
        one_way(&ours, &theirs) + one_way(&theirs, &ours)
    }

    pub fn engine(&self) -> Engine {
        self.pipeline.engine()
    }

    pub fn broker(&self) -> Broker {
        self.pipeline.broker()
    }
}
