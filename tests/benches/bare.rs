//! For scale: a server of bare hyper that puts each line of a body into the log as it came and answers when all are there. It
//! authenticates nobody, reads nothing, limits and counts nothing. What an edge costs beyond it is the edge's own.

use super::harness::{Pipeline, Process};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, server::conn::http1};
use hyper_util::rt::TokioIo;
use service::kafka::admin::{Admin, TopicSpec};
use service::kafka::{Config, Outgoing, Producer, ProducerOptions};
use std::convert::Infallible;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

const TOPIC: &str = "bare";
/// The argument by which this program is the server.
pub const ARGUMENT: &str = "serve-bare";

/// The server in a process of its own, and where it listens.
pub fn start(pipeline: &Pipeline) -> (Process, String) {
    let config = pipeline.role_config(TOPIC, "");
    let program = std::env::current_exe().unwrap();
    let mut process = Process::of(Command::new(program).arg(ARGUMENT).arg(config));
    let url = process.first_line().unwrap();
    (process, url)
}

/// Serves until it is killed; the log is that of a configuration.
#[tokio::main]
pub async fn serve(config: &str) {
    let config: toml::Table = std::fs::read_to_string(config).unwrap().parse().unwrap();
    let config: Config = config["kafka"].clone().try_into().unwrap();
    let spec = TopicSpec { name: TOPIC.to_owned(), partitions: 4, replication: 1, config: Vec::new() };
    Admin::new(&config).unwrap().create_topics(&[spec]).await.unwrap();
    let options = ProducerOptions { client_id: TOPIC.to_owned(), linger: Duration::from_millis(3), ..ProducerOptions::default() };
    let producer = Arc::new(Producer::new(&config, options).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(connection(stream, producer.clone()));
    }
}

async fn connection(stream: TcpStream, producer: Arc<Producer>) {
    stream.set_nodelay(true).unwrap();
    let service = service_fn(|request| answer(request, &producer));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, producer: &Producer) -> Result<Response<Empty<Bytes>>, Infallible> {
    let is_batch = request.headers().get("content-type").is_some_and(|kind| kind == "application/x-ndjson");
    let mut reply = Response::new(Empty::new());
    let Ok(body) = request.into_body().collect().await else {
        *reply.status_mut() = StatusCode::BAD_REQUEST;
        return Ok(reply);
    };
    let body = body.to_bytes();
    let message = |bytes: &[u8]| Outgoing { key: rand::random::<[u8; 16]>().to_vec(), payload: bytes.to_vec() };
    let messages = if is_batch { body.split(|byte| *byte == b'\n').map(message).collect() } else { vec![message(&body)] };
    let outcomes = producer.send_all(TOPIC, messages).unwrap().await;
    assert!(outcomes.iter().all(Result::is_ok), "the log takes everything");
    Ok(reply)
}
