//! Ordinary clients: a report, its answer, a short rest, over a connection that stays.

use crate::harness::{KEY, Wire};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const CLIENTS: usize = 16;
/// Time between two reports of a client.
const REST: Duration = Duration::from_millis(20);

/// What ordinary clients saw.
#[derive(Default)]
pub struct Seen {
    /// How long each answer took, sorted.
    pub answered: Vec<Duration>,
    pub failures: Vec<String>,
}

impl Seen {
    pub fn percentile(&self, percent: usize) -> Duration {
        self.answered.get((self.answered.len() * percent / 100).min(self.answered.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |percent| self.percentile(percent).as_secs_f64() * 1e3;
        let (count, failed) = (self.answered.len(), self.failures.len());
        write!(f, "{count} acknowledged, {failed} failed, p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms", ms(50), ms(99), ms(100))
    }
}

/// Reports for as long as asked.
pub async fn run(edge: SocketAddr, time: Duration) -> Seen {
    let end = Instant::now() + time;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(client(edge, end));
    }
    let mut all = Seen::default();
    while let Some(seen) = clients.join_next().await {
        let seen = seen.unwrap();
        all.answered.extend(seen.answered);
        all.failures.extend(seen.failures);
    }
    all.answered.sort_unstable();
    all
}

async fn client(edge: SocketAddr, end: Instant) -> Seen {
    let (mut seen, mut rest) = (Seen::default(), tokio::time::interval(REST));
    rest.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut wire = Wire::connect(Ipv4Addr::LOCALHOST, edge).await.unwrap();
    let headers = format!("x-app-key: {KEY}\r\ncontent-type: application/json\r\n");
    while Instant::now() < end {
        rest.tick().await;
        let (body, start) = (report(), Instant::now());
        match wire.post("/v1/reports", &headers, body.as_bytes()).await {
            Ok(answer) if answer.status == 200 => seen.answered.push(start.elapsed()),
            Ok(answer) => seen.failures.push(format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body))),
            Err(error) => {
                seen.failures.push(error.to_string());
                wire = Wire::connect(Ipv4Addr::LOCALHOST, edge).await.unwrap();
            }
        }
    }
    seen
}

fn report() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let frames: String = (0..18).map(|n| format!("\\n\\tat com.shop.Screen{n}.onEvent(Screen{n}.java:{})", 10 + n)).collect();
    format!(
        "{{\"eventId\":\"ordinary-{}-{number}\",\"category\":\"crash\",\"platformId\":1,\"productVersion\":\"ordinary\",\"deviceId\":\"设备-{}\",\
         \"expName\":\"java.lang.IllegalStateException\",\"expMessage\":\"购物车 {number}\",\"callStack\":\"java.lang.IllegalStateException{frames}\"}}",
        std::process::id(),
        number % 500,
    )
}
