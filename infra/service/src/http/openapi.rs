//! The OpenAPI 3.1 document of a router, rendered from its endpoints so that it cannot drift.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::Router;
use super::router::Route;

impl Router {
    /// The OpenAPI 3.1 document of the mounted operations; the same list gives the same document.
    pub fn openapi(&self) -> Value {
        render(self)
    }
}

/// Sorted throughout: the same routes give the same text.
fn render(router: &Router) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    // Requests are described as they are read, responses as they are written.
    let mut reading = settings.clone().for_deserialize().into_generator();
    let mut writing = settings.for_serialize().into_generator();
    let mut paths: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    for route in &router.routes {
        let shared = operation(route, &mut reading, &mut writing);
        let item = paths.entry(template(route.path)).or_default();
        for method in route.methods {
            let mut operation = shared.clone();
            operation.insert("operationId".into(), operation_id(method, route).into());
            item.insert(method.as_str().to_ascii_lowercase(), Value::Object(operation));
        }
    }
    let mut schemas: BTreeMap<String, Value> = writing.take_definitions(true).into_iter().collect();
    schemas.extend(reading.take_definitions(true));
    schemas.insert("Problem".to_owned(), problem());
    let tags: BTreeSet<&str> = router.routes.iter().map(|route| route.tag).collect();
    json!({
        "openapi": "3.1.0",
        "info": { "title": router.title, "version": env!("CARGO_PKG_VERSION") },
        "tags": tags.iter().map(|tag| json!({ "name": tag })).collect::<Vec<_>>(),
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

fn operation(route: &Route, reading: &mut SchemaGenerator, writing: &mut SchemaGenerator) -> Map<String, Value> {
    let mut operation = Map::new();
    operation.insert("summary".into(), route.summary.into());
    operation.insert("tags".into(), json!([route.tag]));
    let parameters = parameters(route);
    if !parameters.is_empty() {
        operation.insert("parameters".into(), parameters.into());
    }
    if let Some(schema) = (route.input)(reading) {
        let content = json!({ "application/json": { "schema": schema } });
        operation.insert("requestBody".into(), json!({ "required": true, "content": content }));
    }
    let mut success = json!({ "description": "Success" });
    if let Some(schema) = (route.output)(writing) {
        success["content"] = json!({ "application/json": { "schema": schema } });
    }
    let problem = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
    let other = json!({ "description": "Anything else", "content": problem });
    operation.insert("responses".into(), json!({ "200": success, "default": other }));
    operation
}

fn parameters(route: &Route) -> Vec<Value> {
    let captured = captures(route.path).map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let asked = (route.query)().iter().map(|(name, description)| {
        let schema = json!({ "type": "string" });
        json!({ "name": name, "in": "query", "description": description, "schema": schema })
    });
    captured.chain(asked).collect()
}

/// The names between braces, without the star of a tail.
fn captures(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        Some(name.strip_prefix('*').unwrap_or(name))
    })
}

fn template(path: &str) -> String {
    path.replace("{*", "{")
}

fn operation_id(method: &Method, route: &Route) -> String {
    let mut id = method.as_str().to_ascii_lowercase();
    for word in route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        id.push('_');
        id.push_str(word);
    }
    id
}

fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["timestamp", "status", "error", "message", "path"],
        "properties": {
            "timestamp": { "type": "string", "format": "date-time" },
            "status": { "type": "integer" },
            "error": { "type": "string" },
            "message": { "type": "string" },
            "path": { "type": "string" },
        },
    })
}
