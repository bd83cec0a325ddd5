//! `[retention]`: for how long, and in how many bytes, log and tables are kept.

use schemars::JsonSchema;
use schemas::record::{Connection, RawReport, Record, RejectedReport, Release};
use serde::{Deserialize, Serialize};
use service::config::{Size, Span};

/// `[retention]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// How long the log keeps reports, connections and dead letters. Issue changes and releases stay.
    pub log: Span,
    /// How many bytes of them the log keeps on each copy: 75 % are for reports, 15 % for connections, 10 % for dead letters,
    /// divided over the partitions as Kafka's `retention.bytes`; the oldest go first. Absent: 8 GiB for the embedded log, which
    /// fits a laptop and is some ten million reports, no bound for a Kafka given by address. 0 = no bound. The embedded log
    /// never drops what a processor at work has still to read; Apache Kafka does, so there let it hold hours of your busiest
    /// traffic. Issue changes and releases are never cut.
    pub log_bytes: Option<Size>,
    /// How long the tables keep stacks, logs, attachments and dead letters; whole days.
    pub bodies: Span,
    /// How long the tables keep rows with their roll-ups; whole days.
    pub facts: Span,
    /// How many bytes the tables of reports, connections and dead letters take; above, their oldest log days are dropped whole,
    /// never the current one. Absent: 24 GiB in the embedded engine, which fits a laptop, no bound for a server given by
    /// address. 0 = no bound.
    pub table_bytes: Option<Size>,
}

/// Defaults for the embedded engines: together an eighth of a disk of 256 GB.
const EMBEDDED_LOG: Size = Size(8 << 30);
const EMBEDDED_TABLES: Size = Size(24 << 30);

/// Hundredths of `log_bytes` for each topic; other topics are not bounded by bytes.
const SHARES: [(&str, u64); 3] = [(RawReport::TOPIC, 75), (Connection::TOPIC, 15), (RejectedReport::TOPIC, 10)];
/// Bounds of a segment's size where bytes are bounded: only whole segments are deleted, and the largest batch must fit into one.
const SMALLEST_SEGMENT: u64 = 32 << 20;
const LARGEST_SEGMENT: u64 = 1 << 30;

impl Default for Retention {
    fn default() -> Self {
        Self { log: Span::days(30), log_bytes: None, bodies: Span::days(90), facts: Span::days(400), table_bytes: None }
    }
}

impl Retention {
    /// Fills in absent bounds: defaults for embedded engines, no bound for others.
    #[must_use]
    pub fn resolved(self, embeds_log: bool, embeds_tables: bool) -> Self {
        let default = |is_embedded: bool, bytes| if is_embedded { bytes } else { Size::default() };
        Self {
            log_bytes: self.log_bytes.or(Some(default(embeds_log, EMBEDDED_LOG))),
            table_bytes: self.table_bytes.or(Some(default(embeds_tables, EMBEDDED_TABLES))),
            ..self
        }
    }

    /// The most bytes of the tables; `None` where there is no bound.
    #[must_use]
    pub fn table_bound(&self) -> Option<u64> {
        self.table_bytes.map(|bytes| bytes.0).filter(|bytes| *bytes > 0)
    }

    /// The retention of a topic, as Kafka's settings.
    pub(crate) fn topic_settings(&self, topic: &str, partitions: i32) -> Vec<(&'static str, String)> {
        let policy = if topic == Release::TOPIC { "compact" } else { "delete" };
        let share = SHARES.iter().find(|(name, _)| *name == topic).map(|(_, share)| *share);
        // Issue changes and releases stay: the tables and the edges are made of them.
        let time = if share.is_some() { self.log.as_millis().to_string() } else { "-1".to_owned() };
        let bound = share.and_then(|share| {
            let all = self.log_bytes.map(|bytes| bytes.0).filter(|bytes| *bytes > 0)?;
            Some(all / 100 * share / u64::try_from(partitions).unwrap_or(1).max(1))
        });
        let mut settings = vec![("cleanup.policy", policy.to_owned()), ("retention.ms", time)];
        match bound {
            None => settings.push(("retention.bytes", "-1".to_owned())),
            Some(bound) => {
                let segment = (bound / 16).clamp(SMALLEST_SEGMENT, LARGEST_SEGMENT);
                // The segment that is written comes on top of what Kafka keeps.
                settings.push(("retention.bytes", bound.saturating_sub(segment).to_string()));
                settings.push(("segment.bytes", segment.to_string()));
            }
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::record::IssueChange;

    fn of(retention: &Retention, topic: &str) -> Vec<(&'static str, String)> {
        retention.topic_settings(topic, 4)
    }

    fn value<'a>(settings: &'a [(&'static str, String)], name: &str) -> Option<&'a str> {
        settings.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn embedded_engines_are_bounded_and_others_are_not_unless_it_is_said() {
        let resolved = |retention: Retention, log, tables| {
            let found = retention.resolved(log, tables);
            (found.log_bytes, found.table_bytes, found.table_bound())
        };
        assert_eq!(resolved(Retention::default(), true, true), (Some(EMBEDDED_LOG), Some(EMBEDDED_TABLES), Some(24 << 30)));
        assert_eq!(resolved(Retention::default(), false, false), (Some(Size(0)), Some(Size(0)), None));
        let said = Retention { log_bytes: Some(Size::mib(1)), table_bytes: Some(Size(0)), ..Retention::default() };
        assert_eq!(resolved(said, true, false), (Some(Size::mib(1)), Some(Size(0)), None));
    }

    #[test]
    fn the_bytes_of_all_partitions_with_their_open_segments_are_what_was_said() {
        for all in [8 << 30, 100 << 30, 4 << 40] {
            let retention = Retention { log_bytes: Some(Size(all)), ..Retention::default() };
            let number = |topic, name| value(&of(&retention, topic), name).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
            let kept: u64 = SHARES.iter().map(|(topic, _)| 4 * (number(topic, "retention.bytes") + number(topic, "segment.bytes"))).sum();
            assert!(kept <= all && kept > all / 100 * 99, "{kept} of {all}");
            for (topic, _) in SHARES {
                assert!((SMALLEST_SEGMENT..=LARGEST_SEGMENT).contains(&number(topic, "segment.bytes")), "{topic}");
            }
        }
    }

    #[test]
    fn state_is_never_cut() {
        let retention = Retention { log_bytes: Some(Size(1)), ..Retention::default() };
        for (topic, policy) in [(IssueChange::TOPIC, "delete"), (Release::TOPIC, "compact")] {
            let settings = of(&retention, topic);
            let found = ["cleanup.policy", "retention.ms", "retention.bytes"].map(|name| value(&settings, name));
            assert_eq!(found, [Some(policy), Some("-1"), Some("-1")], "{topic}");
        }
        let unbounded = of(&Retention { log_bytes: Some(Size(0)), ..Retention::default() }, RawReport::TOPIC);
        assert_eq!(value(&unbounded, "retention.bytes"), Some("-1"));
        assert_eq!(value(&unbounded, "retention.ms"), Some("2592000000"));
    }
}
