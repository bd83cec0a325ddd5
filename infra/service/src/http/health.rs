//! `/healthz`, `/readyz` and `/metrics`, the same for every role. Only the first is answered also by a full server: the others take time.

use super::{Endpoint, Request, Response, Router, json as json_response, response, text};
use crate::telemetry;
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// A future on the heap.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A readiness check that takes longer than this has failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a role stays ready without being asked again, and how long it stays unready.
const READY_FOR: Duration = Duration::from_secs(1);
const UNREADY_FOR: Duration = Duration::from_millis(100);

/// Mounts `/healthz` alone, for a public port.
pub fn alive(router: Router) -> Router {
    router.mount(Alive)
}

/// Mounts the three. `ready` says what is missing, or `Ok` where the role can do its work; see [`Readiness`].
pub fn health<F>(router: Router, ready: F) -> Router
where
    F: Fn() -> BoxFuture<Result<(), String>> + Send + Sync + 'static,
{
    alive(router).mount(Ready(Readiness::cached(ready))).mount(Metrics)
}

/// Whether a role can do its work. Its check runs once for all requests that wait for it, and its verdict is kept for a second, so a flood of
/// requests costs log and tables one check a second.
pub struct Readiness {
    check: Box<dyn Fn() -> BoxFuture<Result<(), String>> + Send + Sync>,
    last: Arc<Mutex<Option<Verdict>>>,
}

struct Verdict {
    at: Instant,
    verdict: Result<(), String>,
}

impl Readiness {
    /// Asks `check`, which says what is missing.
    pub fn cached<F>(check: F) -> Self
    where
        F: Fn() -> BoxFuture<Result<(), String>> + Send + Sync + 'static,
    {
        Readiness { check: Box::new(check), last: Arc::default() }
    }

    /// The verdict, at most a second old.
    ///
    /// # Errors
    /// What is missing.
    pub async fn verdict(&self) -> Result<(), String> {
        let mut last = Arc::clone(&self.last).lock_owned().await;
        if let Some(known) = last.as_ref().filter(|known| known.holds()) {
            return known.verdict.clone();
        }
        let check = (self.check)();
        // A task of its own: whoever asks may leave, and the verdict is for those who wait as well.
        let asked = tokio::spawn(async move {
            let verdict = tokio::time::timeout(CHECK_TIMEOUT, check).await.unwrap_or_else(|_| Err("an answer in time".to_owned()));
            *last = Some(Verdict { at: Instant::now(), verdict: verdict.clone() });
            verdict
        });
        asked.await.unwrap_or_else(|_| Err("a check that ends".to_owned()))
    }
}

impl Verdict {
    fn holds(&self) -> bool {
        self.at.elapsed() < if self.verdict.is_ok() { READY_FOR } else { UNREADY_FOR }
    }
}

struct Alive;

impl Endpoint for Alive {
    const METHODS: &'static [Method] = &[Method::GET];
    const PATH: &'static str = "/healthz";
    const SUMMARY: &'static str = "Whether the process is alive";
    const TAG: &'static str = "health";
    const ALWAYS: bool = true;
    type Input = Request;
    type Output = Response;
    type Error = Infallible;

    async fn call(&self, _: Request) -> Result<Response, Infallible> {
        Ok(text(StatusCode::OK, "ok\n"))
    }
}

struct Ready(Readiness);

impl Endpoint for Ready {
    const METHODS: &'static [Method] = &[Method::GET];
    const PATH: &'static str = "/readyz";
    const SUMMARY: &'static str = "Whether the service can do its work, and what is missing";
    const TAG: &'static str = "health";
    type Input = Request;
    type Output = Response;
    type Error = Infallible;

    async fn call(&self, _: Request) -> Result<Response, Infallible> {
        Ok(match self.0.verdict().await {
            Ok(()) => json_response(StatusCode::OK, &json!({ "ready": true })),
            Err(missing) => json_response(StatusCode::SERVICE_UNAVAILABLE, &json!({ "ready": false, "missing": missing })),
        })
    }
}

struct Metrics;

impl Endpoint for Metrics {
    const METHODS: &'static [Method] = &[Method::GET];
    const PATH: &'static str = "/metrics";
    const SUMMARY: &'static str = "Metrics of the process in Prometheus' text format";
    const TAG: &'static str = "health";
    type Input = Request;
    type Output = Response;
    type Error = Infallible;

    async fn call(&self, _: Request) -> Result<Response, Infallible> {
        let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        let text = tokio::task::spawn_blocking(telemetry::render).await;
        Ok(response::with(StatusCode::OK, kind, text.unwrap_or_default().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use tokio::task::JoinSet;

    fn counting(verdict: Result<(), String>) -> (Arc<Readiness>, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let check = move || -> BoxFuture<Result<(), String>> {
            count.fetch_add(1, Relaxed);
            let verdict = verdict.clone();
            Box::pin(async move {
                tokio::task::yield_now().await;
                verdict
            })
        };
        (Arc::new(Readiness::cached(check)), asked)
    }

    #[tokio::test]
    async fn a_flood_of_questions_is_one_check() {
        for verdict in [Ok(()), Err("the log".to_owned())] {
            let (readiness, asked) = counting(verdict.clone());
            let mut flood = JoinSet::new();
            for _ in 0..600 {
                let readiness = Arc::clone(&readiness);
                flood.spawn(async move { readiness.verdict().await });
            }
            let answers = flood.join_all().await;
            assert!(answers.len() == 600 && answers.iter().all(|answer| *answer == verdict));
            // A machine that is busy for longer than a verdict holds may ask again.
            assert!(asked.load(Relaxed) < 20, "{} checks", asked.load(Relaxed));
        }
    }

    #[tokio::test]
    async fn who_leaves_takes_nothing_from_those_who_wait() {
        let (readiness, asked) = counting(Ok(()));
        for _ in 0..50 {
            // Leaves at its first pause, the check under way.
            let _ = tokio::time::timeout(Duration::ZERO, readiness.verdict()).await;
        }
        assert_eq!(readiness.verdict().await, Ok(()));
        assert!(asked.load(Relaxed) < 10, "{} checks", asked.load(Relaxed));
    }
}
