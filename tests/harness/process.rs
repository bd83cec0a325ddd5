//! A process of the binary under test.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// Built by cargo once, so that no test runs against yesterday's binary; `AFTERSHOCK_TEST_BINARY` names another.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(named) = std::env::var_os("AFTERSHOCK_TEST_BINARY") {
            return named.into();
        }
        let folder = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned();
        let release = folder.ends_with("release");
        let mut build = Command::new(env!("CARGO"));
        // Of everything, as `make test` has built it: a part alone has other features of its packages, and all of them were built twice.
        let what: &[&str] = if release { &["--release", "--package", "aftershock"] } else { &["--workspace", "--all-targets"] };
        build.args(["build", "--quiet"]).args(what).current_dir(env!("CARGO_MANIFEST_DIR"));
        // What cargo told this test of its own package would make build scripts that look at it run again, and half of everything with them.
        let own = |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"].iter().any(|stem| name.starts_with(stem));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(own)) {
            build.env_remove(name);
        }
        assert!(build.status().unwrap().success(), "the binary does not build");
        folder.join("aftershock")
    })
}

/// A running role; killed with -9 when dropped. What it said last is shown where the test fails.
pub struct Process {
    child: Child,
    said: Arc<Mutex<VecDeque<String>>>,
    lines: Mutex<Receiver<String>>,
}

impl Process {
    /// Starts the binary with these arguments.
    pub fn start(arguments: &[&str]) -> Self {
        Self::of(Command::new(binary()).args(arguments))
    }

    /// Starts any program.
    pub fn of(command: &mut Command) -> Self {
        let log = std::env::var("AFTERSHOCK_LOG").unwrap_or_else(|_| "warn".to_owned());
        let mut child =
            command.env("AFTERSHOCK_LOG", log).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let said = Arc::new(Mutex::new(VecDeque::new()));
        let (kept, stderr) = (said.clone(), BufReader::new(child.stderr.take().unwrap()));
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(|line| keep(&kept, line)));
        Self { child, said, lines: Mutex::new(lines) }
    }

    /// The line that says that it is ready; a start may take long beside other work.
    pub fn first_line(&mut self) -> Result<String, String> {
        self.line(Duration::from_secs(180))
    }

    /// The next line on stdout; an error where the process ended before, or was silent for the time given.
    pub fn line(&mut self, limit: Duration) -> Result<String, String> {
        self.lines
            .get_mut()
            .unwrap()
            .recv_timeout(limit)
            .map_err(|error| format!("no line on stdout: {error}; {:?}", self.child.try_wait()))
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A figure of its memory in MiB: `VmRSS` is what it has now, `VmHWM` the most it had.
    pub fn memory(&self, figure: &str) -> f64 {
        memory_of(self.id(), figure)
    }

    /// Its exit code, once it has ended.
    pub fn exit_code(&mut self) -> Option<i32> {
        self.child.try_wait().ok().flatten().map(|status| status.code().unwrap_or(-1))
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends it with -9 and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to leave and answers with its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        signal(self.id(), "TERM");
        super::until("the process leaves", || match self.child.try_wait() {
            // The number of a signal, below zero, where one ended it.
            Ok(Some(status)) => Ok(status.code().or_else(|| status.signal().map(|signal| -signal))),
            other => Err(format!("{other:?}")),
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said: Vec<String> = self.said.lock().unwrap().drain(..).collect();
            println!("process {} said last:\n{}", self.child.id(), said.join("\n"));
        }
        self.kill();
    }
}

/// Keeps the last lines.
fn keep(said: &Mutex<VecDeque<String>>, line: String) {
    let mut said = said.lock().unwrap();
    if said.len() == 100 {
        said.pop_front();
    }
    said.push_back(line);
}

/// Sends a signal to a process that a test started, by its id.
pub fn signal(id: u32, name: &str) {
    let _ = Command::new("kill").args([&format!("-{name}"), &id.to_string()]).stderr(Stdio::null()).status();
}

/// Whether there is a process of this id that has not ended.
pub fn is_alive(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // Of one that has ended the number may stay until somebody asks how.
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}

/// Lets this process open as many files as the system grants; thousands of connections are as many files.
pub fn more_files() {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let hard = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().nth(1).map(str::to_owned));
    let Some(hard) = hard else { return };
    let process = std::process::id().to_string();
    let _ = Command::new("prlimit").args(["--pid", &process, &format!("--nofile={hard}:{hard}")]).status();
}

/// The children of a process whose arguments name a role.
pub fn children(parent: u32, role: &str) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let ids = entries.filter_map(Result::ok).filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let arguments = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let is_child = status.lines().any(|line| line.strip_prefix("PPid:").is_some_and(|id| id.trim() == parent.to_string()));
        is_child && arguments.split(|byte| *byte == 0).nth(1) == Some(role.as_bytes())
    })
    .collect()
}

/// The most memory that a process takes while it is watched.
pub struct PeakMemory {
    id: u32,
    before: f64,
}

/// Begins to watch: the system's high-water mark of the process starts again at what it has now.
pub fn peak_memory(id: u32) -> PeakMemory {
    std::fs::write(format!("/proc/{id}/clear_refs"), "5").unwrap();
    PeakMemory { id, before: memory_of(id, "VmRSS") }
}

impl PeakMemory {
    /// What it had at most, less what it had at first, in MiB. Panics where the process has ended.
    pub fn grown(self) -> f64 {
        memory_of(self.id, "VmHWM") - self.before
    }
}

/// A figure of a process's memory in MiB: `VmRSS` is what it has now, `VmHWM` the most it had.
pub fn memory_of(id: u32, figure: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_else(|error| panic!("process {id} has ended: {error}"));
    let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':')).unwrap();
    line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
}
