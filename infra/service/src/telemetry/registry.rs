//! The registry behind the metric handles: families by name, series by label text.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// A count that only rises.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

/// A value that rises and falls.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicI64>);

/// Durations in fixed buckets from 50 µs to a minute.
#[derive(Clone, Debug, Default)]
pub struct Histogram(Arc<Buckets>);

impl Counter {
    /// Adds one.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Adds `count`.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Relaxed);
    }

    /// The count so far.
    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Gauge {
    /// Replaces the value.
    pub fn set(&self, value: i64) {
        self.0.store(value, Relaxed);
    }

    /// Adds `change`, which may be negative.
    pub fn add(&self, change: i64) {
        self.0.fetch_add(change, Relaxed);
    }

    /// The value now.
    pub fn value(&self) -> i64 {
        self.0.load(Relaxed)
    }
}

impl Histogram {
    /// Puts one duration into its bucket.
    pub fn observe(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|(bound, _)| *bound < micros);
        self.0.counts[bucket].fetch_add(1, Relaxed);
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.0.nanos.fetch_add(nanos, Relaxed);
    }

    /// How many durations were observed.
    pub fn count(&self) -> u64 {
        self.0.counts.iter().map(|count| count.load(Relaxed)).sum()
    }
}

/// Upper bounds in microseconds with their text in seconds.
const BOUNDS: [(u64, &str); 18] = [
    (50, "0.00005"),
    (100, "0.0001"),
    (250, "0.00025"),
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (500_000, "0.5"),
    (1_000_000, "1"),
    (2_500_000, "2.5"),
    (10_000_000, "10"),
    (30_000_000, "30"),
    (60_000_000, "60"),
];

#[derive(Debug, Default)]
struct Buckets {
    counts: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

/// All families of one process.
#[derive(Default)]
pub(super) struct Registry {
    families: Mutex<BTreeMap<&'static str, Family>>,
}

struct Family {
    help: &'static str,
    series: BTreeMap<String, Series>,
}

#[derive(Clone)]
enum Series {
    Counter(Counter),
    Gauge(Gauge),
    Histogram(Histogram),
}

pub(super) fn global() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(Registry::default)
}

type Labels<'a> = &'a [(&'static str, &'a str)];

impl Registry {
    pub(super) fn counter(&self, name: &'static str, help: &'static str, labels: Labels<'_>) -> Counter {
        let fresh = Series::Counter(Counter::default());
        match self.series(name, help, labels, fresh) {
            Series::Counter(counter) => counter,
            _ => Counter::default(),
        }
    }

    pub(super) fn gauge(&self, name: &'static str, help: &'static str, labels: Labels<'_>) -> Gauge {
        match self.series(name, help, labels, Series::Gauge(Gauge::default())) {
            Series::Gauge(gauge) => gauge,
            _ => Gauge::default(),
        }
    }

    pub(super) fn histogram(&self, name: &'static str, help: &'static str, labels: Labels<'_>) -> Histogram {
        let fresh = Series::Histogram(Histogram::default());
        match self.series(name, help, labels, fresh) {
            Series::Histogram(histogram) => histogram,
            _ => Histogram::default(),
        }
    }

    /// The series of these labels, made from `fresh` if it is new. A family keeps the kind of its
    /// first series, so that the text stays valid; a handle of another kind counts unseen.
    fn series(&self, name: &'static str, help: &'static str, labels: Labels<'_>, fresh: Series) -> Series {
        let mut families = self.lock();
        let family = families.entry(name).or_insert_with(|| Family { help, series: BTreeMap::new() });
        if let Some(other) = family.series.values().next()
            && other.kind() != fresh.kind()
        {
            tracing::error!(metric = name, "one metric name used for two kinds of metric");
            return fresh;
        }
        family.series.entry(label_text(labels)).or_insert(fresh).clone()
    }

