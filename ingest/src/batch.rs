//! What one request holds, and what became of it: the same for every dialect.

use crate::encoded::EncodedRecord;
use crate::item::{Item, Kind, Receipt};
use crate::rejection::Rejection;

/// The items of a request in their order, each with its value or why it was refused.
pub type Items<T> = Vec<Result<T, Rejection>>;

/// What a dialect read from one request.
#[derive(Debug, Default, PartialEq)]
pub struct Batch {
    /// The client's own id of the request's event; empty where the dialect or the client names none.
    pub event_id: String,
    /// Reports, ready for the log.
    pub reports: Items<EncodedRecord>,
    /// Connections, ready for the log.
    pub connections: Items<EncodedRecord>,
    /// Items that are taken and not used, by kind.
    pub unused: Vec<(Unused, u64)>,
    /// What the client says that it did not send.
    pub discarded: Vec<Discarded>,
}

/// A kind of item that is accepted and not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unused {
    Transaction,
    Span,
    Profile,
    Replay,
    Log,
    Metric,
    CheckIn,
    UserReport,
    Feedback,
    Minidump,
    /// A file without its event, or one too many.
    Attachment,
    /// How a session goes on that was counted when it started.
    SessionUpdate,
    /// Sessions above what one envelope may start.
    SessionOverBound,
    Other,
}

/// Things of one category that a client left out for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Discarded {
    pub reason: &'static str,
    pub category: &'static str,
    pub quantity: u64,
}

/// What became of the records of one request.
#[derive(Debug)]
pub(crate) struct Receipts {
    /// That of the [`Batch`].
    pub(crate) event_id: String,
    pub(crate) reports: Items<Receipt>,
    pub(crate) connections: Items<Receipt>,
}

impl Batch {
    /// Of records of one kind.
    pub(crate) fn of(kind: Kind, items: Items<EncodedRecord>) -> Self {
        match kind {
            Kind::Report => Self { reports: items, ..Self::default() },
            Kind::Connection => Self { connections: items, ..Self::default() },
        }
    }

    /// Of a request that is one record.
    pub(crate) fn one<R: Item>(record: R) -> Result<Self, Rejection> {
        Ok(Self::of(R::KIND, vec![Ok(EncodedRecord::of(record)?)]))
    }

    /// Counts items that are not used.
    pub(crate) fn count_unused(&mut self, kind: Unused, count: u64) {
        if count == 0 {
            return;
        }
        match self.unused.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, so_far)) => *so_far += count,
            None => self.unused.push((kind, count)),
        }
    }
}

impl Receipts {
    /// What became of the records of a kind.
    pub(crate) fn of(&self, kind: Kind) -> &Items<Receipt> {
        match kind {
            Kind::Report => &self.reports,
            Kind::Connection => &self.connections,
        }
    }

    /// What became of the only record of a request.
    pub(crate) fn single(&self) -> Result<Receipt, Rejection> {
        let only = self.reports.first().or_else(|| self.connections.first());
        only.cloned().unwrap_or_else(|| Err(Rejection::invalid("the body holds no item")))
    }
}

impl Unused {
    /// The value of the metric's label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::Span => "span",
            Self::Profile => "profile",
            Self::Replay => "replay",
            Self::Log => "log",
            Self::Metric => "metric",
            Self::CheckIn => "check_in",
            Self::UserReport => "user_report",
            Self::Feedback => "feedback",
            Self::Minidump => "minidump",
            Self::Attachment => "attachment",
            Self::SessionUpdate => "session_update",
            Self::SessionOverBound => "session_over_bound",
            Self::Other => "other",
        }
    }
}
