//! Waiting on conditions: the only place of the suite that lets time pass.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// Asks again and again until there is an answer; panics with `what` and the last complaint after two minutes.
pub fn until<T, E: Display>(what: &str, ask: impl FnMut() -> Result<T, E>) -> T {
    within(Duration::from_secs(120), what, ask)
}

/// Like [`until`], with another limit.
pub fn within<T, E: Display>(limit: Duration, what: &str, mut ask: impl FnMut() -> Result<T, E>) -> T {
    let start = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(complaint) if start.elapsed() > limit => panic!("{what}: not within {limit:?}: {complaint}"),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Lets up to `longest` pass while chaos runs; random moments are what it is about.
pub fn pause(longest: Duration) {
    std::thread::sleep(longest);
}

/// The same in a task.
pub async fn rest(time: Duration) {
    tokio::time::sleep(time).await;
}
