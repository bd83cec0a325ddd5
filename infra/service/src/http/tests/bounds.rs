//! What a client may take, and what happens beyond.

use super::*;

fn limits() -> Limits {
    Limits::default()
}

#[tokio::test]
async fn an_announced_large_body_is_refused_unread() {
    let server = Server::start(limits()).await;
    let mut wire = server.connect().await;
    wire.write("POST /v1/greetings HTTP/1.1\r\nhost: t\r\ncontent-length: 1001\r\n\r\n").await;
    let reply = wire.read().await;
    assert_eq!((reply.status, reply.json()["status"].as_u64()), (413, Some(413)));
    assert!(reply.has("connection: close"));
    server.stop().await;
}

/// Writes all of its body before it looks for an answer, as most clients do.
#[tokio::test]
async fn a_client_that_sends_all_of_a_refused_body_sees_why() {
    let server = Server::start(limits()).await;
    let body = vec![b'x'; 12 << 20];
    let heads = [
        ("POST /v1/greetings HTTP/1.1\r\nhost: t\r\n", 413),
        ("POST /nowhere HTTP/1.1\r\nhost: t\r\n", 404),
        ("DELETE /v1/greetings HTTP/1.1\r\nhost: t\r\n", 405),
    ];
    for (head, status) in heads {
        let mut wire = server.connect().await;
        wire.write(format!("{head}content-length: {}\r\n\r\n", body.len())).await;
        assert!(wire.try_write(&body).await, "{status}: the body goes out whole");
        assert_eq!(wire.read().await.status, status);
        assert_eq!(wire.closed().await, "");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_refused_client_that_never_ends_is_cut() {
    let server = Server::start(Limits { max_connections: 1, ..limits() }).await;
    let mut wire = server.connect().await;
    wire.write("POST /v1/greetings HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(1 << 16));
    let sent = async {
        let mut sent = 0;
        while wire.try_write(chunk.as_bytes()).await {
            sent += chunk.len();
        }
        sent
    };
    let sent = tokio::time::timeout(PATIENCE, sent).await.expect("the connection is cut");
    assert!(sent < 96 << 20, "{sent}");
    server.stop().await;
}

#[tokio::test]
async fn a_chunked_large_body_is_refused_while_it_comes() {
    let server = Server::start(limits()).await;
    let mut wire = server.connect().await;
    wire.write("POST /v1/greetings HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let chunk = format!("190\r\n{}\r\n", "x".repeat(400));
    for _ in 0..3 {
        wire.try_write(chunk.as_bytes()).await;
    }
    assert_eq!(wire.read().await.status, 413);
    server.stop().await;
}

#[tokio::test]
async fn a_body_in_many_pieces_is_whole() {
    let server = Server::start(limits()).await;
    let mut wire = server.connect().await;
    let size = 3_000_000;
    wire.write(format!("PUT /v1/counts/a HTTP/1.1\r\nhost: t\r\ncontent-length: {size}\r\n\r\n")).await;
    wire.write(vec![b'x'; size]).await;
    assert_eq!(wire.read().await.body, "a: 3000000 bytes");
    wire.write("PUT /v1/counts/b HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n").await;
    wire.write("3\r\nfgh\r\n0\r\n\r\n").await;
    assert_eq!(wire.read().await.body, "b: 8 bytes");
    assert_eq!(wire.closed().await, "", "nothing is taken after a chunked body");
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_drips_is_cut() {
    let server = Server::start(Limits { header_timeout: Span::millis(100), ..limits() }).await;
    let (mut silent, mut dripping) = (server.connect().await, server.connect().await);
    dripping.write("GET /v1/counts/a HTTP/1.1\r\nhost:").await;
    assert_eq!(silent.closed().await, "");
    assert_eq!(dripping.closed().await, "");
    let mut second = server.connect().await;
    assert_eq!(second.get("/v1/counts/a").await.status, 200);
    second.write("GET /v1/").await;
    assert_eq!(second.closed().await, "");
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_drips_is_a_408() {
    let server = Server::start(Limits { body_timeout: Span::millis(100), ..limits() }).await;
    let mut wire = server.connect().await;
    wire.write("PUT /v1/counts/a HTTP/1.1\r\nhost: t\r\ncontent-length: 10\r\n\r\nabc").await;
    assert_eq!(wire.read().await.status, 408);
    assert_eq!(wire.closed().await, "");
    server.stop().await;
}

#[tokio::test]
async fn a_resting_connection_is_closed_but_a_working_one_is_not() {
    let server = Server::start(Limits { idle_timeout: Span::millis(100), header_timeout: Span::millis(100), ..limits() }).await;
    let (mut resting, mut working) = (server.connect().await, server.connect().await);
    working.write("GET /held HTTP/1.1\r\nhost: t\r\n\r\n").await;
    server.held(1).await;
    assert_eq!(resting.get("/v1/counts/a").await.status, 200);
    assert_eq!(resting.closed().await, "");
    server.gate.add_permits(1);
    assert_eq!(working.read().await.body, "open");
    server.stop().await;
}

#[tokio::test]
async fn too_many_headers_are_a_431() {
    let server = Server::start(Limits { max_headers: 10, max_header_bytes: Size::kib(8), ..limits() }).await;
    let mut wire = server.connect().await;
    let headers: String = (0..11).map(|number| format!("x-{number}: y\r\n")).collect();
    wire.write(format!("GET /v1/counts/a HTTP/1.1\r\n{headers}\r\n")).await;
    assert_eq!(wire.read().await.status, 431);
    let mut wire = server.connect().await;
    wire.try_write(format!("GET /v1/counts/a HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(9000)).as_bytes()).await;
    assert!(wire.closed().await.starts_with("HTTP/1.1 431"));
    server.stop().await;
}

#[tokio::test]
async fn one_connection_too_many_is_refused_until_another_ends() {
    let server = Server::start(Limits { max_connections: 1, ..limits() }).await;
    let mut first = server.connect().await;
    assert_eq!(first.get("/v1/counts/a").await.status, 200);
    assert!(server.connect().await.closed().await.starts_with("HTTP/1.1 503"));
    drop(first);
    let served = async {
        loop {
            let mut next = server.connect().await;
            if next.try_write(b"GET /healthz HTTP/1.0\r\n\r\n").await && next.closed().await.starts_with("HTTP/1.0 200") {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, served).await.expect("the place is free again");
    server.stop().await;
}

#[tokio::test]
async fn who_is_refused_in_the_middle_of_a_request_reads_why() {
    let server = Server::start(Limits { max_connections: 1, ..limits() }).await;
    let mut first = server.connect().await;
    assert_eq!(first.get("/v1/counts/a").await.status, 200);
    let head = "POST /v1/counts/a HTTP/1.1\r\nhost: t\r\ncontent-length: 60000\r\n\r\n";
    for _ in 0..50 {
        let mut refused = server.connect().await;
        refused.write(format!("{head}{}", "x".repeat(60_000))).await;
        assert!(refused.closed().await.starts_with("HTTP/1.1 503"));
    }
    drop(first);
    server.stop().await;
}

#[tokio::test]
async fn one_request_too_many_is_a_503_also_for_metrics_but_the_server_is_alive() {
    let server = Server::start(Limits { max_in_flight: 1, ..limits() }).await;
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    first.write("GET /held HTTP/1.1\r\nhost: t\r\n\r\n").await;
    server.held(1).await;
    let refused = second.get("/v1/counts/a").await;
    assert!(refused.status == 503 && refused.has("retry-after: 1"), "{}", refused.head);
    assert_eq!(second.get("/healthz").await.status, 200);
    for path in ["/readyz", "/metrics"] {
        let refused = second.get(path).await;
        assert!(refused.status == 503 && refused.has("retry-after: 1"), "{path}: {}", refused.head);
    }
    server.gate.add_permits(1);
    assert_eq!(first.read().await.status, 200);
    assert_eq!(second.get("/v1/counts/a").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn all_bodies_together_have_a_bound() {
    let server = Server::start(Limits { max_body_memory: Size::kib(100), ..limits() }).await;
    let mut wire = server.connect().await;
    wire.write("PUT /v1/counts/a HTTP/1.1\r\nhost: t\r\ncontent-length: 300000\r\n\r\n").await;
    wire.try_write(&[b'x'; 200_000]).await;
    let refused = wire.read().await;
    assert!(refused.status == 503 && refused.has("retry-after: 1"), "{}", refused.head);
    let mut other = server.connect().await;
    let reply = other.send("PUT", "/v1/counts/a", &"x".repeat(90_000)).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "a: 90000 bytes"));
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_frees_its_place() {
    let server = Server::start(Limits { max_in_flight: 1, ..limits() }).await;
    let mut first = server.connect().await;
    first.write("GET /held HTTP/1.1\r\nhost: t\r\n\r\n").await;
    server.held(1).await;
    drop(first);
    let mut second = server.connect().await;
    let freed = async { while second.get("/v1/counts/a").await.status != 200 {} };
    tokio::time::timeout(PATIENCE, freed).await.expect("the place is free again");
    server.stop().await;
}

#[tokio::test]
async fn an_address_has_its_share_of_connections() {
    let server = Server::start(Limits { max_connections_per_address: 1, ..limits() }).await;
    let mut first = server.connect().await;
    assert_eq!(first.get("/v1/counts/a").await.status, 200);
    assert!(server.connect().await.closed().await.starts_with("HTTP/1.1 503"));
    let mut other = Wire::connect_from("127.0.0.9", server.address).await;
    assert_eq!(other.get("/v1/counts/a").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_trusted_proxy_has_no_share() {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let limits = Limits { max_connections_per_address: 1, ..limits() };
    let server = Server::start(Options { limits, trusted_proxies, ..Options::default() }).await;
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    assert_eq!((first.get("/v1/counts/a").await.status, second.get("/v1/counts/a").await.status), (200, 200));
    server.stop().await;
}

#[tokio::test]
async fn nothing_is_smuggled_behind_a_body_of_two_lengths() {
    let server = Server::start(limits()).await;
    let smuggled = "GET /v1/counts/smuggled HTTP/1.1\r\nhost: t\r\n\r\n";
    for head in [
        "content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n",
        "content-length: 4\r\ncontent-length: 5\r\n\r\nabcd",
        "transfer-encoding: identity\r\n\r\n",
        "transfer-encoding: chunked, identity\r\n\r\n",
        "content-length: +4\r\n\r\nabcd",
        "content-length : 4\r\n\r\nabcd",
        "x: y\r\n folded: z\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        "transfer-encoding: chunked\r\n\r\n-1\r\n",
        "transfer-encoding: chunked\r\n\r\n4;x=\n\r\nabcd\r\n0\r\n\r\n",
    ] {
        let mut wire = server.connect().await;
        wire.try_write(format!("PUT /v1/counts/a HTTP/1.1\r\nhost: t\r\n{head}{smuggled}").as_bytes()).await;
        let answered = wire.closed().await;
        assert!(!answered.contains("smuggled") && answered.matches("HTTP/1.1").count() <= 1, "{head:?}: {answered}");
    }
    server.stop().await;
}
