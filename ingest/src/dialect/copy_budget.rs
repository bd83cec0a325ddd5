//! The copies that the items of one request may take besides their own bytes.
//!
//! A batch of a thousand items of a few bytes has one `User-Agent`, which stands in every report, and a thousand refusals can be
//! worded at length. Both are bounded by the length of the body, so that a small request stays small.

use super::bounds::COPIES_SPARE;
use super::cut::mark;
use crate::encoded::EncodedRecord;
use crate::item::Item;
use crate::rejection::Rejection;
use schemas::record::RawReport;
use std::cell::Cell;

/// All that a refusal says once the budget is spent.
const WORDLESS: &str = "invalid";

/// Bytes of copies that are left to a request.
pub(super) struct CopyBudget(Cell<usize>);

impl CopyBudget {
    /// For a body of `body` bytes.
    pub(super) fn of(body: usize) -> Self {
        Self(Cell::new(body.saturating_add(COPIES_SPARE)))
    }

    /// Leaves the copy of `User-Agent` out of a report where the budget is spent.
    pub(super) fn charge(&self, report: &mut RawReport) {
        if !self.take(report.user_agent.len()) {
            report.user_agent = String::new();
            mark("userAgent", &mut report.truncated);
        }
    }

    /// Encodes what was read; a refusal keeps its words while there is a budget.
    pub(super) fn encoded<R: Item>(&self, read: Result<R, Rejection>) -> Result<EncodedRecord, Rejection> {
        read.and_then(EncodedRecord::of).map_err(|rejection| self.shortened(rejection))
    }

    /// The refusal, without its words where the budget is spent.
    pub(super) fn shortened(&self, rejection: Rejection) -> Rejection {
        match rejection {
            Rejection::InvalidParams(why) if !self.take(why.len()) => Rejection::InvalidParams(WORDLESS.to_owned()),
            rejection => rejection,
        }
    }

    fn take(&self, bytes: usize) -> bool {
        let left = self.0.get().checked_sub(bytes);
        self.0.set(left.unwrap_or(self.0.get()));
        left.is_some()
    }
}
