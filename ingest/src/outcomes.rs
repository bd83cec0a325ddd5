//! Every report ends in exactly one outcome, and each is counted.

use crate::accept::{Item, Receipt};
use crate::dialect::{Items, name};
use crate::rejection::Rejection;
use schemas::outcome::Outcome;
use schemas::record::{Connection, RawReport};
use service::telemetry::{self, Counter};
use std::marker::PhantomData;

/// The reason of requests that nobody waited for. Their records may be in the log; sent again, they meet their twins.
const CLIENT_LEFT: &str = "ClientLeft";

/// The counters of the edge.
pub(crate) struct Tally {
    bytes: [(&'static str, Counter); 4],
    /// What nearly every request counts, looked up once.
    accepted: Vec<(&'static str, &'static str, Counter)>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        let help = "Bytes of request bodies by dialect.";
        let bytes = |dialect| (dialect, telemetry::counter("aftershock_received_bytes_total", help, &[("dialect", dialect)]));
        let (log_message, app_key, native, sentry) = (name::LOG_MESSAGE, name::APP_KEY, name::NATIVE, name::SENTRY);
        let accepted = vec![
            accepted::<RawReport>(log_message),
            accepted::<RawReport>(app_key),
            accepted::<RawReport>(native),
            accepted::<RawReport>(sentry),
            accepted::<Connection>(app_key),
            accepted::<Connection>(native),
            accepted::<Connection>(sentry),
        ];
        Self { bytes: [log_message, app_key, native, sentry].map(bytes), accepted }
    }

    /// Begins a request; unless it is ended, its client left before the answer.
    pub(crate) fn begin<R: Item>(&self, dialect: &'static str, body: usize) -> Begun<'_, R> {
        if let Some((_, bytes)) = self.bytes.iter().find(|(name, _)| *name == dialect) {
            bytes.add(u64::try_from(body).unwrap_or(u64::MAX));
        }
        Begun { tally: self, dialect, ended: false, record: PhantomData }
    }

    fn count<R: Item>(&self, dialect: &'static str, answer: &Result<Items<Receipt>, Rejection>) {
        let mut accepted = 0;
        let mut others: Vec<(Outcome, u64)> = Vec::new();
        let rejected = |rejection: &Rejection, others: &mut Vec<(Outcome, u64)>| {
            let outcome = rejection.outcome();
            match others.iter_mut().find(|(known, _)| *known == outcome) {
                Some((_, count)) => *count += 1,
                None => others.push((outcome, 1)),
            }
        };
        match answer {
            Err(rejection) => rejected(rejection, &mut others),
            Ok(items) => items.iter().for_each(|item| match item {
                Ok(_) => accepted += 1,
                Err(rejection) => rejected(rejection, &mut others),
            }),
        }
        if let Some((_, _, counter)) = self.accepted.iter().find(|(metric, name, _)| *metric == R::METRIC.0 && *name == dialect) {
            counter.add(accepted);
        }
        others.into_iter().for_each(|(outcome, count)| counter::<R>(dialect, outcome).add(count));
    }
}

/// A request on its way.
pub(crate) struct Begun<'a, R: Item> {
    tally: &'a Tally,
    dialect: &'static str,
    ended: bool,
    record: PhantomData<fn() -> R>,
}

impl<R: Item> Begun<'_, R> {
    /// Counts what came of it. One that was refused as a whole counts as one item: nobody looked for more.
    pub(crate) fn end(mut self, answer: &Result<Items<Receipt>, Rejection>) {
        self.ended = true;
        self.tally.count::<R>(self.dialect, answer);
    }
}

impl<R: Item> Drop for Begun<'_, R> {
    fn drop(&mut self) {
        if !self.ended {
            counter::<R>(self.dialect, Outcome::Rejected(CLIENT_LEFT)).inc();
        }
    }
}

fn accepted<R: Item>(dialect: &'static str) -> (&'static str, &'static str, Counter) {
    (R::METRIC.0, dialect, counter::<R>(dialect, Outcome::Accepted))
}

fn counter<R: Item>(dialect: &'static str, outcome: Outcome) -> Counter {
    let labels = [("dialect", dialect), ("outcome", outcome.name()), ("reason", outcome.reason())];
    telemetry::counter(R::METRIC.0, R::METRIC.1, &labels)
}
