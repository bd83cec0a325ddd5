//! Starts engines as processes of their own and speaks plain HTTP to them.
//!
//! The process is this test binary again, told to run [`serve`]; it ends when its standard input does, so with the tests.

use clickhouse::Client;
use embedded_engine::{Config, ReadLimits, fetched_library as library};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Names the folder for the process that serves.
const DIR: &str = "AFTERSHOCK_TEST_ENGINE_DIR";
/// Set where the folder is to be removed with the process.
const REMOVE: &str = "AFTERSHOCK_TEST_ENGINE_REMOVE";
const READY: &str = "engine listens on ";

pub struct Engine {
    pub address: String,
    process: Child,
    /// Kept open, or the process could not speak any more.
    _stdout: BufReader<ChildStdout>,
}

/// Where `make setup` and `make engine` put what they fetch.
pub fn cache() -> PathBuf {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from).join("aftershock")
}

/// A test that cannot run says why, and fails where everything must be there.
pub fn left_out(why: &str) {
    assert!(std::env::var_os("AFTERSHOCK_TEST_COMPLETE").is_none(), "{why}");
    println!("left out: {why}");
}

/// The engine that the tests share; `None` where there is no library.
pub fn engine() -> Option<&'static Engine> {
    static ENGINE: OnceLock<Option<Engine>> = OnceLock::new();
    ENGINE
        .get_or_init(|| present().then(|| ready(command(&tempfile::tempdir().unwrap().keep()).env(REMOVE, "1").spawn().unwrap())))
        .as_ref()
}

/// Whether the library is there; says so where it is not.
pub fn present() -> bool {
    let library = library();
    if !library.exists() {
        left_out(&format!("the engine library {} is not there (make engine)", library.display()));
    }
    library.exists()
}

/// An engine on this folder.
pub fn start(dir: &Path) -> Engine {
    ready(command(dir).spawn().unwrap())
}

/// The command of an engine's process.
pub fn command(dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "harness::serve", "--ignored", "--nocapture"]).env(DIR, dir);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

fn ready(mut process: Child) -> Engine {
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(READY) {
        line.clear();
        assert!(stdout.read_line(&mut line).unwrap() > 0, "the engine's process ended before it listened");
    }
    let address = line.split_once(READY).unwrap().1.trim().to_owned();
    Engine { address, process, _stdout: stdout }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the process that the others talk to"]
async fn serve() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let config = Config {
        user: "writer".into(),
        password: "secret".into(),
        read_user: "reader".into(),
        read_password: "looks".into(),
        statements: 8,
        body_timeout: Duration::from_secs(20),
        drain: Duration::from_secs(1),
        read_limits: ReadLimits { result_rows: 2000, time: Duration::from_secs(5), ..ReadLimits::default() },
        ..Config::new(PathBuf::from(&dir), library())
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    let ready = tokio::spawn(async move {
        // The listener takes connections before the engine is open; it answers them once it is.
        let _ = tokio::net::TcpStream::connect(address).await;
        println!("{READY}{address}");
    });
    let outcome = embedded_engine::run(config, listener, async { drop(ended.await) }).await;
    ready.await.unwrap();
    if std::env::var_os(REMOVE).is_some() {
        let _ = std::fs::remove_dir_all(dir);
    }
    // Ends here, because the harness would go on to print where nobody listens any more.
    std::process::exit(match outcome {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error}");
            1
        }
    });
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

impl Engine {
    /// Kills it as a power loss of the process would.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Ends it as a supervisor would.
    pub fn stop(mut self) -> bool {
        drop(self.process.stdin.take());
        self.process.wait().unwrap().success()
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The crate's client as the account that may write, in a database that is made for the test.
    pub async fn client(&self, database: &str) -> Client {
        let client = Client::default().with_url(format!("http://{}", self.address)).with_user("writer").with_password("secret");
        client.query(&format!("create database if not exists {database} engine = Atomic")).execute().await.unwrap();
        client.with_database(database)
    }

    pub fn reader(&self) -> Client {
        Client::default().with_url(format!("http://{}", self.address)).with_user("reader").with_password("looks")
    }

    /// Posts a body as the writer. The target is what follows the slash of the URL.
    pub fn post(&self, target: &str, body: &[u8]) -> Answer {
        self.send("POST", target, &[("x-clickhouse-user", "writer"), ("x-clickhouse-key", "secret")], body)
    }

    pub fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut head = format!("{method} /{target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut stream = self.connect();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(b"\r\n").unwrap();
        let _ = stream.write_all(body);
        read(stream)
    }

    /// Posts a body in chunks of these bytes, one flush each.
    pub fn post_chunked<'a>(&self, target: &str, chunks: impl Iterator<Item = &'a [u8]>) -> Answer {
        let mut stream = self.begin_chunked(target);
        for chunk in chunks {
            write!(stream, "{:x}\r\n", chunk.len()).unwrap();
            stream.write_all(chunk).unwrap();
            stream.write_all(b"\r\n").unwrap();
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
        read(stream)
    }

    /// Opens a chunked post and leaves it open.
    pub fn begin_chunked(&self, target: &str) -> TcpStream {
        let mut stream = self.connect();
        stream.set_nodelay(true).unwrap();
        write!(stream, "POST /{target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-clickhouse-user: writer\r\nx-clickhouse-key: secret\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
        stream
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// One value, as text.
    pub fn value(&self, sql: &str) -> String {
        let answer = self.post("", sql.as_bytes());
        assert_eq!(answer.status, 200, "{sql}: {}", answer.text());
        answer.text().trim_end().to_owned()
    }

    /// Waits until a query gives this value.
    pub fn wait_for(&self, sql: &str, wanted: &str) {
        let end = Instant::now() + Duration::from_secs(20);
        while self.value(sql) != wanted {
            assert!(Instant::now() < end, "{sql} never gave {wanted} but {}", self.value(sql));
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
    /// Whether the body ended as HTTP wants it.
    pub complete: bool,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|l| l.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v))
    }
}

fn read(mut stream: TcpStream) -> Answer {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    let _ = stream.shutdown(Shutdown::Both);
    let at = all.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or_else(|| panic!("no reply: {}", String::from_utf8_lossy(&all)));
    let head = String::from_utf8(all[..at].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut answer = Answer { status, head, body: all[at + 4..].to_vec(), complete: true };
    if answer.header("transfer-encoding") == Some("chunked") {
        (answer.body, answer.complete) = unchunk(&answer.body);
    }
    answer
}

fn unchunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    while let Some(at) = rest.windows(2).position(|w| w == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..at]).unwrap(), 16).unwrap();
        if length == 0 {
            return (out, true);
        }
        out.extend_from_slice(&rest[at + 2..at + 2 + length]);
        rest = &rest[at + 4 + length..];
    }
    (out, false)
}
