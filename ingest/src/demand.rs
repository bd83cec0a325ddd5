//! What a record asks of the limits.

use crate::accept::Item;
use schemas::record::RawReport;
use std::collections::BTreeMap;

/// About what a record takes besides its long texts.
pub(crate) const REST_BYTES: usize = 512;

/// What the limits look at in a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand<'a> {
    /// As the client names it; may be empty, or name none.
    pub(crate) device: &'a str,
    /// Whether its app ended or hung.
    pub(crate) is_fatal: bool,
    /// One, or the starts that a client counted together.
    pub(crate) count: u32,
    /// About as many as it takes in the log.
    pub(crate) bytes: usize,
}

impl<'a> Demand<'a> {
    pub(crate) fn of<R: Item>(record: &'a R) -> Self {
        Self { device: record.device(), is_fatal: record.is_fatal(), count: record.count(), bytes: record.bytes() }
    }
}

/// About as many bytes as a report takes in the log.
pub(crate) fn report_bytes(report: &RawReport) -> usize {
    let texts = [&report.exp_message, &report.call_stack, &report.user_logs, &report.sys_logs, &report.context, &report.extra];
    let texts = texts.into_iter().chain(&report.tags).chain(&report.fingerprint).map(String::len);
    let pairs = |map: &BTreeMap<String, String>| map.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    let threads = report.threads.iter().map(|thread| thread.name.len() + thread.stack.len());
    let files = report.attachments.iter().map(|file| file.name.len() + file.data.len());
    REST_BYTES + texts.chain(threads).chain(files).sum::<usize>() + pairs(&report.user_key) + pairs(&report.server_key)
}
