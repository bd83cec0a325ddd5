//! What the settings of a request become in its session, by account.

use crate::ReadLimits;
use crate::exception::{Exception, READONLY, UNKNOWN_SETTING};
use crate::user::User;
use std::sync::LazyLock;

/// Settings that a read-only account may give: how results look, and hints that only cost itself.
const FREE: [&str; 14] = [
    "force_optimize_projection",
    "force_optimize_projection_name",
    "force_primary_key",
    "force_data_skipping_indices",
    "optimize_use_projections",
    "join_use_nulls",
    "extremes",
    "date_time_output_format",
    "session_timezone",
    "group_by_use_nulls",
    "union_default_mode",
    "use_query_cache",
    "max_query_size",
    "max_block_size",
];
const FREE_PREFIXES: [&str; 2] = ["output_format_", "format_csv_"];
/// Settings of the connection itself, which a client of a server sends and which say nothing here.
const IGNORED: [&str; 7] = [
    "enable_http_compression",
    "http_zlib_compression_level",
    "send_progress_in_http_headers",
    "http_headers_progress_interval_ms",
    "cancel_http_readonly_queries_on_client_close",
    "log_comment",
    "readonly",
];

/// The SET statement of a session; `None` where nothing is to be set.
///
/// A writer's settings are taken as they are. A reader's must be among the free ones, or limits, of which the smaller of
/// wanted and allowed holds; `readonly = 1` comes last, so a statement cannot change any of them.
pub fn session(user: User, settings: &[(String, String)], limits: &ReadLimits) -> Result<Option<String>, Exception> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut bounds = bounds(limits);
    for (name, value) in settings {
        if !is_name(name) {
            return Err(Exception::new(UNKNOWN_SETTING, format_args!("Unknown setting '{}'", name.escape_debug())));
        }
        let bound = bounds.iter_mut().find(|(n, _)| n == name);
        match (user, bound) {
            (User::Writer, _) if name != "log_comment" => pairs.push((name.clone(), value.clone())),
            (_, Some((_, bound))) => *bound = smaller(value, *bound),
            (User::Writer, _) => {}
            (User::Reader, None) if is_free(name) => pairs.push((name.clone(), value.clone())),
            (User::Reader, None) if IGNORED.contains(&name.as_str()) => {}
            (User::Reader, None) => return Err(Exception::new(READONLY, format_args!("Cannot modify '{name}' setting in readonly mode"))),
        }
    }
    if user == User::Reader {
        pairs.extend(bounds.map(|(n, v)| (n.to_owned(), v.to_string())));
        pairs.push(("readonly".into(), "1".into()));
    }
    let list: Vec<_> = pairs.iter().map(|(n, v)| format!("{n} = {}", quote(v))).collect();
    Ok((!list.is_empty()).then(|| format!("set {}", list.join(", "))))
}

fn bounds(limits: &ReadLimits) -> [(&'static str, u64); 6] {
    [
        ("max_execution_time", limits.time.as_secs().max(1)),
        ("max_memory_usage", limits.memory),
        ("max_result_rows", limits.result_rows),
        ("max_result_bytes", limits.result_bytes),
        ("max_rows_to_read", limits.rows),
        ("max_threads", *CORES),
    ]
}

/// Looked up once: each look reads three files of the system.
static CORES: LazyLock<u64> = LazyLock::new(|| std::thread::available_parallelism().map_or(2, |n| n.get() as u64));

/// The smaller of two limits of which 0 means none.
fn smaller(wanted: &str, allowed: u64) -> u64 {
    match wanted.parse::<u64>() {
        Ok(0) | Err(_) => allowed,
        Ok(wanted) if allowed == 0 => wanted,
        Ok(wanted) => wanted.min(allowed),
    }
}

fn is_free(name: &str) -> bool {
    FREE.contains(&name) || FREE_PREFIXES.iter().any(|p| name.starts_with(p))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_') && !name.as_bytes()[0].is_ascii_digit()
}

/// A string literal.
pub fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A quoted name.
pub fn quote_name(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn set(user: User, pairs: &[(&str, &str)]) -> Result<Option<String>, Exception> {
        let pairs: Vec<_> = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        session(user, &pairs, &ReadLimits::default())
    }

    #[test]
    fn a_writers_settings_are_quoted() {
        assert_eq!(set(User::Writer, &[]), Ok(None));
        assert_eq!(set(User::Writer, &[("a", "it's \\ 闪")]), Ok(Some("set a = 'it\\'s \\\\ 闪'".into())));
        assert_eq!(set(User::Writer, &[("a=1, b", "x")]).unwrap_err().code, 115);
        assert_eq!(set(User::Writer, &[("max_execution_time", "9999")]), Ok(Some("set max_execution_time = '9999'".into())));
    }

    #[test]
    fn a_reader_lowers_limits_but_never_raises_them() {
        let text = set(User::Reader, &[("max_execution_time", "5"), ("max_result_rows", "0"), ("extremes", "1")]).unwrap().unwrap();
        assert!(text.starts_with("set extremes = '1', max_execution_time = '5'"), "{text}");
        assert!(text.contains("max_result_rows = '1000000'") && text.ends_with("readonly = '1'"), "{text}");
        assert_eq!(set(User::Reader, &[("max_insert_threads", "9")]).unwrap_err().code, 164);
        assert!(!set(User::Reader, &[("readonly", "0")]).unwrap().unwrap().contains("'0', readonly = '0'"));
    }
}
