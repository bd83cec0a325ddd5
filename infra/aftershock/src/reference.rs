//! Renders the reference page of the configuration from the structs that read it, so that it cannot say something else.

use std::fmt::Write;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::settings::Settings;

const HEAD: &str = "# Configuration\n\n\
    TOML, read once at the start; every key may be left out. Over the file goes the environment: `AFTERSHOCK__SECTION__KEY`, for example\n\
    `AFTERSHOCK__QUERY__TIME_ZONE='+00:00'`. Unknown keys are errors. `aftershock check --config FILE` says what is wrong with a file, or that it is\n\
    fine. Times are written `\"500ms\"`, `\"30s\"`, `\"2h\"`, `\"30d\"`, sizes `\"64KiB\"`, `\"16MiB\"`; port 0 picks a free port.\n\n\
    Log lines go to stderr: `AFTERSHOCK_LOG` says which (`info`, `warn,access=info`, ...), `AFTERSHOCK_LOG_FORMAT=json` writes each as an object.\n\n\
    This page is rendered from the code and compared with it by a test.\n";

/// The page, in Markdown.
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
    if !keys.is_empty() {
        page.push_str("\n| key | default | |\n|---|---|---|\n");
    }
    for (key, schema) in keys {
        let value = default.get(key).or_else(|| schema.get("default")).unwrap_or(&Value::Null);
        let _ = writeln!(page, "| `{key}` | {} | {} |", shown(value), prose(schema));
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

    /// `AFTERSHOCK_RENEW=1 cargo test -p aftershock reference` writes the page anew.
    #[test]
    fn the_page_is_what_the_code_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        if std::env::var_os("AFTERSHOCK_RENEW").is_some() {
            std::fs::write(path, page()).expect("the page is written");
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == page(),
            "docs/configuration.md differs from the code: run AFTERSHOCK_RENEW=1 cargo test -p aftershock reference"
        );
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
    }
}
