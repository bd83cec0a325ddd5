//! The exposition format, read strictly: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use crate::harness::{KEY, Pipeline, get, post_with};
use std::collections::{BTreeMap, BTreeSet};

/// One sample: its name, its labels in order, its value.
type Sample = (String, Labels, f64);

/// Names and values.
type Labels = Vec<(String, String)>;

/// Reads an exposition and says what is wrong with it; its samples otherwise.
fn read(text: &str) -> Result<Vec<Sample>, String> {
    let (mut kinds, mut helped, mut samples, mut known) = (BTreeMap::new(), BTreeSet::new(), Vec::new(), BTreeSet::new());
    let mut family = String::new();
    if !text.ends_with('\n') {
        return Err("the last line has no end".to_owned());
    }
    for line in text.lines() {
        let wrong = |why: &str| format!("{why}: {line}");
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, _) = rest.split_once(' ').ok_or_else(|| wrong("no help"))?;
            if !helped.insert(name.to_owned()) {
                return Err(wrong("a family twice"));
            }
            family = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').ok_or_else(|| wrong("no type"))?;
            if name != family
                || !["counter", "gauge", "histogram"].contains(&kind)
                || kinds.insert(name.to_owned(), kind.to_owned()).is_some()
            {
                return Err(wrong("a type out of place"));
            }
        } else {
            let (name, labels, value) = sample(line).ok_or_else(|| wrong("no sample"))?;
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).filter(|base| *base == family);
            let is_right = match kinds.get(&family).map(String::as_str) {
                Some("histogram") => base.is_some(),
                Some("counter") => name == family && name.ends_with("_total") && value >= 0.0,
                Some("gauge") => name == family,
                _ => false,
            };
            if !is_right || !known.insert((name.clone(), labels.clone())) {
                return Err(wrong("a sample out of place"));
            }
            samples.push((name, labels, value));
        }
    }
    Ok(samples)
}

fn sample(line: &str) -> Option<Sample> {
    let is_name = |name: &str| {
        !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once("=\"")?;
            let mut value = String::new();
            let mut letters = after.char_indices();
            let end = loop {
                match letters.next()? {
                    (at, '"') => break at,
                    (_, '\\') => value.push(match letters.next()?.1 {
                        'n' => '\n',
                        kept @ ('\\' | '"') => kept,
                        _ => return None,
                    }),
                    (_, letter) => value.push(letter),
                }
            };
            if !is_name(label) || labels.iter().any(|(known, _)| known == label) {
                return None;
            }
            labels.push((label.to_owned(), value));
            rest = &after[end + 1..];
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        rest = &rest[1..];
    }
    let value = rest.strip_prefix(' ')?.parse().ok()?;
    is_name(name).then(|| (name.to_owned(), labels, value))
}

/// Buckets rise, end at infinity, and agree with the count.
fn histograms(samples: &[Sample]) -> Result<usize, String> {
    let mut buckets: BTreeMap<(String, Labels), Vec<(f64, f64)>> = BTreeMap::new();
    for (name, labels, value) in samples.iter().filter(|(name, ..)| name.ends_with("_bucket")) {
        let bound = labels.iter().find(|(label, _)| label == "le").ok_or("a bucket without a bound")?.1.replace("+Inf", "inf");
        let others = labels.iter().filter(|(label, _)| label != "le").cloned().collect();
        let series = buckets.entry((name.trim_end_matches("_bucket").to_owned(), others)).or_default();
        series.push((bound.parse().map_err(|_| format!("{bound} is no bound"))?, *value));
    }
    for ((name, labels), series) in &buckets {
        let rises = series.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        let count = samples.iter().find(|(found, own, _)| *found == format!("{name}_count") && own == labels).map(|(.., value)| *value);
        let last = series.last().copied().unwrap_or_default();
        if !rises || last.0.is_finite() || count != Some(last.1) {
            return Err(format!("{name}{labels:?}: {series:?}, count {count:?}"));
        }
    }
    Ok(buckets.len())
}

