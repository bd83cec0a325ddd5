//! What a child process is, and what it and its keeper tell one another.

use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;

/// Time for an engine to finish after it was asked to.
const FINISH_TIMEOUT: Duration = Duration::from_secs(30);
/// How far processor and query give way to the edge: where both want a core, they get a tenth of its share.
pub const NICENESS: i32 = 10;

/// What a child is.
#[derive(Debug)]
pub struct Spec {
    /// The subcommand.
    pub name: &'static str,
    pub arguments: Vec<OsString>,
    /// Secrets go this way or by `told`: arguments are seen by every user of the machine.
    pub environment: Vec<(&'static str, String)>,
    /// Where it listens; port 0 takes a free one, which later starts keep. Empty: on `sockets`.
    pub listen: String,
    /// The sockets that it is given.
    pub sockets: Vec<TcpListener>,
    /// What it reads first on its stdin, a line; may be empty.
    pub told: String,
    /// How far it stands back where others want the processor too, as `nice` counts it.
    pub niceness: i32,
    /// Time to finish after it was asked to.
    pub finish: Duration,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            name: "",
            arguments: Vec::new(),
            environment: Vec::new(),
            listen: String::new(),
            sockets: Vec::new(),
            told: String::new(),
            niceness: 0,
            finish: FINISH_TIMEOUT,
        }
    }
}

/// The first line of a child's stdout.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hello {
    pub listen: SocketAddr,
}

/// Where a child is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Life {
    Starting,
    /// It listens; whether it answers is for the client to see.
    Listening {
        pid: u32,
        address: SocketAddr,
    },
    /// It died too often before it answered, the last time so. It is still started again.
    Failing(String),
}

/// What a keeper is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Reload,
    Stop,
}
