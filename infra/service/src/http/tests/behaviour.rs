//! Requests and their answers.

use super::*;

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let server = Server::start(Limits::default()).await;
    let mut wire = server.connect().await;
    for name in ["one", "两", "three"] {
        let reply = wire.send("POST", "/v1/greetings", &format!(r#"{{"name":"{name}"}}"#)).await;
        assert_eq!((reply.status, reply.json()["name"].as_str()), (200, Some(name)));
        assert!(reply.has("content-type: application/json"));
    }
    server.stop().await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Server::start(Limits::default()).await;
    let mut wire = server.connect().await;
    wire.write("GET /v1/counts/a HTTP/1.1\r\nhost: t\r\n\r\nGET /v1/counts/b HTTP/1.1\r\nhost: t\r\n\r\nGET /v1/c").await;
    assert_eq!(wire.read().await.body, "a: 0 bytes");
    assert_eq!(wire.read().await.body, "b: 0 bytes");
    wire.write("ounts/c HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert_eq!(wire.read().await.body, "c: 0 bytes");
    server.stop().await;
}

#[tokio::test]
async fn paths_are_forgiving_and_captures_decoded() {
    let server = Server::start(Limits::default()).await;
    let mut wire = server.connect().await;
    for path in ["/v1/counts/%E4%BD%A0", "//v1/counts/%E4%BD%A0/", "///v1/counts/%E4%BD%A0?x=1"] {
        assert_eq!(wire.get(path).await.body, "你: 0 bytes", "{path}");
    }
    let reply = wire.get("/tail/appId/a/platformId/1/?t=1&s=a%3D%3D").await;
    assert_eq!(reply.body, r#"Some("appId/a/platformId/1") [("t", "1"), ("s", "a==")]"#);
    assert_eq!(wire.get("/tail/error").await.json()["loud"], true);
    server.stop().await;
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let server = Server::start(Limits::default()).await;
    let mut wire = server.connect().await;
    let reply = wire.send("HEAD", "/v1/counts/abc", "").await;
    assert_eq!((reply.status, reply.body.as_str()), (200, ""));
    assert!(reply.has("content-length: 12"), "{}", reply.head);
    assert_eq!(wire.get("/v1/counts/abc").await.body.len(), 12);
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_said_in_one_shape() {
    let server = Server::start(Limits::default()).await;
    let mut wire = server.connect().await;
    let missing = wire.get("/nowhere/你?x").await;
    let body = missing.json();
    assert_eq!((missing.status, body["status"].as_u64(), body["error"].as_str()), (404, Some(404), Some("Not Found")));
    assert!(body["path"].is_string() && body["timestamp"].is_string() && body["message"].is_string());
    let wrong = wire.send("DELETE", "/v1/counts/x", "").await;
    assert_eq!((wrong.status, wrong.json()["status"].as_u64()), (405, Some(405)));
    assert!(wrong.has("allow: PUT, GET, HEAD"), "{}", wrong.head);
    let malformed = wire.send("POST", "/v1/greetings", "{\"name\":").await;
    assert_eq!((malformed.status, malformed.json()["path"].as_str()), (400, Some("/v1/greetings")));
    server.stop().await;
}

#[tokio::test]
async fn another_answer_to_unknown_paths() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new("other").not_found(|request| text(StatusCode::IM_A_TEAPOT, format!("{} {}", request.method, request.path)));
    let (trigger, shutdown) = Shutdown::new();
    let task = tokio::spawn(serve(listener, router, Limits::default(), shutdown));
    let reply = Wire::connect(address).await.get("/x/").await;
    assert_eq!((reply.status, reply.body.as_str()), (418, "GET /x"));
    trigger.fire();
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_panic_is_a_500_and_ends_nothing_else() {
    let server = Server::start(Limits::default()).await;
    let mut wire = server.connect().await;
    assert_eq!(wire.get("/broken").await.status, 500);
    let reply = wire.get("/broken").await;
    assert!(!reply.body.contains("asked for"), "{}", reply.body);
    assert_eq!(wire.get("/v1/counts/a").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn health_readiness_and_metrics() {
    let server = Server::start(Limits::default()).await;
    let mut wire = server.connect().await;
    assert_eq!(wire.get("/healthz").await.status, 200);
    let ready = wire.get("/readyz").await;
    assert_eq!((ready.status, ready.json()["missing"].as_str()), (503, Some("the log")));
    wire.get("/absent").await;
    let metrics = wire.get("/metrics").await;
    assert!(metrics.has("content-type: text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        r#"aftershock_http_requests_total{route="/readyz",service="test",status="503"} "#,
        r#"aftershock_http_requests_total{route="none",service="test",status="404"} "#,
        r#"aftershock_http_request_seconds_count{route="/healthz",service="test"} "#,
    ] {
        assert!(metrics.body.contains(line), "{line}\n{}", metrics.body);
    }
    server.stop().await;
}

#[tokio::test]
async fn no_answer_is_guessed_at_or_kept() {
    let server = Server::start(Limits::default()).await;
    let mut wire = server.connect().await;
    for (method, path, status) in [
        ("GET", "/v1/counts/a", 200),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 503),
        ("GET", "/metrics", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/v1/counts/a", 405),
        ("GET", "/broken", 500),
    ] {
        let reply = wire.send(method, path, "").await;
        assert_eq!(reply.status, status, "{path}");
        assert!(reply.has("x-content-type-options: nosniff") && reply.has("cache-control: no-store"), "{path}: {}", reply.head);
    }
    server.stop().await;
}

/// Health and metrics are served as long as the service runs, and no longer.
#[tokio::test]
async fn an_admin_port_lives_as_long_as_its_service() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (trigger, shutdown) = Shutdown::new();
    let admin = health(Router::new("admin"), || Box::pin(async { Ok(()) }));
    let task = tokio::spawn(async move {
        let service = async {
            shutdown.triggered().await;
            Ok::<(), Error>(())
        };
        with_admin(listener, admin, &Limits::default(), service).await
    });
    assert_eq!(Wire::connect(address).await.get("/readyz").await.status, 200);
    trigger.fire();
    tokio::time::timeout(PATIENCE, task).await.expect("it ends").unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn two_endpoints_for_one_path_are_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (_trigger, shutdown) = Shutdown::new();
    let twice = Router::new("twice").mount(Count).mount(Count);
    let error = serve(listener, twice, Limits::default(), shutdown).await.expect_err("a conflict");
    assert_eq!(error.to_string(), "two endpoints answer PUT /v1/counts/{name}");
}

#[tokio::test]
async fn shutdown_finishes_what_began_and_closes_what_rests() {
    let server = Server::start(Limits::default()).await;
    let (mut busy, mut resting, mut fresh) = (server.connect().await, server.connect().await, server.connect().await);
    assert_eq!(resting.get("/v1/counts/a").await.status, 200);
    busy.write("GET /held HTTP/1.1\r\nhost: t\r\n\r\n").await;
    server.held(1).await;
    server.trigger.fire();
    assert_eq!(resting.closed().await, "");
    assert_eq!(fresh.closed().await, "");
    let address = server.address;
    assert!(!server.task.is_finished());
    server.gate.add_permits(1);
    let reply = busy.read().await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "open"));
    assert_eq!(busy.closed().await, "");
    server.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn the_drain_has_an_end() {
    let server = Server::start(Limits { drain: Span::millis(50), ..Limits::default() }).await;
    let mut wire = server.connect().await;
    wire.write("GET /held HTTP/1.1\r\nhost: t\r\n\r\n").await;
    server.held(1).await;
    server.stop().await;
    assert_eq!(wire.closed().await, "");
}

#[tokio::test]
async fn a_page_of_another_origin_asks_first_and_may_read_the_reply() {
    let server = Server::start(Limits::default()).await;
    let mut wire = server.connect().await;
    let asks = |origin: &str, path: &str| {
        let headers =
            format!("origin: {origin}\r\naccess-control-request-method: PUT\r\naccess-control-request-headers: x-app-key, content-type");
        format!("OPTIONS {path} HTTP/1.1\r\nhost: t\r\n{headers}\r\n\r\n")
    };
    wire.write(asks("https://shop.example", "/v1/counts/a")).await;
    let reply = wire.read_empty().await;
    assert_eq!(reply.status, 204);
    for header in [
        "access-control-allow-origin: https://shop.example",
        "access-control-allow-methods: PUT, GET, HEAD",
        "access-control-allow-headers: x-app-key, content-type",
        "access-control-max-age: 3600",
        "vary: Origin",
    ] {
        assert!(reply.has(header), "{header} in {}", reply.head);
    }
    wire.write(asks("https://other.example", "/v1/counts/a")).await;
    let reply = wire.read().await;
    assert_eq!((reply.status, reply.head.contains("access-control")), (403, false));
    wire.write(asks("https://shop.example", "/nowhere")).await;
    assert_eq!(wire.read().await.status, 404);

    for (origin, expected) in [("origin: https://shop.example\r\n", true), ("origin: https://other.example\r\n", false), ("", false)] {
        wire.write(format!("GET /v1/counts/a HTTP/1.1\r\nhost: t\r\n{origin}\r\n")).await;
        let reply = wire.read().await;
        assert_eq!((reply.status, reply.has("access-control-allow-origin: https://shop.example")), (200, expected), "{}", reply.head);
        assert_eq!(reply.head.contains("access-control-expose-headers: retry-after"), expected, "{}", reply.head);
    }
    let reply = wire.send("OPTIONS", "/v1/counts/a", "").await;
    assert_eq!(reply.status, 405, "no browser's question");
    server.stop().await;
}
