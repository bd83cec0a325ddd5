//! Breadcrumbs as the lines of a log.

use super::event::Crumb;
use super::timestamp::Timestamp;
use crate::dialect::bounds::{CRUMB_DATA, LOG};

/// `2025-11-21T04:40:00.250Z info navigation: to checkout {"from":"/cart"}`, oldest first.
pub(super) fn log(crumbs: &[Crumb<'_>]) -> String {
    let mut log = String::new();
    for crumb in crumbs {
        line(crumb, &mut log);
    }
    let over = log.len().saturating_sub(LOG);
    if over > 0 {
        // Whole lines go; a line longer than the log goes to its last characters.
        let from = log.as_bytes()[over..].iter().position(|byte| *byte == b'\n').map_or(over, |end| over + end + 1);
        let from = (from..log.len()).find(|at| log.is_char_boundary(*at)).unwrap_or(log.len());
        log.drain(..from);
    }
    log.truncate(log.trim_end().len());
    log
}

fn line(crumb: &Crumb<'_>, log: &mut String) {
    let at = &*crumb.timestamp.0;
    let is_number = at.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let shown = if is_number && !at.is_empty() { Timestamp::of_text(at).shown() } else { String::new() };
    let at = if shown.is_empty() { at } else { &shown };
    let start = log.len();
    for word in [at, &*crumb.level.0, crumb.category.or(&crumb.kind)] {
        if !word.is_empty() {
            log.push_str(if log.len() > start { " " } else { "" });
            log.push_str(word);
        }
    }
    if !crumb.message.is_empty() {
        log.push_str(if log.len() > start { ": " } else { "" });
        log.push_str(&crumb.message.0);
    }
    if let Some(data) = crumb.data.map(serde_json::value::RawValue::get).filter(|data| data.len() <= CRUMB_DATA && *data != "{}") {
        // JSON may be written over several lines; a text in it may not.
        for part in data.lines() {
            log.push(' ');
            log.push_str(part.trim());
        }
    }
    log.push('\n');
}