    pub(super) fn render(&self) -> String {
        let families = self.lock();
        let mut text = String::with_capacity(4096);
        for (name, family) in families.iter() {
            let Some(first) = family.series.values().next() else { continue };
            let help = family.help.replace('\\', "\\\\").replace('\n', "\\n");
            // Writing to a String cannot fail.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {}", first.kind());
            for (labels, series) in &family.series {
                series.render(name, labels, &mut text);
            }
        }
        text
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Family>> {
        self.families.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Series {
    fn kind(&self) -> &'static str {
        match self {
            Series::Counter(_) => "counter",
            Series::Gauge(_) => "gauge",
            Series::Histogram(_) => "histogram",
        }
    }

    fn render(&self, name: &str, labels: &str, text: &mut String) {
        let braced = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        let _ = match self {
            Series::Counter(counter) => writeln!(text, "{name}{braced} {}", counter.value()),
            Series::Gauge(gauge) => writeln!(text, "{name}{braced} {}", gauge.value()),
            Series::Histogram(histogram) => histogram.0.render(name, labels, &braced, text),
        };
    }
}

impl Buckets {
    fn render(&self, name: &str, labels: &str, braced: &str, text: &mut String) -> std::fmt::Result {
        let comma = if labels.is_empty() { "" } else { "," };
        let mut sum = 0;
        let bounds = BOUNDS.iter().map(|(_, bound)| *bound).chain(["+Inf"]);
        for (count, bound) in self.counts.iter().zip(bounds) {
            sum += count.load(Relaxed);
            writeln!(text, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {sum}")?;
        }
        let nanos = self.nanos.load(Relaxed);
        let seconds = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
        writeln!(text, "{name}_sum{braced} {seconds}\n{name}_count{braced} {sum}")
    }
}

/// `a="1",b="2"` in the order of the names, values escaped as the format asks.
fn label_text(labels: Labels<'_>) -> String {
    let mut sorted = labels.to_vec();
    sorted.sort_unstable();
    let one = |(name, value): &(&str, &str)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{name}=\"{value}\"")
    };
    sorted.iter().map(one).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_families_sorted_with_help_type_and_escapes() {
        let registry = Registry::default();
        registry.gauge("b_now", "Things now\nand \\ here.", &[]).set(-3);
        registry.counter("a_total", "Things.", &[("z", "say \"hi\"\n\\"), ("app", "演示")]).add(2);
        registry.counter("a_total", "Things.", &[("app", "演示"), ("z", "say \"hi\"\n\\")]).inc();
        let expected = concat!(
            "# HELP a_total Things.\n# TYPE a_total counter\n",
            "a_total{app=\"演示\",z=\"say \\\"hi\\\"\\n\\\\\"} 3\n",
            "# HELP b_now Things now\\nand \\\\ here.\n# TYPE b_now gauge\nb_now -3\n",
        );
        assert_eq!(registry.render(), expected);
    }

    #[test]
    fn buckets_are_cumulative_and_include_their_bound() {
        let registry = Registry::default();
        let histogram = registry.histogram("work_seconds", "Work.", &[("stage", "sink")]);
        for micros in [10, 50, 51, 1_000, 90_000_000] {
            histogram.observe(Duration::from_micros(micros));
        }
        let text = registry.render();
        for line in [
            "work_seconds_bucket{stage=\"sink\",le=\"0.00005\"} 2",
            "work_seconds_bucket{stage=\"sink\",le=\"0.0001\"} 3",
            "work_seconds_bucket{stage=\"sink\",le=\"0.001\"} 4",
            "work_seconds_bucket{stage=\"sink\",le=\"60\"} 4",
            "work_seconds_bucket{stage=\"sink\",le=\"+Inf\"} 5",
            "work_seconds_sum{stage=\"sink\"} 90.001111000",
            "work_seconds_count{stage=\"sink\"} 5",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    fn a_name_keeps_its_first_kind() {
        let registry = Registry::default();
        registry.counter("a_total", "Things.", &[]).inc();
        registry.gauge("a_total", "Things.", &[("x", "y")]).set(9);
        assert!(!registry.render().contains('9'));
    }
}
