//! What a report costs the processor before the insert, on one thread, in process: decode, dedupe, group, row.

use super::figure;
use processor::decode::Rejections;
use processor::dedupe::{Bounds, Window};
use processor::fold;
use processor::log_partition::LogPartition;
use processor::slice::Slice;
use processor::stream::Occurrences;
use schemas::ids::ReportId;
use schemas::record::{self, Category, RawReport};
use service::kafka::consumer::Message;
use std::time::Instant;

const REPORTS: usize = 10_000;
const APPENDED_AT: i64 = 1_763_700_000_000;

/// A report as the load generator sends it, encoded as the edge encodes it.
fn message(number: usize) -> Message {
    let sent: serde_json::Value = serde_json::from_str(&super::load::report(number)).unwrap();
    let text = |name: &str| sent[name].as_str().unwrap_or_default().to_owned();
    let mut id = [0; 16];
    id[..8].copy_from_slice(&(number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
    let report = RawReport {
        report_id: ReportId(id),
        event_id: text("eventId"),
        occurred_at: Some(APPENDED_AT - 1000),
        exp_name: text("expName"),
        exp_message: text("expMessage"),
        call_stack: text("callStack"),
        user_logs: text("userLogs"),
        device_id: text("deviceId"),
        model: text("model"),
        version: text("productVersion"),
        platform_id: 1,
        ..RawReport::new("a1b2c3d4e5", "native", Category::Crash, APPENDED_AT)
    };
    Message { offset: i64::try_from(number).unwrap(), appended_at: APPENDED_AT, key: None, payload: record::encode(&report).unwrap() }
}

fn microseconds<T>(work: impl Fn() -> T) -> f64 {
    let best = (0..5).map(|_| {
        let start = Instant::now();
        std::hint::black_box(work());
        start.elapsed().as_secs_f64()
    });
    best.fold(f64::INFINITY, f64::min) * 1e6 / REPORTS as f64
}

pub fn decode_dedupe_group() {
    let mut slice = Slice::starting_at(0);
    (0..REPORTS).for_each(|number| slice.push(message(number)));
    let window = Window::new(Bounds { length_ms: 7_200_000, ids: 1_000_000 }, APPENDED_AT - 7_200_000);
    let judge = || {
        fold::judge::<Occurrences>(&slice, LogPartition { topic: "raw-reports", number: 0, generation: 0 }, &window, &Rejections::new())
            .unwrap()
    };
    let decoded = microseconds(judge);
    let whole = microseconds(|| judge().fold(&slice, &processor::Rules::default()));
    figure("fold, decode and dedupe", decoded, "us/report", "2 KB reports of 19 frames, one thread, best of 5 times 10,000");
    figure("fold, with grouping and row", whole, "us/report", "the same");
}
