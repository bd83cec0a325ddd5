//! The rendered OpenAPI document.

use super::*;

#[test]
fn the_document_says_what_is_mounted() {
    let document = router().openapi();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["title"], "test");
    let greet = &document["paths"]["/v1/greetings"]["post"];
    let reference = "#/components/schemas/Greeting";
    assert_eq!(greet["requestBody"]["content"]["application/json"]["schema"]["$ref"], reference);
    assert_eq!(greet["responses"]["200"]["content"]["application/json"]["schema"]["$ref"], reference);
    assert_eq!(greet["operationId"], "post_v1_greetings");
    let schema = &document["components"]["schemas"]["Greeting"];
    assert_eq!(schema["properties"]["name"]["description"], "Who is greeted.");
    assert_eq!(schema["required"], serde_json::json!(["name"]));
    let count = &document["paths"]["/v1/counts/{name}"];
    assert!(count["put"].is_object() && count["get"].is_object());
    assert_eq!(count["get"]["parameters"][0]["name"], "name");
    assert_eq!(document["paths"]["/tail/{rest}"]["get"]["parameters"][0]["name"], "rest");
    assert!(document["paths"]["/healthz"]["get"].is_object());
}

#[test]
fn the_same_list_gives_the_same_text() {
    let text = |router: Router| serde_json::to_string_pretty(&router.openapi()).unwrap();
    assert_eq!(text(router()), text(router()));
    let turned = Router::new("x").mount(Tail).mount(Greet);
    assert_eq!(text(turned), text(Router::new("x").mount(Greet).mount(Tail)));
    let paths = Router::new("x").mount(Count).paths().len();
    assert_eq!(paths, 2);
}
