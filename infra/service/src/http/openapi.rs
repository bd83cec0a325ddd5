//! The OpenAPI 3.1 document of a router, rendered from its endpoints so that it cannot drift.

use super::Router;
use super::router::Route;
use http::{Method, StatusCode};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

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
    let problem_response = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
    let problem_response = json!({ "description": "Any error that is not listed", "content": problem_response });
    let mut responses = BTreeMap::from([("Problem".to_owned(), problem_response)]);
    for route in router.routes.iter().filter(|route| route.documented) {
        let item = paths.entry(template(route.path)).or_default();
        for method in route.methods {
            let operation = operation(method, route, &mut reading, &mut writing, &mut responses);
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
        "components": { "responses": responses, "schemas": schemas },
    })
}

fn operation(
    method: &Method,
    route: &Route,
    reading: &mut SchemaGenerator,
    writing: &mut SchemaGenerator,
    shared: &mut BTreeMap<String, Value>,
) -> Map<String, Value> {
    let mut operation = Map::new();
    operation.insert("operationId".into(), operation_id(method, route).into());
    operation.insert("summary".into(), route.summary.into());
    operation.insert("tags".into(), json!([route.tag]));
    let mut parameters = parameters(route);
    if let Some(schema) = (route.input)(reading) {
        if has_body(method) {
            let content = json!({ "application/json": { "schema": schema } });
            operation.insert("requestBody".into(), json!({ "required": true, "content": content }));
        } else {
            members(schema.as_value(), reading.definitions(), &mut parameters);
        }
    }
    if !parameters.is_empty() {
        operation.insert("parameters".into(), parameters.into());
    }
    operation.insert("responses".into(), responses(route, writing, shared));
    operation
}

fn has_body(method: &Method) -> bool {
    ![Method::GET, Method::HEAD, Method::DELETE].contains(method)
}

/// The members of an object, and of all that it consists of, as query parameters.
fn members(schema: &Value, definitions: &Map<String, Value>, parameters: &mut Vec<Value>) {
    if let Some(definition) = schema["$ref"].as_str().and_then(|path| definitions.get(path.rsplit('/').next()?)) {
        members(definition, definitions, parameters);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        members(part, definitions, parameters);
    }
    let is_required = |name: &str| schema["required"].as_array().is_some_and(|required| required.iter().any(|known| known == name));
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let mut member = member.clone();
        let description = member.as_object_mut().and_then(|member| member.remove("description")).unwrap_or_default();
        parameters.push(json!({
            "name": name, "in": "query", "required": is_required(name), "description": description, "schema": member,
        }));
    }
}

/// The answers by status. An error with status 200 stands beside the success; the others are listed once for all operations, in `shared`.
fn responses(route: &Route, writing: &mut SchemaGenerator, shared: &mut BTreeMap<String, Value>) -> Value {
    let response = |description: &str, schema: Option<Value>| match schema {
        Some(schema) => json!({ "description": description, "content": { "application/json": { "schema": schema } } }),
        None => json!({ "description": description }),
    };
    let mut success = (route.output)(writing).map(Value::from);
    let mut description = "The answer of the operation";
    let mut responses = Map::new();
    for failure in (route.failures)(writing) {
        let schema = Value::from(failure.schema);
        if failure.status == StatusCode::OK {
            success = Some(json!({ "anyOf": [success, schema] }));
            description = failure.description;
            continue;
        }
        let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or("Error");
        let name = format!("{name}.{}", failure.status.as_str());
        let response = response(failure.description, Some(schema));
        let response = match shared.entry(name.clone()).or_insert_with(|| response.clone()) == &response {
            true => json!({ "$ref": format!("#/components/responses/{name}") }),
            false => response,
        };
        responses.insert(failure.status.as_str().to_owned(), response);
    }
    responses.insert("200".to_owned(), response(description, success));
    responses.insert("default".to_owned(), json!({ "$ref": "#/components/responses/Problem" }));
    Value::Object(responses)
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
