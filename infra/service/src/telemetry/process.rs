//! Metrics of the process itself: the version of the program, and its use of the machine under the names that Prometheus' own client
//! libraries use.

use super::metric::Description;
use crate::descriptors;
use rustix::time::{ClockId, clock_gettime};
use std::fmt::Write;
use std::fs;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// Unix time at which the process began to log.
static STARTED: LazyLock<f64> = LazyLock::new(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());

/// The metrics of the process itself.
pub static METRICS: &[Description] = &[
    Description { name: "aftershock_build_info", kind: "gauge", labels: &["version"], help: "1, with the program's version as a label." },
    Description { name: "process_cpu_seconds_total", kind: "counter", labels: &[], help: "Processor time that the process has used." },
    Description { name: "process_max_fds", kind: "gauge", labels: &[], help: "File descriptors that the process may have open." },
    Description { name: "process_open_fds", kind: "gauge", labels: &[], help: "File descriptors that the process has open." },
    Description { name: "process_resident_memory_bytes", kind: "gauge", labels: &[], help: "Main memory that the process occupies." },
    Description { name: "process_start_time_seconds", kind: "gauge", labels: &[], help: "Unix time at which the process started." },
];

/// Notes the time of the start.
pub(super) fn note_start() {
    LazyLock::force(&STARTED);
}

/// The metrics with their values now, without those that this system does not tell.
pub(super) fn render() -> String {
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let values = [
        Some("1".to_owned()),
        Some(format!("{}.{:09}", cpu.tv_sec, cpu.tv_nsec)),
        descriptors::limit().map(|limit| limit.to_string()),
        open_descriptors().map(|count| count.to_string()),
        resident_bytes().map(|bytes| bytes.to_string()),
        Some(format!("{:.3}", *STARTED)),
    ];
    let mut text = String::new();
    for (Description { name, kind, labels, help }, value) in METRICS.iter().zip(values) {
        let Some(value) = value else { continue };
        let version = if labels.is_empty() { "" } else { concat!("{version=\"", env!("CARGO_PKG_VERSION"), "\"}") };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name}{version} {value}");
    }
    text
}

fn open_descriptors() -> Option<usize> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count())
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_has_a_value() {
        let text = render();
        for metric in METRICS {
            let line = text.lines().find(|line| line.starts_with(metric.name)).unwrap();
            let value: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
            assert!(value > 0.0, "{line}");
        }
        assert!(text.contains("\naftershock_build_info{version=\""), "{text}");
    }
}
