//! `aftershock backup` of a running standalone and `aftershock restore` of one that was stopped: what was copied comes back, with
//! its roll-ups.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use aftershock::settings::Settings;
use aftershock::standalone::Running;
use clickhouse::Client;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

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
    let (listen, admin) = ("listen = '127.0.0.1:0'", "admin_listen = '127.0.0.1:0'");
    std::fs::write(
        &config,
        format!("[data]\ndir = 'data'\n[ingest]\n{listen}\n{admin}\n[query]\n{listen}\n{admin}\n[processor]\n{listen}\n"),
    )
    .unwrap();
    let mut child = usual().args(["standalone", "--config"]).arg(&config).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("\"ready\":true"), "{line}");
    let running = Running::read(&folder.join("data")).unwrap().unwrap();
    let client = Client::default().with_url(running.ready.clickhouse).with_user(running.clickhouse_user);
    Some((Standalone(child), client.with_password(running.clickhouse_password)))
}

/// Files and folders of a copy that others than their owner could come at.
fn open_to_others(path: &Path) -> Vec<String> {
    let metadata = std::fs::metadata(path).unwrap();
    let inner = if metadata.is_dir() { std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect() } else { Vec::new() };
    let own = (metadata.permissions().mode() & 0o077 != 0).then(|| format!("{} {:o}", path.display(), metadata.permissions().mode()));
    own.into_iter().chain(inner.iter().flat_map(|path| open_to_others(path))).collect()
}

/// A command under the mask that most systems give their users, whatever that of this test is.
fn usual() -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "umask 022; exec \"$0\" \"$@\"", BINARY]);
    command
}

/// Runs a command on the standalone's folder.
fn aftershock(folder: &Path, arguments: &[&str]) -> Output {
    usual().arg(arguments[0]).arg("--data").arg(folder.join("data")).args(&arguments[1..]).output().unwrap()
}

async fn number(client: &Client, sql: &str) -> u64 {
    client.query(sql).fetch_one().await.unwrap()
}

/// Rows, roll-ups from the projections and from the rows, and connections.
async fn all(client: &Client) -> [u64; 4] {
    let rolled = [format!("{ROLLED}1"), format!("{ROLLED}0")];
    [number(client, ROWS).await, number(client, &rolled[0]).await, number(client, &rolled[1]).await, number(client, CONNECTIONS).await]
}

/// What a command said, and whether it is what was expected.
fn expect(folder: &Path, arguments: &[&str], fine: bool) -> String {
    let done = aftershock(folder, arguments);
    let said = [&done.stdout[..], &done.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert_eq!(done.status.code(), Some(i32::from(!fine)), "{arguments:?}: {said}");
    said
}

#[tokio::test]
async fn what_was_copied_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let Some((mut running, mut client)) = standalone(folder) else { return };
    expect(folder, &["demo", "--reports", &REPORTS.to_string(), "--seed", "7"], true);
    let end = Instant::now() + Duration::from_secs(60);
    while number(&client, "select count() from aftershock.occurrences").await < REPORTS {
        assert!(Instant::now() < end, "the reports do not arrive");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let before = all(&client).await;
    assert_eq!(before[1], before[2], "the roll-ups equal the rows");
    for name in ["备份", "copy.tar"] {
        let copy = folder.join(name).display().to_string();
        assert!(expect(folder, &["backup", &copy], true).contains(&format!("occurrences: {REPORTS} rows")));
        assert_eq!(open_to_others(Path::new(&copy)), [""; 0]);
        expect(folder, &["backup", &copy], false);
        assert!(expect(folder, &["restore", "--replace", &copy], false).contains("stop it first"));

        client.query("alter table aftershock.occurrences delete where 1 settings mutations_sync = 1").execute().await.unwrap();
        client.query("drop table aftershock.connections sync").execute().await.unwrap();
        assert_eq!(number(&client, "select count() from aftershock.occurrences").await, 0);
        drop(running);
        expect(folder, &["restore", &copy], true);
        assert!(expect(folder, &["restore", &copy], false).contains("there are rows already"));
        expect(folder, &["restore", "--replace", &copy], true);
        assert!(expect(folder, &["restore", "--replace", &format!("{copy}.gone")], false).contains("BACKUP_NOT_FOUND"));
        let again = folder.join(format!("again-{name}")).display().to_string();
        assert!(expect(folder, &["backup", &again], true).contains(&format!("occurrences: {REPORTS} rows")), "with nothing running");
        assert_eq!(open_to_others(Path::new(&again)), [""; 0]);
        (running, client) = standalone(folder).unwrap();
        assert_eq!(all(&client).await, before, "from {name}");
    }
}
