//! One embedded engine as a process that is kept alive.
//!
//! A thread of its own starts the process, waits for its end, and starts it again on the port that it had, so that clients
//! find it where it was. The thread lives as long as the child is wanted: on Linux a child is killed when the *thread* that
//! started it ends, which a thread of a shared runtime may do at any time.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child as Process, ChildStdin, Command};
use tokio::sync::{oneshot, watch};

use super::lifeline::STOP;

/// Time for a child to say where it listens.
const HELLO: Duration = Duration::from_secs(20);
/// Time for a child to finish after it was asked to.
const FINISH: Duration = Duration::from_secs(30);
/// Pauses between a death and the next start; the longest one stays.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A child that lived this long was well: its death counts as the first one again.
const WELL: Duration = Duration::from_secs(5);
/// A child that dies as often before it has ever answered is given up.
const ATTEMPTS: u32 = 6;

/// What a child is.
#[derive(Clone, Debug)]
pub struct Spec {
    /// `broker` or `engine`: the subcommand.
    pub name: &'static str,
    pub arguments: Vec<OsString>,
    /// Secrets go this way: arguments are seen by every user of the machine.
    pub environment: Vec<(&'static str, String)>,
    /// Where it listens; port 0 takes a free one, which later starts keep.
    pub listen: String,
}

/// The first line of a child's stdout.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hello {
    pub listen: SocketAddr,
}

/// A child that is kept alive until [`Child::stop`].
pub struct Child {
    name: &'static str,
    life: watch::Receiver<Life>,
    answered: watch::Sender<bool>,
    stop: oneshot::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

/// Where a child is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Life {
    Starting,
    /// It listens; whether it answers is for the client to see.
    Listening {
        pid: u32,
        address: SocketAddr,
    },
    /// It died too often before it answered, the last time so.
    GivenUp(String),
}

