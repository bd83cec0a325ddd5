//! Every report and connection ends in exactly one outcome, and each outcome is counted.

use crate::batch::{Batch, Discarded, Receipts};
use crate::dialect::{DIALECTS, Dialect};
use crate::item::Kind;
use crate::metrics;
use crate::rejection::Rejection;
use schemas::outcome::Outcome;
use service::telemetry::Counter;

/// The reason of requests whose client left before the answer. Their records may be in the log; sent again, they have the same
/// ids and count once.
const CLIENT_LEFT: &str = "ClientLeft";

/// The counters of the edge.
pub(crate) struct Outcomes {
    dialects: [DialectCounters; DIALECTS.len()],
}

/// The counters that nearly every request of a dialect needs, looked up once.
struct DialectCounters {
    bytes: Counter,
    /// By kind.
    accepted: [Counter; Kind::ALL.len()],
}

impl Outcomes {
    pub(crate) fn new() -> Self {
        Self { dialects: DIALECTS.map(DialectCounters::of) }
    }

    /// Begins a request, which counts as one item of `kind` if it is refused as a whole. Dropped before [`Pending::end`], it
    /// counts as one whose client left.
    pub(crate) fn begin(&self, dialect: Dialect, kind: Kind, body: usize) -> Pending<'_> {
        let counters = &self.dialects[dialect as usize];
        counters.bytes.add(u64::try_from(body).unwrap_or(u64::MAX));
        Pending { counters, dialect, kind, other: None, has_ended: false }
    }
}

impl DialectCounters {
    fn of(dialect: Dialect) -> Self {
        let bytes = metrics::RECEIVED_BYTES.with([dialect.name()]);
        Self { bytes, accepted: Kind::ALL.map(|kind| counter(dialect, kind, Outcome::Accepted)) }
    }
}

/// A request that has no outcome yet.
pub(crate) struct Pending<'a> {
    counters: &'a DialectCounters,
    dialect: Dialect,
    kind: Kind,
    /// A second kind, of which the request holds records as well.
    other: Option<Kind>,
    has_ended: bool,
}

impl Pending<'_> {
    /// Notes what the request holds, and counts what is not used of it.
    pub(crate) fn holds(&mut self, batch: &Batch) {
        self.other = match self.kind {
            Kind::Report if !batch.connections.is_empty() => Some(Kind::Connection),
            Kind::Connection if !batch.reports.is_empty() => Some(Kind::Report),
            Kind::Report | Kind::Connection => None,
        };
        for (kind, count) in &batch.unused {
            metrics::UNUSED_ITEMS.with([kind.name()]).add(*count);
        }
        for Discarded { reason, category, quantity } in &batch.discarded {
            metrics::CLIENT_DISCARDED.with([reason, category]).add(*quantity);
        }
    }

    /// Counts the outcome of each record. A request that was refused as a whole counts as one.
    pub(crate) fn end(mut self, answer: Result<&Receipts, &Rejection>) {
        self.has_ended = true;
        match answer {
            Ok(receipts) => self.kinds().for_each(|kind| self.count(kind, receipts)),
            Err(rejection) => counter(self.dialect, self.kind, rejection.outcome()).inc(),
        }
    }

    fn kinds(&self) -> impl Iterator<Item = Kind> + use<> {
        [Some(self.kind), self.other].into_iter().flatten()
    }

    fn count(&self, kind: Kind, receipts: &Receipts) {
        let mut accepted = 0;
        let mut others: Vec<(Outcome, u64)> = Vec::new();
        for item in receipts.of(kind) {
            let outcome = match item {
                Ok(_) => {
                    accepted += 1;
                    continue;
                }
                Err(rejection) => rejection.outcome(),
            };
            match others.iter_mut().find(|(known, _)| *known == outcome) {
                Some((_, count)) => *count += 1,
                None => others.push((outcome, 1)),
            }
        }
        self.counters.accepted[kind as usize].add(accepted);
        others.into_iter().for_each(|(outcome, count)| counter(self.dialect, kind, outcome).add(count));
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.kinds().for_each(|kind| counter(self.dialect, kind, Outcome::Rejected(CLIENT_LEFT)).inc());
        }
    }
}

fn counter(dialect: Dialect, kind: Kind, outcome: Outcome) -> Counter {
    kind.metric().with([dialect.name(), outcome.name(), outcome.reason()])
}
