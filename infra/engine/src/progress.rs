//! How far a statement is: `X-ClickHouse-Progress` while it runs, `X-ClickHouse-Summary` once its reply begins.

use crate::library::Counts;
use std::time::Duration;

/// How far a statement is, or was in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub counts: Counts,
    /// Rows to read as the engine estimates them; 0 where it does not say.
    pub total_rows: u64,
    pub elapsed: Duration,
    /// Bytes of memory at that moment; known while it runs.
    pub memory: Option<u64>,
}

impl Progress {
    /// The object that a server writes, all numbers as strings.
    pub fn json(&self) -> String {
        let c = &self.counts;
        let memory = self.memory.map_or_else(String::new, |bytes| format!(r#","memory_usage":"{bytes}""#));
        format!(
            r#"{{"read_rows":"{}","read_bytes":"{}","written_rows":"{}","written_bytes":"{}","total_rows_to_read":"{}","result_rows":"{}","result_bytes":"{}","elapsed_ns":"{}"{memory}}}"#,
            c.read_rows,
            c.read_bytes,
            c.written_rows,
            c.written_bytes,
            self.total_rows,
            c.result_rows,
            c.result_bytes,
            self.elapsed.as_nanos()
        )
    }

    /// Reads what [`Store::progress`](crate::store::Store::progress) asks the engine for: six numbers and a time, between tabs.
    pub fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.trim_end().split('\t').collect();
        let [read_rows, read_bytes, written_rows, written_bytes, total, memory, elapsed] = fields[..] else { return None };
        let number = |text: &str| text.parse::<u64>().ok();
        let counts = Counts {
            read_rows: number(read_rows)?,
            read_bytes: number(read_bytes)?,
            written_rows: number(written_rows)?,
            written_bytes: number(written_bytes)?,
            ..Counts::default()
        };
        let elapsed = Duration::try_from_secs_f64(elapsed.parse().ok()?).ok()?;
        Some(Self { counts, total_rows: number(total)?, elapsed, memory: number(memory) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_line_of_the_engine_becomes_an_object_of_strings() {
        let progress = Progress::parse("1\t2\t3\t4\t50\t600\t0.25\n").unwrap();
        assert_eq!(
            progress.json(),
            r#"{"read_rows":"1","read_bytes":"2","written_rows":"3","written_bytes":"4","total_rows_to_read":"50","result_rows":"0","result_bytes":"0","elapsed_ns":"250000000","memory_usage":"600"}"#
        );
        for line in ["", "1\t2", "1\t2\t3\t4\t5\t6\tx", "1\t2\t3\t4\t5\t6\t-1"] {
            assert_eq!(Progress::parse(line), None, "{line}");
        }
    }
}
