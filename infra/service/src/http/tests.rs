//! The server over real sockets: what a client may do, and what it may not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod behaviour;
mod bounds;
mod document;
mod lifetimes;
mod sealed;
mod spans;
mod streams;
mod wire;

use super::*;
use crate::config::{Size, Span};
use crate::shutdown::{Shutdown, Trigger};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use wire::Wire;

/// Longer than anything here takes; only a failure waits so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server under test.
struct Server {
    address: std::net::SocketAddr,
    trigger: Trigger,
    task: JoinHandle<Result<(), Error>>,
    gate: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Server {
    async fn start(options: impl Into<Options>) -> Server {
        let gate = Arc::new(Semaphore::new(0));
        let waiting = Arc::new(AtomicUsize::new(0));
        let held = Held { gate: Arc::clone(&gate), waiting: Arc::clone(&waiting) };
        let router = router().mount(held);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (trigger, shutdown) = Shutdown::new();
        let task = tokio::spawn(serve(listener, router, options.into(), shutdown));
        Server { address, trigger, task, gate, waiting }
    }

    async fn connect(&self) -> Wire {
        Wire::connect(self.address).await
    }

    /// Waits until `count` requests are inside `/held`.
    async fn held(&self, count: usize) {
        let reached = async {
            while self.waiting.load(SeqCst) < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.expect("requests arrive");
    }

    async fn stop(self) {
        self.trigger.fire();
        let ended = tokio::time::timeout(PATIENCE, self.task).await.expect("the server ends");
        ended.unwrap().unwrap();
    }
}

fn router() -> Router {
    let router =
        Router::new("test").mount(Greet).mount(Count).mount(Broken).mount(Tail).cross_origin(|origin| origin == "https://shop.example");
    health(router, || Box::pin(async { Err("the log".to_owned()) }))
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Greeting {
    /// Who is greeted.
    name: String,
    #[serde(default)]
    loud: bool,
}

/// Answers with what it was given.
struct Greet;

impl Endpoint for Greet {
    const METHODS: &'static [Method] = &[Method::POST];
    const PATH: &'static str = "/v1/greetings";
    const SUMMARY: &'static str = "Greets";
    const TAG: &'static str = "greetings";
    const BODY_LIMIT: usize = 1000;
    type Input = Json<Greeting>;
    type Output = Json<Greeting>;
    type Error = Infallible;

    async fn call(&self, Json(greeting): Json<Greeting>) -> Result<Json<Greeting>, Infallible> {
        Ok(Json(greeting))
    }
}

/// Says how many bytes came.
struct Count;

impl Endpoint for Count {
    const METHODS: &'static [Method] = &[Method::PUT, Method::GET];
    const PATH: &'static str = "/v1/counts/{name}";
    const SUMMARY: &'static str = "Counts";
    const TAG: &'static str = "counts";
    const BODY_LIMIT: usize = 4 << 20;
    type Input = Request;
    type Output = Response;
    type Error = Infallible;

    async fn call(&self, request: Request) -> Result<Response, Infallible> {
        let name = request.param("name").unwrap_or_default();
        Ok(text(StatusCode::OK, format!("{name}: {} bytes", request.body.len())))
    }
}

/// Panics.
struct Broken;

impl Endpoint for Broken {
    const METHODS: &'static [Method] = &[Method::GET];
    const PATH: &'static str = "/broken";
    const SUMMARY: &'static str = "Panics";
    const TAG: &'static str = "broken";
    type Input = Request;
    type Output = Response;
    type Error = Infallible;

    async fn call(&self, request: Request) -> Result<Response, Infallible> {
        tokio::task::yield_now().await;
        panic!("asked for by {}", request.path);
    }
}

/// Takes any path below it.
struct Tail;

impl Endpoint for Tail {
    const METHODS: &'static [Method] = &[Method::GET];
    const PATH: &'static str = "/tail/{*rest}";
    const SUMMARY: &'static str = "Shows the rest of the path";
    const TAG: &'static str = "counts";
    type Input = Request;
    type Output = Response;
    type Error = Json<Greeting>;

    async fn call(&self, request: Request) -> Result<Response, Json<Greeting>> {
        match request.param("rest") {
            Some("error") => Err(Json(Greeting { name: "error".into(), loud: true })),
            rest => Ok(text(StatusCode::OK, format!("{rest:?} {:?}", request.query_pairs()))),
        }
    }
}

/// Waits until the gate opens.
struct Held {
    gate: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Endpoint for Held {
    const METHODS: &'static [Method] = &[Method::GET];
    const PATH: &'static str = "/held";
    const SUMMARY: &'static str = "Waits";
    const TAG: &'static str = "held";
    type Input = Request;
    type Output = Response;
    type Error = Infallible;

    async fn call(&self, _: Request) -> Result<Response, Infallible> {
        self.waiting.fetch_add(1, SeqCst);
        let permit = self.gate.acquire().await;
        self.waiting.fetch_sub(1, SeqCst);
        Ok(text(StatusCode::OK, if permit.is_ok() { "open" } else { "closed" }))
    }
}
