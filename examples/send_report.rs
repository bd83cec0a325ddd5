//! Reports an error to Aftershock.
//!
//! ```sh
//! APP_KEY=... cargo run -p examples --example send_report    # INGEST: the address, by default http://127.0.0.1:8080
//! ```
#![allow(clippy::print_stdout)]

use serde_json::{Value, json};
use std::backtrace::Backtrace;
use std::error::Error;
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Sends one report until it is accepted. Status 200 means that it is on disk.
fn report(name: &str, message: &str, stack: &str) -> Result<Value, Box<dyn Error>> {
    let ingest = std::env::var("INGEST").unwrap_or_else(|_| "http://127.0.0.1:8080".to_owned());
    let key = std::env::var("APP_KEY")?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let body = json!({
        "category": "error",
        "platformId": 10,
        "productVersion": "1.0.0",
        "deviceId": "device-rust",
        // Sent again with the same event id, the report counts once.
        "eventId": format!("{}-{}", std::process::id(), now.as_nanos()),
        "occurredAt": u64::try_from(now.as_millis())?,
        "expName": name,
        "expMessage": message,
        "callStack": stack,
    });
    for _ in 0..5 {
        let request = ureq::post(format!("{ingest}/v1/reports")).header("X-App-Key", &key).header("Content-Type", "application/json");
        let mut reply = request.config().http_status_as_error(false).build().send(body.to_string())?;
        let wait = reply.headers().get("Retry-After").and_then(|value| value.to_str().ok()?.parse().ok());
        let text = reply.body_mut().read_to_string()?;
        match reply.status().as_u16() {
            200 => return Ok(serde_json::from_str(&text)?),
            429 | 503 => sleep(Duration::from_secs(wait.unwrap_or(1))),
            status => return Err(format!("refused with {status}: {text}").into()),
        }
    }
    Err("the report was not accepted".into())
}

fn main() -> Result<(), Box<dyn Error>> {
    if let Err(error) = "twelve".parse::<u32>() {
        println!("{}", report("ParseIntError", &error.to_string(), &Backtrace::force_capture().to_string())?);
    }
    Ok(())
}
