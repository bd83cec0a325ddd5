//! What the items of one request may take besides their own bytes.
//!
//! A batch of a thousand items of a few bytes has one `User-Agent`, which stands in every report, and a thousand refusals can be
//! worded at length. Both are bounded by the length of the body, so that a small request stays small.

use super::bounds::COPIES_SPARE;
use super::cut::mark;
use crate::accept::Item;
use crate::encoded::Ready;
use crate::rejection::Rejection;
use schemas::record::{RawReport, Record};
use std::cell::Cell;

/// All that a refusal says when the request has had its share of words.
const WORDLESS: &str = "invalid";

/// Bytes that are left.
pub(super) struct Allowance(Cell<usize>);

impl Allowance {
    /// For a body of so many bytes.
    pub(super) fn of(body: usize) -> Self {
        Self(Cell::new(body.saturating_add(COPIES_SPARE)))
    }

    /// Leaves out of a report what stands in all of them alike, where the request has had its share.
    pub(super) fn copies(&self, report: &mut RawReport) {
        if !self.take(report.user_agent.len()) {
            report.user_agent = String::new();
            mark("userAgent", &mut report.truncated);
        }
    }

    /// Makes what was read ready for the log; a refusal keeps its words while there are some left.
    pub(super) fn ready<R: Item + Record>(&self, read: Result<R, Rejection>) -> Result<Ready<R>, Rejection> {
        read.and_then(Ready::of).map_err(|rejection| match rejection {
            Rejection::InvalidParams(why) if !self.take(why.len()) => Rejection::InvalidParams(WORDLESS.to_owned()),
            rejection => rejection,
        })
    }

    fn take(&self, bytes: usize) -> bool {
        let left = self.0.get().checked_sub(bytes);
        self.0.set(left.unwrap_or(self.0.get()));
        left.is_some()
    }
}
