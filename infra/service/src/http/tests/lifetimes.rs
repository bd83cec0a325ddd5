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
