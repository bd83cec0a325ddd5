//! The whole pipeline on this machine.

use super::figure;
use super::harness::{CHILDREN, Options, Pipeline};
use super::load::{cpu, memory, report, send};
use std::time::Instant;

fn everyone(pipeline: &Pipeline) -> Vec<(&'static str, u32)> {
    let children = CHILDREN.iter().flat_map(|role| pipeline.children(role).into_iter().map(|id| (*role, id)));
    std::iter::once(("standalone", pipeline.id())).chain(children).collect()
}

/// Time to ready and memory of a standalone that nobody uses.
pub fn idle() {
    super::harness::binary();
    let mut pipeline = Pipeline::start();
    pipeline.terminate();
    let start = Instant::now();
    pipeline.restart();
    figure("time to ready", start.elapsed().as_secs_f64() * 1000.0, "ms", "standalone, second start");
    pipeline.operator().drained();
    std::thread::sleep(std::time::Duration::from_secs(5));
    let before: f64 = everyone(&pipeline).iter().map(|(_, id)| cpu(*id)).sum();
    std::thread::sleep(std::time::Duration::from_secs(10));
    let after: f64 = everyone(&pipeline).iter().map(|(_, id)| cpu(*id)).sum();
    for (name, id) in everyone(&pipeline) {
        figure(&format!("idle memory, {name}"), memory(id), "MiB", "resident, 15 s after ready");
    }
    figure("idle memory, all", everyone(&pipeline).iter().map(|(_, id)| memory(*id)).sum(), "MiB", "sum of the above");
    figure("idle CPU", (after - before) * 10.0, "% of a core", "all processes, 10 s");
}

/// Sent in batches, until the lag is 0.
pub fn drained() {
    const REPORTS: usize = 200_000;
    let bodies: Vec<String> =
        (0..REPORTS / 100).map(|batch| (0..100).map(|n| report(batch * 100 + n)).collect::<Vec<_>>().join("\n")).collect();
    let pipeline = Pipeline::start_with(&Options { partitions: 4, linger: "1s", ..Options::default() });
    send(&pipeline.ingest(), "/v1/reports", "application/x-ndjson", 4, &bodies[..50]);
    pipeline.operator().drained();
    let before: Vec<f64> = everyone(&pipeline).iter().map(|(_, id)| cpu(*id)).collect();
    let start = Instant::now();
    let sending = send(&pipeline.ingest(), "/v1/reports", "application/x-ndjson", 8, &bodies[50..]);
    pipeline.operator().drained();
    let (elapsed, reports) = (start.elapsed().as_secs_f64(), (REPORTS - 5000) as f64);
    figure("drained end to end", reports / elapsed, "reports/s", "2 KB reports in batches of 100, 8 connections, sender on the same cores");
    figure("of that, sending", reports / sending.as_secs_f64(), "reports/s", "until the last acknowledgement");
    for ((name, id), before) in everyone(&pipeline).into_iter().zip(before) {
        figure(&format!("drained, {name}"), (cpu(id) - before) * 1e6 / reports, "us CPU/report", "process of the same run");
        figure(&format!("drained, {name} memory"), memory(id), "MiB", "resident at the end");
    }
    assert_eq!(pipeline.engine().number("select count() from aftershock.occurrences"), REPORTS as i64);
}

/// Rows into the table with all its projections, by the processor's own insert, out of a log that is full already.
pub fn sink() {
    const REPORTS: usize = 100_000;
    let bodies: Vec<String> =
        (0..REPORTS / 500).map(|batch| (0..500).map(|n| report(batch * 500 + n)).collect::<Vec<_>>().join("\n")).collect();
    let pipeline = Pipeline::start_with(&Options { partitions: 2, linger: "1s", ..Options::default() });
    let engine = pipeline.engine();
    send(&pipeline.ingest(), "/v1/reports", "application/x-ndjson", 4, &bodies);
    pipeline.operator().drained();
    let run = |statement: &str| {
        let reply = engine.run(statement).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text);
    };
    run("create table aftershock.bench as aftershock.occurrences");
    let start = Instant::now();
    run(
        "insert into aftershock.bench select * from aftershock.occurrences settings max_insert_threads = 1, max_block_size = 10000, min_insert_block_size_rows = 10000, min_insert_block_size_bytes = 0",
    );
    let with = REPORTS as f64 / start.elapsed().as_secs_f64();
    figure("sink, engine alone", with, "rows/s", "insert of 10,000-row blocks with all projections, one thread, no HTTP");
}
