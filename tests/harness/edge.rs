//! An edge of its own beside a standalone, so that what it takes of the machine is its alone.

use super::{Pipeline, Process, within};
use std::net::SocketAddr;
use std::time::Duration;

/// A running `aftershock ingest`.
pub struct Edge {
    pub process: Process,
    /// `http://host:port`, or `https://` of it.
    pub url: String,
}

impl Edge {
    /// Starts it without limits of rate; `more` is appended to its configuration.
    pub fn start(pipeline: &Pipeline, name: &str, more: &str) -> Self {
        let config = pipeline.role_config(name, more);
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, text.replacen("[ingest]\n", "[ingest]\nreports_per_minute = 0\n", 1)).unwrap();
        let mut process = Process::start(&["ingest", "--config", config.to_str().unwrap()]);
        let line = process.first_line().unwrap();
        let told: serde_json::Value = serde_json::from_str(&line).unwrap();
        let url = told["ingest"].as_str().unwrap_or_else(|| panic!("no address in {line}")).to_owned();
        let edge = Self { process, url };
        within(Duration::from_secs(60), "the edge accepts", || std::net::TcpStream::connect(edge.address()).map(drop));
        edge
    }

    pub fn address(&self) -> SocketAddr {
        self.url.split("://").nth(1).unwrap().parse().unwrap()
    }
}
