//! Renders the reference pages of the configuration and of the credentials from the structs that read them, and the page of the metrics from the lists that
//! declare them, so that a page cannot differ from the code.

use crate::settings::Settings;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};
use service::credentials::Credentials;
use service::telemetry::{Description, PROCESS_METRICS};
use std::fmt::Write;

const HEAD: &str = "# Configuration\n\n\
    TOML, read once at the start; every key may be left out. Over the file goes the environment: `AFTERSHOCK__SECTION__KEY`, for example\n\
    `AFTERSHOCK__QUERY__TIME_ZONE='+00:00'`. Unknown keys are errors. `aftershock check --config FILE` says what is wrong with a file, or that it is\n\
    fine. Times are written `\"500ms\"`, `\"30s\"`, `\"2h\"`, `\"30d\"`, sizes `\"64KiB\"`, `\"16MiB\"`; port 0 picks a free port.\n\n\
    Log lines go to stderr: `AFTERSHOCK_LOG` says which (`info`, `warn,access=info`, ...), `AFTERSHOCK_LOG_FORMAT=json` writes each as an object.\n\n\
    This page is rendered from the code and compared with it by a test.\n";

const CREDENTIALS_HEAD: &str = "# Credentials\n\n\
    `credentials.toml` lists who may send and who may ask. `credentials` in the configuration says where it is (`docs/configuration.md`). A standalone that\n\
    finds none makes one with random keys. Keep it readable for its owner alone (mode 0600).\n\n\
    To add an app, a user or an admin, or to replace a key: edit the file, run `aftershock check --config FILE`, which says what is wrong with it, then\n\
    send `SIGHUP` to the services (to the standalone where it runs). They read the file again; a file with a mistake is refused and the old one\n\
    stays in force. Unknown keys are errors.\n\n\
    This page is rendered from the code and compared with it by a test.\n";

const CREDENTIALS_TAIL: &str = "\n## What happens at a limit\n\n\
    The last tenth of a limit of an app is kept for crashes (category `crash` or `anr`). A device is limited at each address for itself, because the app key is\n\
    public and anybody can name any device. One address can use up the limit of its app, unless the limit of an address is lower. Ids that many devices\n\
    share or that stand for none (`unknown`, zeros; `schemas/src/device.rs` lists them) name no device.\n\n\
    Over a limit a request is answered 429 with `Retry-After` and `X-Limit-Scope` (`device`, `address` or `app`), in the words of its dialect. In a batch of\n\
    the native dialect each item has its own `scope` and `retryAfter`, and 429 is answered where no item was accepted. The metrics count it as `throttled` with a\n\
    reason (`PerDevice`, `PerAddress`, `BytesPerAddress`, `AppPerMinute`, `AppBytesPerMinute` or `AppPerDay`). A page of an origin that is not allowed is\n\
    answered 403 and counted as `OriginNotAllowed`.\n";

const METRICS_HEAD: &str = "# Metrics\n\n\
    Every service tells its metrics at `/metrics` of its `admin_listen` (processor: `listen`), in the text format of Prometheus. A series appears once it has\n\
    been counted the first time. Histograms have buckets from 50 µs to a minute.\n\n\
    This page is rendered from the code and compared with it by a test.\n";

/// The page of the metrics, in Markdown.
pub fn metrics_page() -> String {
    let lists = [
        ("Of every service", [service::metrics::METRICS, PROCESS_METRICS].concat()),
        ("Of ingest", ingest::METRICS.to_vec()),
        ("Of processor", processor::METRICS.to_vec()),
        ("Of query", query::METRICS.to_vec()),
    ];
    let mut page = METRICS_HEAD.to_owned();
    for (title, mut metrics) in lists {
        metrics.sort_by_key(|metric| metric.name);
        let _ = write!(page, "\n## {title}\n\n| metric | type | labels | |\n|---|---|---|---|\n");
        for Description { name, kind, labels, help } in metrics {
            let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(" ");
            let _ = writeln!(page, "| `{name}` | {kind} | {labels} | {} |", help.replace('|', "\\|"));
        }
    }
    page
}

/// The page of the credentials, in Markdown.
pub fn credentials_page() -> String {
    let mut page = CREDENTIALS_HEAD.to_owned();
    section(&mut page, "", Credentials::schema().as_value(), &Value::Null);
    page.push_str(CREDENTIALS_TAIL);
    page
}

