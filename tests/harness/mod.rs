//! Starts `aftershock` as its users do, speaks to it over its ports, and waits on conditions.

mod edge;
mod engine;
mod http;
mod kafka;
mod openapi;
mod process;
mod replica;
mod tree;
mod wait;
mod wire;

pub use edge::Edge;
pub use engine::Engine;
pub use http::{Reply, get, post_with};
pub use kafka::Broker;
pub use openapi::{Analyst, Operator};
pub use process::{Process, is_alive, more_files, peak_memory, signal};
pub use replica::Replica;
pub use tree::{APP, CHILDREN, KEY, OTHER_APP, OTHER_KEY, Options, Pipeline, RELEASE_KEY};
pub use wait::{pause, rest, until, within};
pub use wire::{Answer, Wire};

/// The file of the binary under test, built once with the profile of the tests.
pub fn binary() -> &'static std::path::Path {
    process::binary()
}

/// The folder of labelled and real data beside the project, where it is there.
pub fn shared_data() -> Option<std::path::PathBuf> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    folder.is_dir().then_some(folder)
}
