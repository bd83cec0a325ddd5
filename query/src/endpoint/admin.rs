//! The state of the service and what operators watch.

pub mod active;
pub mod pipeline;

pub use active::ActiveDevices;
pub use pipeline::Pipeline;
