//! The life of a child, again and again: start, hello, end.

use super::fork;
use super::lifeline::{RELOAD, STOP};
use super::spec::{Hello, Life, Order, Spec};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child as Process, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, watch};

/// Time for a child to say where it listens.
const HELLO_TIMEOUT: Duration = Duration::from_secs(20);
/// Pauses between a death and the next start; the longest one stays.
const MIN_BACKOFF: Duration = Duration::from_millis(50);
const MAX_BACKOFF: Duration = Duration::from_secs(2);
/// A child that lived this long was well: its death counts as the first one again.
const STABLE_AFTER: Duration = Duration::from_secs(5);
/// A child that dies as often before it has ever answered is failing.
const ATTEMPTS: u32 = 6;

/// Starts a child, waits for its end, and starts it again, until it is asked to stop.
pub struct Keeper {
    spec: Spec,
    tell: watch::Sender<Life>,
    has_answered: watch::Receiver<bool>,
    orders: mpsc::Receiver<Order>,
    /// It was asked to have the child read again, and no child was there to be told.
    is_outdated: bool,
}

/// A child's process with both of its pipes.
struct Started {
    process: Process,
    stdin: Option<ChildStdin>,
    lines: Option<Lines<BufReader<ChildStdout>>>,
}

impl Keeper {
    /// What keeps a child of this kind: it tells where the child is in its life, and takes orders.
    pub fn new(spec: Spec, tell: watch::Sender<Life>, has_answered: watch::Receiver<bool>, orders: mpsc::Receiver<Order>) -> Self {
        Self { spec, tell, has_answered, orders, is_outdated: false }
    }

