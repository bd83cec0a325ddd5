//! The fields that a dialect does not know, kept as JSON up to a bound.

use super::bounds::{EXTRA, EXTRA_FIELDS};
use super::cut::mark;
use schemas::record::RawReport;

/// A JSON object that is being written.
#[derive(Debug, Default)]
pub(super) struct Extra {
    json: String,
    fields: usize,
    is_cut: bool,
}

impl Extra {
    /// Whether there is room for a field of this length.
    pub(super) fn has_room(&self, name: &str, value: &str) -> bool {
        // Quotes, colon and comma, and the end.
        self.fields < EXTRA_FIELDS && self.json.len() + name.len() + value.len() + 5 <= EXTRA
    }

    /// Adds a field for which there is room.
    pub(super) fn add(&mut self, name: &str, value: &str) -> Result<(), serde_json::Error> {
        let name = serde_json::to_string(name)?;
        self.json.push(if self.json.is_empty() { '{' } else { ',' });
        self.json.push_str(&name);
        self.json.push(':');
        self.json.push_str(value);
        self.fields += 1;
        Ok(())
    }

    /// Notes that there was no room for a field.
    pub(super) fn leave_out(&mut self) {
        self.is_cut = true;
    }

    /// The object; empty where there is no field.
    pub(super) fn json(mut self) -> String {
        if !self.json.is_empty() {
            self.json.push('}');
        }
        self.json
    }

    /// Puts it in a report.
    pub(super) fn keep_in(self, report: &mut RawReport) {
        if self.is_cut {
            mark("extra", &mut report.truncated);
        }
        report.extra = self.json();
    }
}
