//! `aftershock backup` and `aftershock restore` against a running standalone: what was copied comes back, with its roll-ups.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use aftershock::settings::Settings;
use aftershock::standalone::Running;
use clickhouse::Client;

const BINARY: &str = env!("CARGO_BIN_EXE_aftershock");
const REPORTS: u64 = 300;
/// Facts, roll-up and what stands beside them, each as one number.
const ROWS: &str = "select groupBitXor(cityHash64(toString(tuple(*)))) from aftershock.occurrences";
const ROLLED: &str = "select groupBitXor(cityHash64(hour, c)) from (select hour, count() as c from aftershock.occurrences group by app_id, hour) settings optimize_use_projections = ";
const CONNECTIONS: &str = "select groupBitXor(cityHash64(toString(tuple(*)))) from aftershock.connections";

struct Standalone(Child);

impl Drop for Standalone {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// Starts one on this folder and waits until it is ready; `None` where there is no engine.
fn standalone(folder: &Path) -> Option<(Standalone, Client)> {
    let library = Settings::default().engine_library();
    if !library.exists() {
        println!("skipped: the engine library {} is not there (make engine)", library.display());
        return None;
    }
    let config = folder.join("aftershock.toml");
    let listen = "listen = '127.0.0.1:0'";
    std::fs::write(&config, format!("[data]\ndir = 'data'\n[ingest]\n{listen}\n[query]\n{listen}\n[processor]\n{listen}\n")).unwrap();
    let mut child =
        Command::new(BINARY).args(["standalone", "--config"]).arg(&config).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("\"ready\":true"), "{line}");
    let running = Running::read(&folder.join("data")).unwrap().unwrap();
    let client = Client::default().with_url(running.ready.clickhouse).with_user(running.clickhouse_user);
    Some((Standalone(child), client.with_password(running.clickhouse_password)))
}

/// Runs a command on the standalone's folder.
fn aftershock(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(BINARY).arg(arguments[0]).arg("--data").arg(folder.join("data")).args(&arguments[1..]).output().unwrap()
}

async fn number(client: &Client, sql: &str) -> u64 {
    client.query(sql).fetch_one().await.unwrap()
}

/// Rows, roll-ups from the projections and from the rows, and connections.
async fn all(client: &Client) -> [u64; 4] {
    let rolled = [format!("{ROLLED}1"), format!("{ROLLED}0")];
    [number(client, ROWS).await, number(client, &rolled[0]).await, number(client, &rolled[1]).await, number(client, CONNECTIONS).await]
}

#[tokio::test]
async fn what_was_copied_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_standalone, client)) = standalone(folder.path()) else { return };
    let sent = aftershock(folder.path(), &["demo", "--reports", &REPORTS.to_string(), "--seed", "7"]);
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    let end = Instant::now() + Duration::from_secs(60);
    while number(&client, "select count() from aftershock.occurrences").await < REPORTS {
        assert!(Instant::now() < end, "the reports do not arrive");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let before = all(&client).await;
    assert_eq!(before[1], before[2], "the roll-ups equal the rows");
    for name in ["备份", "copy.tar"] {
        let copy = folder.path().join(name).display().to_string();
        let copied = aftershock(folder.path(), &["backup", &copy]);
        let said = String::from_utf8_lossy(&copied.stdout).into_owned();
        assert!(copied.status.success() && said.contains(&format!("occurrences: {REPORTS} rows")), "{said}");
        assert!(!aftershock(folder.path(), &["backup", &copy]).status.success(), "a copy is never written over");

        let refused = aftershock(folder.path(), &["restore", &copy]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(1) && said.contains("there are rows already"), "{said}");

        client.query("alter table aftershock.occurrences delete where 1 settings mutations_sync = 1").execute().await.unwrap();
        client.query("drop table aftershock.connections sync").execute().await.unwrap();
        assert_eq!(number(&client, "select count() from aftershock.occurrences").await, 0);
        let back = aftershock(folder.path(), &["restore", &copy]);
        assert!(back.status.success(), "{}", String::from_utf8_lossy(&back.stderr));
        assert_eq!(all(&client).await, before, "from {name}");

        client.query("truncate table aftershock.connections").execute().await.unwrap();
        let back = aftershock(folder.path(), &["restore", "--replace", &copy]);
        assert!(back.status.success(), "{}", String::from_utf8_lossy(&back.stderr));
        assert_eq!(all(&client).await, before, "again from {name}");
    }
    let missing = aftershock(folder.path(), &["restore", "--replace", &folder.path().join("nothing").display().to_string()]);
    assert_eq!(missing.status.code(), Some(1));
    assert_eq!(all(&client).await, before, "a restore that fails changes nothing");
}
