//! What the engine is told at its start: the server's settings as a file, the sessions' defaults as arguments.

use crate::Config;
use std::ffi::{CString, NulError};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Defaults of every session. `implicit_select` and introspection are on in the library but not in a server. Formatting by
/// several threads was a third of what a small statement costs, all of it in waking them.
const SESSION: [&str; 10] = [
    "--implicit_select=0",
    "--allow_introspection_functions=0",
    "--async_insert=0",
    "--insert_deduplicate=1",
    "--max_insert_threads=1",
    "--log_queries=0",
    "--send_progress_in_http_headers=0",
    "--max_execution_time=0",
    "--input_format_parallel_parsing=0",
    "--output_format_parallel_formatting=0",
];

/// Server settings that do not depend on the machine. Synced parts make an acknowledged insert survive a power loss; the
/// limits against dropping large partitions are off because retention drops whole days. A slice of an insert stays one file
/// of data rather than two for each column, and parts are merged when there are ten of a size rather than five: together they
/// save a quarter of what a row costs, merges included; queries meet more parts. What merges leave free of their pool suits
/// one of 8 places, the smallest. The memory worker looks twice a second instead of twenty times, which was most of what an
/// idle engine cost.
const SERVER: &str = "
  <merge_tree>
    <fsync_after_insert>1</fsync_after_insert>
    <fsync_part_directory>1</fsync_part_directory>
    <min_bytes_for_wide_part>268435456</min_bytes_for_wide_part>
    <merge_selector_base>10</merge_selector_base>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>2</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_mutation>3</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>4</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
  </merge_tree>
  <timezone>UTC</timezone>
  <max_table_size_to_drop>0</max_table_size_to_drop>
  <max_partition_size_to_drop>0</max_partition_size_to_drop>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <index_uncompressed_cache_size>0</index_uncompressed_cache_size>
  <mmap_cache_size>100</mmap_cache_size>
  <compiled_expression_cache_size>16777216</compiled_expression_cache_size>
  <query_condition_cache_size>8388608</query_condition_cache_size>
  <max_thread_pool_free_size>8</max_thread_pool_free_size>
  <background_schedule_pool_size>4</background_schedule_pool_size>
  <background_schedule_pool_initial_size>2</background_schedule_pool_initial_size>
  <memory_worker_period_ms>500</memory_worker_period_ms>
";

/// Where backups may lie: wherever this process may write. Who may make one reads and writes files by `file()` as well, and
/// the read-only account can do neither.
const BACKUPS: &str = "/";

/// Bytes the engine may use: what is configured, else a quarter of the machine between 1 and 8 GiB, never more than half.
pub fn memory(config: &Config) -> u64 {
    config.memory.unwrap_or_else(|| {
        let machine = machine_memory().unwrap_or(4 * GIB);
        (machine / 4).clamp(GIB, 8 * GIB).min((machine / 2).max(256 * MIB))
    })
}

/// Writes the server's settings into the data directory and gives the arguments of a connection.
pub fn arguments(config: &Config) -> io::Result<Vec<CString>> {
    let file = config.dir.join("engine.xml");
    fs::write(&file, server(memory(config)))?;
    let mut arguments = vec!["clickhouse".to_owned(), option("path", &config.dir)?, option("config-file", &file)?];
    arguments.push(format!("--backups.allowed_path={BACKUPS}"));
    arguments.extend(SESSION.map(str::to_owned));
    arguments.push(format!("--max_memory_usage={}", memory(config) / 10 * 8));
    arguments.into_iter().map(CString::new).collect::<Result<_, NulError>>().map_err(io::Error::from)
}

fn server(memory: u64) -> String {
    let marks = (memory / 16).min(256 * MIB);
    let merges = std::thread::available_parallelism().map_or(4, |cores| cores.get().clamp(4, 16));
    format!(
        "<clickhouse>{SERVER}  <background_pool_size>{merges}</background_pool_size>
  <max_server_memory_usage>{memory}</max_server_memory_usage>
  <mark_cache_size>{marks}</mark_cache_size>
  <index_mark_cache_size>{}</index_mark_cache_size>
  <primary_index_cache_size>{marks}</primary_index_cache_size>
  <backups><allowed_path>{BACKUPS}</allowed_path></backups>
</clickhouse>
",
        marks / 4
    )
}

fn option(name: &str, path: &Path) -> io::Result<String> {
    let path = path.to_str().ok_or_else(|| io::Error::other("the path is not UTF-8"))?;
    Ok(format!("--{name}={path}"))
}

/// Memory of the machine, or of the control group this process runs in where that is less.
fn machine_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("MemTotal:"))?;
    let total = line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024;
    Some(total.min(group_memory().unwrap_or(u64::MAX)))
}

fn group_memory() -> Option<u64> {
    let group = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = group.lines().find_map(|l| l.strip_prefix("0::/"))?;
    let files = [PathBuf::from("/sys/fs/cgroup").join(own).join("memory.max"), PathBuf::from("/sys/fs/cgroup/memory.max")];
    files.iter().find_map(|f| fs::read_to_string(f).ok()?.trim().parse().ok())
}
