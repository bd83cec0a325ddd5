//! Metrics as a crate declares them: one list, from which handles are made and the document of all metrics is rendered.

use super::registry::{self, Counter, Gauge, Histogram};
use std::marker::PhantomData;

/// A declared metric. `N` labels tell its series apart. Declare it with [`metrics!`](crate::metrics!).
pub struct Metric<K, const N: usize> {
    name: &'static str,
    labels: [&'static str; N],
    help: &'static str,
    kind: PhantomData<fn() -> K>,
}

/// A kind of metric: [`Counter`], [`Gauge`] or [`Histogram`].
pub trait Kind: Sized {
    /// As Prometheus names it.
    const NAME: &'static str;

    /// The series of these labels; made on first use.
    fn series(name: &'static str, help: &'static str, labels: &[(&'static str, &str)]) -> Self;
}

/// What a document says about a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// The name, as a query names it.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it tells.
    pub help: &'static str,
}

impl<K: Kind, const N: usize> Metric<K, N> {
    /// A metric of this name, with these labels.
    pub const fn new(name: &'static str, labels: [&'static str; N], help: &'static str) -> Self {
        Metric { name, labels, help, kind: PhantomData }
    }

    /// The series with these values of the labels, in the order of the declaration. It takes a lock: ask once and keep the handle.
    pub fn with(&self, values: [&str; N]) -> K {
        let mut pairs = [("", ""); N];
        for ((pair, label), value) in pairs.iter_mut().zip(self.labels).zip(values) {
            *pair = (label, value);
        }
        K::series(self.name, self.help, &pairs)
    }

    /// What a document says about it.
    pub const fn description(&'static self) -> Description {
        Description { name: self.name, kind: K::NAME, labels: &self.labels, help: self.help }
    }
}

impl<K: Kind> Metric<K, 0> {
    /// The one series of a metric without labels. It takes a lock: ask once and keep the handle.
    pub fn get(&self) -> K {
        self.with([])
    }
}

impl Kind for Counter {
    const NAME: &'static str = "counter";
    fn series(name: &'static str, help: &'static str, labels: &[(&'static str, &str)]) -> Self {
        registry::global().counter(name, help, labels)
    }
}

impl Kind for Gauge {
    const NAME: &'static str = "gauge";
    fn series(name: &'static str, help: &'static str, labels: &[(&'static str, &str)]) -> Self {
        registry::global().gauge(name, help, labels)
    }
}

impl Kind for Histogram {
    const NAME: &'static str = "histogram";
    fn series(name: &'static str, help: &'static str, labels: &[(&'static str, &str)]) -> Self {
        registry::global().histogram(name, help, labels)
    }
}

/// Declares all metrics of a crate: a static for each, and `METRICS`, their descriptions in the order of the declaration.
///
/// ```
/// service::metrics! {
///     /// Messages by their outcome.
///     MESSAGES: Counter = "example_messages_total" [topic, outcome];
///     /// Messages that wait.
///     QUEUE: Gauge = "example_queue_messages" [];
/// }
///
/// MESSAGES.with(["orders", "sent"]).inc();
/// QUEUE.get().set(3);
/// assert_eq!(METRICS[0].labels, ["topic", "outcome"]);
/// assert!(service::telemetry::render().contains("example_messages_total{outcome=\"sent\",topic=\"orders\"} 1"));
/// ```
#[macro_export]
macro_rules! metrics {
    ($(#[doc = $help:literal] $name:ident: $kind:ident = $metric:literal [$($label:ident),*];)*) => {
        $(
            #[doc = $help]
            pub(crate) static $name: $crate::telemetry::Metric<
                $crate::telemetry::$kind,
                { <[&str]>::len(&[$(stringify!($label)),*]) },
            > = $crate::telemetry::Metric::new($metric, [$(stringify!($label)),*], $crate::telemetry::trimmed($help));
        )*

        /// What each of them is called and tells.
        pub static METRICS: &[$crate::telemetry::Description] = &[$($name.description()),*];
    };
}

/// A doc comment without the space before it.
#[doc(hidden)]
pub const fn trimmed(help: &'static str) -> &'static str {
    help.trim_ascii()
}
