//! Configuration: defaults, then a TOML file, then the environment, into one typed value.
//!
//! The typed scalars live beside it: [`Span`] and [`Size`] in `quantity.rs`, [`Secret`] in `secret.rs`.

mod quantity;
mod secret;

pub use quantity::{QuantityError, Size, Span};
pub use secret::Secret;

use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::Path;
use toml::{Table, Value};

/// Only variables that begin so are read; `__` goes one table deeper.
pub const PREFIX: &str = "AFTERSHOCK__";

/// Why a configuration cannot be used. Every message names the place and what was expected there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {file}: {source}")]
    Unreadable { file: String, source: std::io::Error },
    /// The file is not TOML.
    #[error("{file} is not valid TOML: {reason}")]
    Malformed { file: String, reason: String },
    /// A key is unknown or its value is not what the key takes.
    #[error("{place}: {key}: {expected}")]
    Key { place: String, key: String, expected: String },
    /// A variable's name cannot be a key.
    #[error("environment variable {variable}: {reason}")]
    Variable { variable: String, reason: String },
}

/// Reads `file` (none: defaults only), lays the `AFTERSHOCK__SECTION__KEY` variables over it and
/// turns the result into `T`.
///
/// A variable's name is lower-cased; its value is read as a TOML number, boolean or array where
/// that fits the key, else as text. Relative paths stay as written.
///
/// # Errors
/// An unreadable or malformed file, an unknown key, or a value that does not fit its key.
pub fn load<T: DeserializeOwned>(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Result<T, Error> {
    let mut table = match file {
        Some(path) => read(path)?,
        None => Table::new(),
    };
    let variables = lay_over(&mut table, environment)?;
    let origin = file.map_or_else(|| "configuration".to_owned(), |path| path.display().to_string());
    typed(table, variables, &origin)
}

/// One variable of the environment that became a key.
struct Variable {
    name: String,
    text: String,
}

fn read(path: &Path) -> Result<Table, Error> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| Error::Unreadable { file: file.clone(), source })?;
    text.parse::<Table>().map_err(|error| Error::Malformed { file, reason: located(&error, &text) })
}

/// A parser's message with the number of its line, and without the line itself, which may hold a secret.
pub(crate) fn located(error: &toml::de::Error, text: &str) -> String {
    let message = without_value(error.message());
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) if !before.is_empty() => format!("line {}: {message}", before.matches('\n').count() + 1),
        _ => message,
    }
}

/// A message of serde's without the value that was found, which may be a secret: a key written without quotes, a text where a
/// list is wanted.
pub(crate) fn without_value(message: &str) -> String {
    let message = message.trim_end();
    for kind in ["invalid type", "invalid value", "unknown variant"] {
        if message.strip_prefix(kind).is_some_and(|rest| rest.starts_with([':', ' '])) {
            // What is expected comes last and is ours.
            let expected = message.rfind(", expected ").map_or("", |at| &message[at..]);
            return format!("{kind}{expected}");
        }
    }
    message.to_owned()
}

/// Returns the variables by the dotted key they set.
fn lay_over(table: &mut Table, environment: impl Iterator<Item = (String, String)>) -> Result<BTreeMap<String, Variable>, Error> {
    // Sorted, so that two spellings of one key always give the same winner.
    let named: BTreeMap<String, String> = environment.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    let mut variables = BTreeMap::new();
    for (name, text) in named {
        let path: Vec<String> = name[PREFIX.len()..].split("__").map(str::to_ascii_lowercase).collect();
        if path.iter().any(String::is_empty) {
            let reason = "an empty part between double underscores".to_owned();
            return Err(Error::Variable { variable: name, reason });
        }
        put(table, &path, scalar(&text)).map_err(|reason| Error::Variable { variable: name.clone(), reason })?;
        variables.insert(path.join("."), Variable { name, text });
    }
    Ok(variables)
}

fn put(table: &mut Table, path: &[String], value: Value) -> Result<(), String> {
    let Some((last, sections)) = path.split_last() else {
        return Err("no key".to_owned());
    };
    let mut at = table;
    for section in sections {
        let next = at.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
        at = match next {
            Value::Table(inner) => inner,
            _ => return Err(format!("`{section}` is a value, not a table")),
        };
    }
    at.insert(last.clone(), value);
    Ok(())
}

/// A number, boolean or array as TOML writes it; anything else is text.
fn scalar(text: &str) -> Value {
    let as_text = || Value::String(text.to_owned());
    if text.contains('\n') {
        return as_text();
    }
    match format!("value = {text}").parse::<Table>() {
        Ok(mut table) => match table.remove("value") {
            Some(value @ (Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Array(_) | Value::String(_))) => value,
            _ => as_text(),
        },
        Err(_) => as_text(),
    }
}

fn typed<T: DeserializeOwned>(mut table: Table, mut variables: BTreeMap<String, Variable>, origin: &str) -> Result<T, Error> {
    loop {
        let error = match serde_path_to_error::deserialize(Value::Table(table.clone())) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let path = error.path().to_string();
        let expected = without_value(error.inner().message());
        // A password of digits only looks like a number: read again as the text it was.
        if let Some(variable) = variables.get(&path)
            && restore_text(&mut table, &path, &variable.text)
        {
            continue;
        }
        let place = match variables.remove(&path) {
            Some(variable) => format!("environment variable {}", variable.name),
            None => origin.to_owned(),
        };
        let key = if path == "." { "top level".to_owned() } else { path };
        return Err(Error::Key { place, key, expected });
    }
}

/// Puts `text` where a non-text value stands; false when it is text already.
fn restore_text(table: &mut Table, path: &str, text: &str) -> bool {
    let mut at = table;
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        let Some(value) = at.get_mut(part) else { return false };
        if parts.peek().is_none() {
            let changes = !value.is_str();
            *value = Value::String(text.to_owned());
            return changes;
        }
        let Value::Table(inner) = value else { return false };
        at = inner;
    }
    false
}

#[cfg(test)]
mod tests;