    /// Keeps it alive until it is asked to stop.
    pub async fn keep(mut self) {
        let mut deaths = 0;
        loop {
            let started = Instant::now();
            let Some(reason) = self.live().await else { return };
            deaths = if started.elapsed() >= STABLE_AFTER { 1 } else { deaths + 1 };
            let pause = pause(deaths);
            tracing::error!(child = self.spec.name, reason, pause_ms = pause.as_millis() as u64, "a child died and is started again");
            if deaths >= ATTEMPTS && !*self.has_answered.borrow() {
                self.tell.send_replace(Life::Failing(reason));
            }
            tokio::select! {
                () = self.stopped() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One life of the child; says why it ended, or nothing where it was asked to.
    async fn live(&mut self) -> Option<String> {
        let mut started = match self.start() {
            Ok(started) => started,
            Err(error) => return Some(format!("cannot be started: {error}")),
        };
        let pid = started.process.id().unwrap_or_default();
        let told = std::mem::take(&mut self.spec.told);
        let first = tokio::select! {
            ended = started.process.wait() => Err(Some(said(ended))),
            hello = tokio::time::timeout(HELLO_TIMEOUT, hello(&told, &mut started.stdin, &mut started.lines)) => Ok(hello.ok().flatten()),
            () = self.stopped() => Err(None),
        };
        self.spec.told = told;
        match first {
            Ok(Some(hello)) => self.listens(pid, hello.listen),
            Ok(None) => return Some(put_down(started.process, "it does not say where it listens").await),
            Err(Some(ended)) => return Some(ended),
            Err(None) => return self.finish(started).await,
        }
        loop {
            if std::mem::take(&mut self.is_outdated) {
                ask(&mut started.stdin, RELOAD).await;
            }
            tokio::select! {
                ended = started.process.wait() => return Some(said(ended)),
                order = self.orders.recv() => match order {
                    Some(Order::Reload) => self.is_outdated = true,
                    Some(Order::Stop) | None => return self.finish(started).await,
                },
            }
        }
    }

    /// Resolves when the child is no longer wanted; remembers what else is asked until then.
    async fn stopped(&mut self) {
        while self.orders.recv().await == Some(Order::Reload) {
            self.is_outdated = true;
        }
    }

    fn listens(&mut self, pid: u32, address: SocketAddr) {
        tracing::info!(child = self.spec.name, process.id = pid, %address, "child listens");
        // Whoever has taken its port itself takes the same one again.
        if !self.spec.listen.is_empty() {
            self.spec.listen = address.to_string();
        }
        self.tell.send_replace(Life::Listening { pid, address });
    }

    /// Closes the child's sockets, asks it to finish, and ends it where it does not.
    async fn finish(&mut self, started: Started) -> Option<String> {
        let Started { mut process, mut stdin, .. } = started;
        // Whoever comes from now on is refused, as soon as the child has closed them too.
        self.spec.sockets.clear();
        ask(&mut stdin, STOP).await;
        match tokio::time::timeout(self.spec.finish, process.wait()).await {
            Ok(Ok(status)) if status.success() => tracing::info!(child = self.spec.name, "child finished"),
            Ok(ended) => tracing::error!(child = self.spec.name, reason = said(ended), "a child did not finish well"),
            Err(_) => {
                tracing::error!(child = self.spec.name, "a child did not finish in time and is killed");
                drop(process.kill().await);
            }
        }
        None
    }

    fn start(&self) -> std::io::Result<Started> {
        let mut command = Command::new(program());
        command.arg(self.spec.name).args(&self.spec.arguments);
        if !self.spec.listen.is_empty() {
            command.arg("--listen").arg(&self.spec.listen);
        }
        command.arg("--attached").envs(self.spec.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        // A group of its own: Ctrl-C is for the parent, which stops its children in order.
        command.process_group(0);
        fork::prepare(&mut command, self.spec.sockets.iter().map(AsRawFd::as_raw_fd).collect(), self.spec.niceness);
        let mut process = command.spawn()?;
        // Both are held so long as the child lives: `wait` would close its stdin, which says that we are gone.
        let (stdin, stdout) = (process.stdin.take(), process.stdout.take());
        Ok(Started { process, stdin, lines: stdout.map(|stdout| BufReader::new(stdout).lines()) })
    }
}

/// Tells a child what it is to know and reads its first line.
async fn hello(told: &str, stdin: &mut Option<ChildStdin>, lines: &mut Option<Lines<BufReader<ChildStdout>>>) -> Option<Hello> {
    stdin.as_mut()?.write_all(told.as_bytes()).await.ok()?;
    let line = lines.as_mut()?.next_line().await.ok()??;
    serde_json::from_str(&line).ok()
}

/// Asks a child for something; one that has just died is not there to be asked.
async fn ask(stdin: &mut Option<ChildStdin>, what: &str) {
    if let Some(stdin) = stdin {
        drop(stdin.write_all(what.as_bytes()).await);
    }
}

/// Ends a child; one that ended by itself has a better reason than ours.
async fn put_down(mut process: Process, reason: &str) -> String {
    match tokio::time::timeout(MIN_BACKOFF, process.wait()).await {
        Ok(ended) => said(ended),
        Err(_) => {
            drop(process.kill().await);
            reason.to_owned()
        }
    }
}

/// This program; where its file was replaced meanwhile, what runs.
fn program() -> PathBuf {
    let file = std::env::current_exe().ok().filter(|file| file.exists());
    file.unwrap_or_else(|| "/proc/self/exe".into())
}

fn said(ended: std::io::Result<ExitStatus>) -> String {
    match ended {
        Ok(status) => format!("it ended with {status}"),
        Err(error) => format!("its end is unknown: {error}"),
    }
}

fn pause(deaths: u32) -> Duration {
    MIN_BACKOFF.saturating_mul(1 << deaths.saturating_sub(1).min(16)).min(MAX_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        assert_eq!(pause(1), MIN_BACKOFF);
        assert_eq!(pause(2), MIN_BACKOFF * 2);
        assert_eq!(pause(7), MAX_BACKOFF);
        assert_eq!(pause(u32::MAX), MAX_BACKOFF);
    }
}