#[test]
fn metrics_are_valid_and_tell_what_happened() {
    let pipeline = Pipeline::start();
    let url = format!("{}/v1/reports", pipeline.ingest());
    let body = r#"{"category":"crash","platformId":1,"productVersion":"1.0","expName":"崩溃"}"#.as_bytes();
    let headers = [("x-app-key", KEY), ("content-type", "application/json")];
    assert_eq!(post_with(&url, &headers, body).unwrap().status, 200);
    assert_eq!(post_with(&url, &[("x-app-key", "wrong"), ("content-type", "application/json")], body).unwrap().status, 401);
    pipeline.operator().drained();
    let told = |name: &str| {
        let text = get(&format!("{}/metrics", pipeline.admin(name)), &[]).unwrap().text;
        let samples = read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert!(histograms(&samples).unwrap_or_else(|error| panic!("{error}")) > 2, "{name}");
        samples
    };
    let (ingest, processor, query) = (told("ingest_admin"), told("processor"), told("query_admin"));
    let value = |samples: &[Sample], name: &str, labels: &[(&str, &str)]| {
        let has = |own: &[(String, String)]| labels.iter().all(|(name, value)| own.iter().any(|(n, v)| n == name && v == value));
        samples.iter().filter(|(found, own, _)| found == name && has(own)).map(|(.., value)| value).sum::<f64>()
    };
    let route = [("service", "ingest"), ("route", "/v1/reports")];
    assert_eq!(value(&ingest, "aftershock_http_requests_total", &[route[0], route[1], ("status", "200")]), 1.0);
    assert_eq!(value(&ingest, "aftershock_http_requests_total", &[route[0], route[1], ("status", "401")]), 1.0);
    assert_eq!(value(&ingest, "aftershock_http_received_bytes_total", &route), 2.0 * body.len() as f64);
    assert!(value(&ingest, "aftershock_http_sent_bytes_total", &route) > 0.0);
    assert_eq!(value(&ingest, "aftershock_http_request_seconds_count", &route), 2.0);
    assert_eq!(value(&ingest, "aftershock_reports_total", &[("dialect", "native"), ("outcome", "accepted")]), 1.0, "{ingest:?}");
    for name in ["aftershock_publish_queue_records", "aftershock_http_connections", "aftershock_http_connections_refused_total"] {
        assert!(ingest.iter().any(|(found, ..)| found == name), "{name} is missing");
    }
    assert!(value(&query, "aftershock_http_requests_total", &[("service", "query"), ("route", "/v1/admin/pipeline")]) > 0.0);
    let others = [&processor, &query].map(|samples| value(samples, "aftershock_reports_total", &[]));
    assert_eq!(others, [0.0, 0.0], "what a process tells is its own");
}

/// A public port says that its service is alive, and nothing else of it.
#[test]
fn only_operators_read_metrics_and_readiness() {
    let pipeline = Pipeline::start();
    for (public, admin) in [(pipeline.ingest(), "ingest_admin"), (pipeline.query(), "query_admin")] {
        let admin = pipeline.admin(admin);
        for (path, expected) in [("/healthz", [200, 200]), ("/readyz", [404, 200]), ("/metrics", [404, 200])] {
            let found = [&public, &admin].map(|url| get(&format!("{url}{path}"), &[]).unwrap().status);
            assert_eq!(found, expected, "{path} of {public} and {admin}");
        }
    }
}

#[test]
fn what_is_no_exposition_is_seen() {
    assert_eq!(read("# HELP a_total A.\n# TYPE a_total counter\na_total{b=\"\\\"\"} 1\n").unwrap().len(), 1);
    for wrong in [
        "# HELP a_total A.\n# TYPE a_total counter\na_total 1",
        "a_total 1\n",
        "# HELP a_total A.\n# TYPE a_total counter\na_total{b=\"1\",b=\"2\"} 1\n",
        "# HELP a_total A.\n# TYPE a_total counter\na_total 1\na_total 2\n",
        "# HELP a_total A.\n# TYPE a_total counter\na_total{b=\"\\x\"} 1\n",
        "# HELP a A.\n# TYPE a counter\na 1\n",
        "# HELP a A.\n# TYPE a gauge\na one\n",
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}
