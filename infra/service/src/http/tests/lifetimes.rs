//! How long a connection lives.

use super::*;

#[tokio::test]
async fn the_last_of_its_requests_ends_a_connection() {
    let server = Server::start(Limits { max_connection_requests: 3, ..Limits::default() }).await;
    let mut wire = server.connect().await;
    for number in 1..=3 {
        let reply = wire.get("/v1/counts/a").await;
        assert_eq!((reply.status, reply.has("connection: close")), (200, number == 3), "{}", reply.head);
    }
    assert_eq!(wire.closed().await, "");
    server.stop().await;
}

#[tokio::test]
async fn an_old_connection_ends_with_its_next_answer() {
    let server = Server::start(Limits { max_connection_age: Span::millis(100), ..Limits::default() }).await;
    let mut wire = server.connect().await;
    let answers = async {
        let mut answers = 1;
        while !wire.get("/v1/counts/a").await.has("connection: close") {
            answers += 1;
        }
        answers
    };
    let answers = tokio::time::timeout(PATIENCE, answers).await.expect("it grows old");
    assert!(answers > 1, "the first request of a new connection is not its last");
    assert_eq!(wire.closed().await, "");
    server.stop().await;
}

/// More than any socket takes by itself.
const LARGE: usize = 32 << 20;

/// An answer of [`LARGE`] bytes.
struct Large;

impl Endpoint for Large {
    const METHODS: &'static [Method] = &[Method::GET];
    const PATH: &'static str = "/large";
    const SUMMARY: &'static str = "Much";
    const TAG: &'static str = "large";
    type Input = Request;
    type Output = Response;
    type Error = Infallible;

    async fn call(&self, _: Request) -> Result<Response, Infallible> {
        Ok(text(StatusCode::OK, "x".repeat(LARGE)))
    }
}

/// Without a bound of the whole time, a client that takes a little now and then would hold its answer for ever.
#[tokio::test]
async fn a_slow_but_steady_reader_holds_its_share_of_the_memory_for_a_bounded_time() {
    let limits = Limits {
        max_answer_memory: Size::mib(40),
        answer_timeout: Span::millis(100),
        idle_timeout: Span::millis(300),
        ..Limits::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (trigger, shutdown) = Shutdown::new();
    let server = tokio::spawn(serve(listener, Router::new("test").mount(Large), limits, shutdown));
    let mut slow = Wire::connect(address).await;
    slow.write("GET /large HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert!(slow.more().await, "the answer begins");
    let mut other = Wire::connect(address).await;
    let reply = other.get("/large").await;
    assert!(reply.status == 503 && reply.has("retry-after: 1"), "{}", reply.head);
    // 4 KiB at a time: the whole answer would take 8,192 pauses.
    while slow.more().await {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(slow.unread() < LARGE, "{}", slow.unread());
    let again = async { while Wire::connect(address).await.get("/large").await.status != 200 {} };
    tokio::time::timeout(PATIENCE, again).await.expect("its share is free again");
    trigger.fire();
    server.await.unwrap().unwrap();
}
