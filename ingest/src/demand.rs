//! What a record asks of the limits.

use crate::accept::Item;
use crate::encoded::Ready;

/// What the limits look at in a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand<'a> {
    /// As the client names it; may be empty, or name none.
    pub(crate) device: &'a str,
    /// Whether its app ended or hung.
    pub(crate) is_fatal: bool,
    /// One, or the starts that a client counted together.
    pub(crate) count: u32,
    /// What it takes in the log.
    pub(crate) bytes: usize,
}

impl<'a> Demand<'a> {
    pub(crate) fn of<R: Item>(record: &'a Ready<R>) -> Self {
        Self { device: record.device(), is_fatal: record.is_fatal(), count: record.count(), bytes: record.length() }
    }
}