/// The page of the configuration, in Markdown.
pub fn page() -> String {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<Settings>();
    let mut page = HEAD.to_owned();
    section(&mut page, "", schema.as_value(), &Value::Null);
    page
}

/// A table of the plain keys, then a section for each key that is a section itself.
fn section(page: &mut String, name: &str, schema: &Value, default: &Value) {
    let Some(properties) = properties(schema) else { return };
    if !name.is_empty() {
        let heading = if schema.get("items").is_some() { format!("[[{name}]]") } else { format!("[{name}]") };
        let _ = write!(page, "\n## {heading}\n\n{}\n", prose(schema));
    }
    let (sections, keys): (Vec<_>, Vec<_>) = properties.iter().partition(|(_, schema)| self::properties(schema).is_some());
    let mut table = String::new();
    let required = inner(schema).get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (key, schema) in keys {
        let value = default.get(key).or_else(|| schema.get("default")).unwrap_or(&Value::Null);
        let value = if required.iter().any(|name| name == key) { "required".to_owned() } else { shown(value) };
        let _ = writeln!(table, "| `{key}` | {value} | {} |", prose(schema));
    }
    if !table.is_empty() {
        let table = format!("\n| key | default | |\n|---|---|---|\n{table}");
        // Behind a table stands an empty line: one that only begins like this is another one.
        let earlier = page.find(&format!("{table}\n")).and_then(|at| page[..at].rsplit("\n## ").next()?.lines().next().map(str::to_owned));
        match earlier {
            Some(heading) => _ = write!(page, "\nThe keys and their defaults are those of `{heading}`.\n"),
            None => page.push_str(&table),
        }
    }
    for (key, schema) in sections {
        let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
        let value = default.get(key).or_else(|| schema.get("default")).cloned().unwrap_or_default();
        section(page, &name, if schema.get("items").is_some() { schema } else { inner(schema) }, &value);
    }
}

/// The keys of a section; `None` for a plain value or a table of any keys.
fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    inner(schema).get("properties")?.as_object()
}

/// An optional section is `anyOf [section, null]`, a list of sections has `items`.
fn inner(schema: &Value) -> &Value {
    if let Some(items) = schema.get("items").filter(|items| items.get("properties").is_some()) {
        return items;
    }
    let options = schema.get("anyOf").and_then(Value::as_array);
    options.and_then(|options| options.iter().find(|option| option.get("properties").is_some())).unwrap_or(schema)
}

/// The doc comment on one line, as a cell of a table takes it.
fn prose(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text == "***" => "`\"\"`".to_owned(),
        value => format!("`{value}`"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]
    use super::*;

    /// `AFTERSHOCK_RENEW=1 cargo test -p aftershock reference` writes the pages again.
    #[test]
    fn the_pages_are_what_the_code_says() {
        for (name, page) in [("configuration", page()), ("credentials", credentials_page()), ("metrics", metrics_page())] {
            let path = format!("{}/../../docs/{name}.md", env!("CARGO_MANIFEST_DIR"));
            if std::env::var_os("AFTERSHOCK_RENEW").is_some() {
                std::fs::write(&path, &page).expect("the page is written");
            }
            let written = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(written == page, "docs/{name}.md differs from the code: run AFTERSHOCK_RENEW=1 cargo test -p aftershock reference");
        }
    }

    #[test]
    fn every_section_and_default_is_there() {
        let page = page();
        for text in [
            "## [ingest]",
            "## [processor.slice]",
            "## [[processor.grouping.rules]]",
            "| `group_by` | `\"default\"` |",
            "## [kafka]",
            "| `partitions` | `4` |",
            "| `linger` | `\"1s\"` |",
            "| `listen` | `\"127.0.0.1:8080\"` |",
        ] {
            assert!(page.contains(text), "{text} is missing in\n{page}");
        }
        assert!(page.contains("The keys and their defaults are those of `[ingest.limits]`."), "{page}");
        let page = credentials_page();
        for text in ["| `release_key` |", "## [[apps]]", "| `key` | required |", "| `apps` | `[\"*\"]` |", "## [[users]]", "## [[admins]]"]
        {
            assert!(page.contains(text), "{text} is missing in\n{page}");
        }
    }
}
