//! Those who take places and give nothing.

use super::{Field, source};
use crate::harness::{OTHER_KEY, Wire};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::interval;

/// A byte a second: of a head, or of a body whose head came at once.
pub async fn slow(field: Arc<Field>, number: usize) {
    let mut tick = interval(Duration::from_secs(1));
    while !field.is_over() {
        tick.tick().await;
        let Ok(mut wire) = Wire::connect(source(0), field.plain).await else { continue };
        let begun = match number % 2 {
            0 => "POST /v1/reports HTTP/1.1\r\nhost: edge\r\nx-slow: ".to_owned(),
            _ => format!("POST /v1/reports HTTP/1.1\r\nhost: edge\r\nx-app-key: {OTHER_KEY}\r\ncontent-length: 4000\r\n\r\n"),
        };
        let mut is_open = wire.write(begun).await.is_ok();
        while is_open && !field.is_over() {
            is_open = wire.write("x").await.is_ok() && !wire.closes_within(Duration::from_secs(1)).await;
        }
        field.saw(if number.is_multiple_of(2) { "slow head" } else { "slow body" }, if is_open { "still open" } else { "cut" });
    }
}

/// Says nothing; comes back when it is sent away.
pub async fn idle(field: Arc<Field>, _: usize) {
    let mut tick = interval(Duration::from_millis(500));
    while !field.is_over() {
        tick.tick().await;
        let Ok(mut wire) = Wire::connect(source(1), field.plain).await else { continue };
        let mut is_open = true;
        while is_open && !field.is_over() {
            is_open = !wire.closes_within(Duration::from_secs(1)).await;
        }
        field.saw("idle", if is_open { "still open" } else { "cut" });
    }
}