/// Why there is no child.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    #[error("the {name} does not start: {reason} (its own words are above)")]
    Start { name: &'static str, reason: String },
    #[error("no thread for the {name}: {source}")]
    Thread { name: &'static str, source: std::io::Error },
}

impl Child {
    /// Starts it and keeps it alive.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(spec: Spec) -> Result<Self, ChildError> {
        let name = spec.name;
        let (tell, life) = watch::channel(Life::Starting);
        let (answered, has_answered) = watch::channel(false);
        let (stop, stopped) = oneshot::channel();
        let failed = |source| ChildError::Thread { name, source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let keeper = Keeper { spec, tell, has_answered };
        let thread = std::thread::Builder::new()
            .name(format!("keep {name}"))
            .spawn(move || runtime.block_on(keeper.keep(stopped)))
            .map_err(failed)?;
        Ok(Self { name, life, answered, stop, thread })
    }

    /// Waits until it listens for the first time.
    ///
    /// # Errors
    /// It was given up.
    pub async fn listening(&self) -> Result<SocketAddr, ChildError> {
        let mut life = self.life.clone();
        let start = |reason| ChildError::Start { name: self.name, reason };
        let reached = life.wait_for(|life| *life != Life::Starting).await.map_err(|_| start("its keeper ended".to_owned()))?;
        match &*reached {
            Life::Listening { address, .. } => Ok(*address),
            Life::GivenUp(reason) => Err(start(reason.clone())),
            Life::Starting => Err(start("it is still starting".to_owned())),
        }
    }

    /// Where it is in its life.
    pub fn life(&self) -> Life {
        self.life.borrow().clone()
    }

    /// Resolves at its next turn, or never where there is none to come.
    pub async fn turn(&mut self) {
        if self.life.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// It has answered a client: from now on it is started again however often it dies.
    pub fn has_answered(&self) {
        self.answered.send_replace(true);
    }

    /// Asks it to finish and waits until it has.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let thread = self.thread;
        if tokio::task::spawn_blocking(move || thread.join()).await.is_err() {
            tracing::error!(child = self.name, "the child's keeper broke off");
        }
    }
}

struct Keeper {
    spec: Spec,
    tell: watch::Sender<Life>,
    has_answered: watch::Receiver<bool>,
}

impl Keeper {
    async fn keep(mut self, mut stop: oneshot::Receiver<()>) {
        let mut deaths = 0;
        loop {
            let started = Instant::now();
            let Some(reason) = self.live(&mut stop).await else { return };
            deaths = if started.elapsed() >= WELL { 1 } else { deaths + 1 };
            if deaths >= ATTEMPTS && !*self.has_answered.borrow() {
                self.tell.send_replace(Life::GivenUp(reason));
                return;
            }
            let pause = pause(deaths);
            tracing::error!(child = self.spec.name, reason, pause_ms = pause.as_millis() as u64, "a child died and is started again");
            tokio::select! {
                _ = &mut stop => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One life of the child; says why it ended, or nothing where it was asked to.
    async fn live(&mut self, stop: &mut oneshot::Receiver<()>) -> Option<String> {
        let mut process = match self.command().spawn() {
            Ok(process) => process,
            Err(error) => return Some(format!("cannot be started: {error}")),
        };
        // Both are held so long as the child lives: `wait` would close its stdin, which says that we are gone.
        let (pid, stdin) = (process.id().unwrap_or_default(), process.stdin.take());
        let mut lines = process.stdout.take().map(|stdout| BufReader::new(stdout).lines());
        tokio::select! {
            ended = process.wait() => return Some(told(ended)),
            hello = tokio::time::timeout(HELLO, async { lines.as_mut()?.next_line().await.ok()? }) => {
                match hello.ok().flatten().and_then(|line| serde_json::from_str::<Hello>(&line).ok()) {
                    Some(hello) => self.listens(pid, hello.listen),
                    None => return Some(self.put_down(process, "it does not say where it listens").await),
                }
            }
            _ = &mut *stop => return finish(process, stdin).await,
        }
        tokio::select! {
            ended = process.wait() => Some(told(ended)),
            _ = stop => finish(process, stdin).await,
        }
    }

    fn listens(&mut self, pid: u32, address: SocketAddr) {
        tracing::info!(child = self.spec.name, process.id = pid, %address, "child listens");
        self.spec.listen = address.to_string();
        self.tell.send_replace(Life::Listening { pid, address });
    }

    /// A child that ended by itself has a better reason than ours.
    async fn put_down(&self, mut process: Process, reason: &str) -> String {
        match tokio::time::timeout(SHORTEST_PAUSE, process.wait()).await {
            Ok(ended) => told(ended),
            Err(_) => {
                drop(process.kill().await);
                reason.to_owned()
            }
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(program());
        command.arg(self.spec.name).args(&self.spec.arguments).arg("--listen").arg(&self.spec.listen).arg("--attached");
        command.envs(self.spec.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        // A group of its own: Ctrl-C is for the parent, which stops its children in order.
        command.process_group(0);
        command
    }
}

/// Asks a child to finish, and ends it where it does not.
async fn finish(mut process: Process, mut stdin: Option<ChildStdin>) -> Option<String> {
    if let Some(stdin) = &mut stdin {
        drop(stdin.write_all(STOP.as_bytes()).await);
    }
    if tokio::time::timeout(FINISH, process.wait()).await.is_err() {
        tracing::error!(process.id = process.id(), "a child did not finish in time and is killed");
        drop(process.kill().await);
    }
    None
}

/// This program; where its file was replaced meanwhile, what runs.
fn program() -> PathBuf {
    let file = std::env::current_exe().ok().filter(|file| file.exists());
    file.unwrap_or_else(|| "/proc/self/exe".into())
}

fn told(ended: std::io::Result<ExitStatus>) -> String {
    match ended {
        Ok(status) => format!("it ended with {status}"),
        Err(error) => format!("its end is unknown: {error}"),
    }
}

fn pause(deaths: u32) -> Duration {
    SHORTEST_PAUSE.saturating_mul(1 << deaths.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        assert_eq!(pause(1), SHORTEST_PAUSE);
        assert_eq!(pause(2), SHORTEST_PAUSE * 2);
        assert_eq!(pause(7), LONGEST_PAUSE);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }

    #[test]
    fn the_first_line_is_an_address() {
        let hello: Hello = serde_json::from_str(r#"{"listen":"127.0.0.1:4711"}"#).unwrap_or(Hello { listen: ([0, 0, 0, 0], 0).into() });
        assert_eq!(hello.listen, SocketAddr::from(([127, 0, 0, 1], 4711)));
    }
}
