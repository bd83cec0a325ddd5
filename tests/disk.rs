//! A disk that fills up: reports are refused before it is full, nothing acknowledged is lost when it is, and with room again
//! everything goes on by itself. And what leaves so that it does not.
//!
//! The disk is a small one in memory that only the processes under test see, in a mount namespace of their own.

use crate::harness::{APP, Edge, Engine, KEY, Options, Pipeline, Process, binary, get, post_with, until};
use serde_json::{Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const CONFIG: &str = "[ingest]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\nreports_per_minute = 0\n\
     [query]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
     [processor]\nlisten = \"127.0.0.1:0\"\n[processor.slice]\nlinger = \"50ms\"\n[topics]\npartitions = 1\n[data]\ndir = \"data\"\n";
const CREDENTIALS: &str =
    "[[apps]]\nid = \"a1b2c3d4e5\"\nkey = \"534a235d30f13cac\"\ndefault = true\n[[admins]]\ntoken = \"operator-token-of-the-suite\"\n";

/// A standalone on a small disk of its own.
struct Standalone {
    process: Process,
    ready: Value,
    disk: Disk,
}

/// Holds the mount namespace; ends with its stdin.
struct Disk {
    holder: Child,
    dir: tempfile::TempDir,
}

impl Disk {
    /// Mounts one of so many MiB; `None` where the system does not allow that.
    fn mount(mib: u32) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let script = "mount -t tmpfs -o mode=700,size=$1m tmpfs \"$0\" && echo mounted && exec cat";
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", script]).arg(dir.path()).arg(mib.to_string());
        let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let mounted = holder.stdout.as_mut().unwrap().read_exact(&mut [0; 8]).is_ok();
        let disk = Self { holder, dir };
        if !mounted {
            println!("left out: this system mounts no disk of our own");
        }
        mounted.then_some(disk)
    }

    /// A file on it, as this process reaches it.
    fn path(&self, name: &str) -> PathBuf {
        let inside = self.dir.path().strip_prefix("/").unwrap();
        Path::new("/proc").join(self.holder.id().to_string()).join("root").join(inside).join(name)
    }

    /// A program that sees it.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--preserve-credentials", "--user", "--mount", "--target", &self.holder.id().to_string()]).arg(program);
        command
    }

    /// Takes room until so many bytes are left.
    fn fill(&self, left: u64) {
        let free = service::disk::space(&self.path("")).unwrap().free;
        let file = std::fs::File::create(self.path("ballast")).unwrap();
        let mut zeros = std::io::repeat(0).take(free.saturating_sub(left));
        let filled = std::io::copy(&mut zeros, &mut &file);
        assert!(filled.is_ok() || left == 0, "{filled:?}");
    }

    fn make_room(&self) {
        std::fs::remove_file(self.path("ballast")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

impl Standalone {
    fn start(disk: Disk, more: &str) -> Self {
        std::fs::write(disk.path("aftershock.toml"), format!("{CONFIG}{more}")).unwrap();
        std::fs::write(disk.path("credentials.toml"), CREDENTIALS).unwrap();
        let config = disk.dir.path().join("aftershock.toml");
        let mut process = Process::of(disk.command(binary()).args(["standalone", "--config"]).arg(config));
        let line = process.first_line().unwrap_or_else(|error| panic!("standalone does not get ready: {error}"));
        Self { process, ready: serde_json::from_str(&line).unwrap(), disk }
    }

    fn ingest(&self) -> &str {
        self.ready["ingest"].as_str().unwrap()
    }

    /// Sends one report; status and `Retry-After`.
    fn report(&self, id: usize, stack: &str) -> Result<(u16, Option<String>), String> {
        report(self.ingest(), id, stack)
    }

    /// The state of the tables: occurrences, and different ones among them.
    fn counted(&self) -> Result<(i64, i64), String> {
        let state = std::fs::read(self.disk.path("data/standalone.json")).map_err(|error| error.to_string())?;
        let state: Value = serde_json::from_slice(&state).map_err(|error| error.to_string())?;
        let text = |name: &str| state[name].as_str().unwrap().to_owned();
        let engine = Engine { url: text("clickhouse"), user: text("clickhouse_user"), password: text("clickhouse_password") };
        let rows = engine.try_rows("select toInt64(count()) as n, toInt64(uniqExact(event_id)) as ids from aftershock.occurrences")?;
        Ok((rows[0]["n"].as_i64().unwrap(), rows[0]["ids"].as_i64().unwrap()))
    }
}

fn report(ingest: &str, id: usize, stack: &str) -> Result<(u16, Option<String>), String> {
    let body =
        json!({"category": "crash", "platformId": 1, "eventId": format!("e{id}"), "expName": "磁盘", "callStack": stack}).to_string();
    let reply = post_with(&format!("{ingest}/v1/reports"), &[("x-app-key", KEY)], body.as_bytes())?;
    Ok((reply.status, reply.retry_after))
}

/// Where the edge says whether it is ready.
fn ready(state: &Value) -> String {
    format!("{}/readyz", state["ingest_admin"].as_str().unwrap())
}

/// Waits until a report is answered so.
fn answered(ingest: &str, status: u16) -> (u16, Option<String>) {
    until("the edge changes its mind", || match report(ingest, 0, "") {
        Ok(answer) if answer.0 == status => Ok(answer),
        other => Err(format!("{other:?}")),
    })
}

#[test]
fn below_the_mark_reports_are_refused_until_there_is_room() {
    let Some(disk) = Disk::mount(1024) else { return };
    let standalone = Standalone::start(disk, "");
    assert_eq!(standalone.report(0, "").unwrap().0, 200);
    // The mark of a disk of 1 GiB is 51 MiB.
    standalone.disk.fill(40 << 20);
    let (_, retry_after) = answered(standalone.ingest(), 503);
    assert_eq!(retry_after.as_deref(), Some("30"));
    let reply = get(&ready(&standalone.ready), &[]).unwrap();
    assert!(reply.status == 503 && reply.text.contains("room on the disk"), "{} {}", reply.status, reply.text);
    standalone.disk.make_room();
    answered(standalone.ingest(), 200);
    until("the edge is ready", || match get(&ready(&standalone.ready), &[]) {
        Ok(reply) if reply.status == 200 => Ok(()),
        other => Err(format!("{:?}", other.map(|reply| reply.text))),
    });
}

#[test]
fn a_full_disk_loses_nothing_and_passes() {
    let Some(disk) = Disk::mount(768) else { return };
    let mut standalone = Standalone::start(disk, "[ingest.disk]\nmin_free = \"0B\"\n");
    let stack: String = (0..4000).map(|line| format!("at com.shop.Pay{:016x}.run(Pay.java:{line})\n", rand::random::<u64>())).collect();
    let (mut sent, mut acknowledged) = (0..20, Vec::new());
    for id in sent.by_ref() {
        assert_eq!(standalone.report(id, &stack).unwrap().0, 200);
        acknowledged.push(id);
    }
    standalone.disk.fill(0);
    // Some may still fit into what the file systems' pages have left.
    let refused = (20..400).find(|id| match standalone.report(*id, &stack) {
        Ok((200, _)) => {
            acknowledged.push(*id);
            false
        }
        Ok((status, retry_after)) => {
            assert!(status == 503 && retry_after.is_some(), "{status}");
            true
        }
        Err(error) => panic!("{error}"),
    });
    assert!(refused.is_some(), "the disk is full");
    assert!(standalone.process.is_running());
    standalone.disk.make_room();
    answered(standalone.ingest(), 200);
    // What was refused and what was acknowledged are sent again, as clients do: each counts once.
    for id in 0..=refused.unwrap() {
        assert_eq!(standalone.report(id, &stack).unwrap().0, 200);
    }
    let all = i64::try_from(refused.unwrap() + 1).unwrap();
    assert!(acknowledged.len() >= 20);
    until("every report is counted once", || match standalone.counted() {
        Ok(counted) if counted == (all, all) => Ok(()),
        other => Err(format!("{other:?} of {all}")),
    });
}

#[test]
fn a_mark_above_what_is_free_keeps_the_edge_closed_and_nothing_else() {
    let pipeline = Pipeline::start_with(&Options { more: "[ingest.disk]\nmin_free = \"1024TiB\"\n", ..Options::default() });
    let (_, retry_after) = answered(&pipeline.ingest(), 503);
    assert_eq!(retry_after.as_deref(), Some("30"));
    assert_eq!(pipeline.operator().try_get("/v1/admin/pipeline").unwrap().status, 200, "operators go on");
    // Another edge on the same log watches no disk.
    let edge = Edge::start(&pipeline, "edge", "");
    answered(&edge.url, 200);
}

#[test]
fn the_log_is_bounded_by_bytes_from_the_next_migration_on() {
    let pipeline = Pipeline::start_with(&Options { more: "[retention]\nlog_bytes = \"8GiB\"\n", ..Options::default() });
    let broker = pipeline.broker();
    let setting = |topic: &str, name: &str| broker.setting(topic, name).and_then(|value| value.parse::<i64>().ok()).unwrap();
    let bytes = |topic| setting(topic, "retention.bytes");
    let (gib, segment) = (1 << 30, setting("raw-reports", "segment.bytes"));
    let shares = ["raw-reports", "connections", "rejected-reports"].map(|topic| 2 * (bytes(topic) + setting(topic, "segment.bytes")));
    assert!(shares.iter().sum::<i64>() <= 8 * gib && shares[0] > 5 * gib && segment >= 32 << 20, "{shares:?} {segment}");
    assert_eq!(["issue-changes", "releases"].map(bytes), [-1, -1], "state is never cut");
    let migrate = |more: &str| {
        let config = pipeline.role_config("migrate", more);
        let mut process = Process::start(&["migrate", "--config", config.to_str().unwrap()]);
        assert_eq!(until("it ends", || process.exit_code().ok_or("it runs")), 0);
    };
    let partitions = "[topics]\npartitions = 2\n";
    migrate(&format!("{partitions}[retention]\nlog_bytes = \"1GiB\"\n"));
    assert!(2 * (bytes("raw-reports") + setting("raw-reports", "segment.bytes")) <= gib, "topics that are there are changed too");
    migrate(partitions);
    assert_eq!(bytes("raw-reports"), -1, "a log given by address has no bound unless it is said");
}

#[test]
fn a_migration_raises_the_limit_of_records_on_topics_that_are_there() {
    let pipeline = Pipeline::start();
    let broker = pipeline.broker();
    broker.alter("raw-reports", &[("max.message.bytes", "1048588")]);
    assert_eq!(broker.setting("raw-reports", "max.message.bytes").as_deref(), Some("1048588"));
    let config = pipeline.role_config("migrate", "[topics]\npartitions = 2\n");
    let mut migrate = Process::start(&["migrate", "--config", config.to_str().unwrap()]);
    assert_eq!(until("it ends", || migrate.exit_code().ok_or("it runs")), 0);
    assert_eq!(broker.setting("raw-reports", "max.message.bytes").as_deref(), Some("16777216"));
    broker.append("raw-reports", &[(b"large".to_vec(), vec![7; 2 << 20])]);
}

#[test]
fn the_oldest_days_leave_tables_that_take_too_much() {
    let more = "[retention]\ntable_bytes = \"6MiB\"\n";
    let mut pipeline = Pipeline::start_with(&Options { partitions: 1, more, ..Options::default() });
    let deliver = |pipeline: &Pipeline| {
        pipeline.deliver("/v1/reports", &[("x-app-key", KEY)], br#"{"category":"crash","platformId":1,"expName":"E"}"#);
        pipeline.operator().drained();
    };
    deliver(&pipeline);
    deliver(&pipeline);
    let engine = pipeline.engine();
    // Three days of 4 MiB each; the oldest holds the newest row of a partition that has been silent since.
    for (age, partition) in [(40, 77), (30, 0), (20, 0)] {
        let statement = format!(
            "insert into aftershock.occurrences select * replace(today() - {age} as log_day, toUInt32({partition}) as log_partition, \
             randomString(4194304) as call_stack) from aftershock.occurrences where appended_at >= today() and log_offset = 0 limit 1"
        );
        let reply = engine.run(&statement).unwrap();
        assert_eq!(reply.status, 200, "{statement}: {}", reply.text);
    }
    assert_eq!(pipeline.terminate(), Some(0));
    pipeline.restart();
    let engine = pipeline.engine();
    let days = || engine.try_rows("select distinct toInt64(today() - log_day) as age from aftershock.occurrences order by age");
    until("the days that nobody needs are gone", || match days() {
        Ok(rows) => {
            let ages: Vec<i64> = rows.iter().map(|row| row["age"].as_i64().unwrap()).collect();
            if ages == [0, 40] { Ok(()) } else { Err(format!("{ages:?}")) }
        }
        Err(error) => Err(error),
    });
    // The position of every partition is what it was, and the processor goes on behind it.
    deliver(&pipeline);
    assert_eq!(engine.number("select toInt64(count()) from aftershock.occurrences where log_day = today()"), 3);
    assert_eq!(engine.number(&format!("select toInt64(max(log_offset)) from aftershock.occurrences where app_id = '{APP}'")), 2);
}
