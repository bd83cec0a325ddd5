//! What a record asks of the limits.

use schemas::record::{Category, Connection, RawReport};
use std::collections::BTreeMap;

/// About what a record takes besides its long texts.
const REST_BYTES: usize = 512;

/// What the limits look at in a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand<'a> {
    /// As the client names it; may be empty, or name none.
    pub(crate) device: &'a str,
    /// Whether it tells of a crash.
    pub(crate) is_fatal: bool,
    /// One, or the starts that a client counted together.
    pub(crate) count: u32,
    /// About as many as it takes in the log.
    pub(crate) bytes: usize,
}

impl<'a> Demand<'a> {
    pub(crate) fn of_report(report: &'a RawReport) -> Self {
        let texts = [&report.exp_message, &report.call_stack, &report.user_logs, &report.sys_logs, &report.context, &report.extra];
        let texts = texts.into_iter().chain(&report.tags).chain(&report.fingerprint).map(String::len);
        let pairs = |map: &BTreeMap<String, String>| map.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        let threads = report.threads.iter().map(|thread| thread.name.len() + thread.stack.len());
        let files = report.attachments.iter().map(|file| file.name.len() + file.data.len());
        let bytes = REST_BYTES + texts.chain(threads).chain(files).sum::<usize>() + pairs(&report.user_key) + pairs(&report.server_key);
        Self { device: &report.device_id, is_fatal: report.category == Category::Crash, count: 1, bytes }
    }

    pub(crate) fn of_connection(connection: &'a Connection) -> Self {
        let bytes = REST_BYTES + connection.extra.len();
        Self { device: &connection.device_id, is_fatal: false, count: connection.count, bytes }
    }
}
