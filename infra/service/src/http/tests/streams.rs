//! HTTP/2 without TLS: what it may do, and what it may not.

use super::*;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// `GET http://t/` in HPACK's static table.
const GET: &[u8] = &[0x82, 0x86, 0x84, 0x41, 1, b't'];

async fn connect(server: &Server) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(method: Method, path: &str, body: impl Into<Bytes>) -> ::http::Request<Full<Bytes>> {
    ::http::Request::builder().method(method).uri(format!("http://t{path}")).body(Full::new(body.into())).unwrap()
}

async fn ask(sender: &mut SendRequest<Full<Bytes>>, request: ::http::Request<Full<Bytes>>) -> (u16, String) {
    let response = sender.send_request(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// A frame of a kind, with flags, on a stream.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Says the preface and empty settings, then `frames` one after another until the server has had enough; how many it took.
async fn flood(server: &Server, frames: impl Iterator<Item = Vec<u8>>) -> usize {
    let (mut reader, mut writer) = TcpStream::connect(server.address).await.unwrap().into_split();
    let closed = tokio::spawn(async move {
        let mut piece = [0; 4096];
        while matches!(reader.read(&mut piece).await, Ok(1..)) {}
    });
    writer.write_all(&[PREFACE, &frame(4, 0, 0, &[])].concat()).await.unwrap();
    let mut sent = 0;
    for frame in frames {
        if closed.is_finished() || writer.write_all(&frame).await.is_err() {
            break;
        }
        sent += 1;
        tokio::task::yield_now().await;
    }
    tokio::time::timeout(PATIENCE, closed).await.expect("the server ends the connection").unwrap();
    sent
}

#[tokio::test]
async fn requests_run_beside_each_other() {
    let server = Server::start(Limits::default()).await;
    let mut sender = connect(&server).await;
    let held = sender.send_request(request(Method::GET, "/held", ""));
    let held = tokio::spawn(held);
    server.held(1).await;
    for name in ["a", "%E4%BD%A0"] {
        let (status, body) = ask(&mut sender, request(Method::PUT, &format!("/v1/counts/{name}"), vec![b'x'; 700_000])).await;
        assert_eq!((status, body.ends_with(": 700000 bytes")), (200, true), "{body}");
    }
    server.gate.add_permits(1);
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
    server.stop().await;
}

#[tokio::test]
async fn bounds_are_those_of_http1() {
    let server = Server::start(Limits { max_headers: 20, body_timeout: Span::millis(200), ..Limits::default() }).await;
    let mut sender = connect(&server).await;
    assert_eq!(ask(&mut sender, request(Method::POST, "/v1/greetings", vec![b'x'; 1001])).await.0, 413);
    assert_eq!(ask(&mut sender, request(Method::GET, "/nowhere", "")).await.0, 404);
    let mut many = request(Method::GET, "/v1/counts/a", "");
    for number in 0..21 {
        many.headers_mut().insert(HeaderName::from_bytes(format!("x-{number}").as_bytes()).unwrap(), HeaderValue::from_static("y"));
    }
    assert_eq!(ask(&mut sender, many).await.0, 431);
    let mut large = request(Method::GET, "/v1/counts/a", "");
    large.headers_mut().insert("x-large", HeaderValue::from_str(&"y".repeat(40_000)).unwrap());
    assert!(sender.send_request(large).await.ok().is_none_or(|response| response.status() == 431));
    let mut other = connect(&server).await;
    assert_eq!(ask(&mut other, request(Method::GET, "/v1/counts/a", "")).await.0, 200);
    server.stop().await;
}

#[tokio::test]
async fn shutdown_lets_what_began_end() {
    let server = Server::start(Limits::default()).await;
    let mut sender = connect(&server).await;
    let held = tokio::spawn(sender.send_request(request(Method::GET, "/held", "")));
    server.held(1).await;
    server.trigger.fire();
    let refused = async {
        while sender.ready().await.is_ok() && !sender.is_closed() {
            tokio::task::yield_now().await
        }
    };
    server.gate.add_permits(1);
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
    tokio::time::timeout(PATIENCE, refused).await.expect("no more requests");
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_rests_or_never_asks_ends() {
    let server = Server::start(Limits { idle_timeout: Span::millis(100), header_timeout: Span::millis(100), ..Limits::default() }).await;
    assert_eq!(flood(&server, std::iter::empty()).await, 0);
    let mut sender = connect(&server).await;
    assert_eq!(ask(&mut sender, request(Method::GET, "/v1/counts/a", "")).await.0, 200);
    let closed = async {
        while sender.ready().await.is_ok() {
            tokio::task::yield_now().await
        }
    };
    tokio::time::timeout(PATIENCE, closed).await.expect("it ends");
    server.stop().await;
}

#[tokio::test]
async fn the_last_of_its_requests_ends_a_connection() {
    let server = Server::start(Limits { max_connection_requests: 2, ..Limits::default() }).await;
    let mut sender = connect(&server).await;
    for _ in 0..2 {
        assert_eq!(ask(&mut sender, request(Method::GET, "/v1/counts/a", "")).await.0, 200);
    }
    let closed = async {
        while sender.ready().await.is_ok() {
            tokio::task::yield_now().await
        }
    };
    tokio::time::timeout(PATIENCE, closed).await.expect("it ends");
    server.stop().await;
}

#[tokio::test]
async fn whoever_takes_requests_back_again_and_again_is_cut() {
    let server = Server::start(Limits::default()).await;
    let pair = |number: u32| [frame(1, 5, 2 * number + 1, GET), frame(3, 0, 2 * number + 1, &[0, 0, 0, 8])].concat();
    let one_by_one = flood(&server, (0..100_000).map(pair)).await;
    assert!(one_by_one < 50_000, "{one_by_one}");
    let pairs = |number: u32| -> Vec<u8> { (0..100).flat_map(|other| pair(number * 100 + other)).collect() };
    let in_bursts = flood(&server, (0..1_000).map(pairs)).await;
    assert!(in_bursts < 500, "{in_bursts}");
    server.stop().await;
}

#[tokio::test]
async fn a_header_block_without_an_end_is_cut() {
    let server = Server::start(Limits::default()).await;
    let piece = [&[0x40, 1, b'x', 0x7f, 0x81, 0x7d][..], &[b'y'; 16_000]].concat();
    let first = std::iter::once(frame(1, 1, 1, GET));
    let taken = flood(&server, first.chain((0..100_000).map(|_| frame(9, 0, 1, &piece)))).await;
    assert!(taken < 5_000, "{taken}");
    server.stop().await;
}
