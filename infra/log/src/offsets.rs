//! Committed offsets: one task owns the journal and serves requests in their order, so that whoever reads sees every
//! commit that was accepted before, and a commit is answered only when it is on disk. Commits that wait share a sync.

use crate::offset_journal::{Change, OffsetJournal, Offsets};
use tokio::sync::{mpsc, oneshot};

/// Requests that are served together.
const TOGETHER: usize = 256;
/// Requests that may wait.
const WAITING: usize = 1024;

#[derive(Debug)]
enum Request {
    Write(Change, oneshot::Sender<bool>),
    Read(String, oneshot::Sender<Option<Offsets>>),
    Names(oneshot::Sender<Vec<String>>),
}

/// The way to the task that owns the journal.
#[derive(Debug, Clone)]
pub struct OffsetStore(mpsc::Sender<Request>);

/// The answer to a change that is on its way.
#[derive(Debug)]
pub struct Accepted(oneshot::Receiver<bool>);

impl Accepted {
    /// Whether the change is on disk.
    pub async fn durable(self) -> bool {
        self.0.await.unwrap_or(false)
    }
}

impl OffsetStore {
    /// Starts the task; it ends when the last store is dropped.
    pub fn start(journal: OffsetJournal) -> (OffsetStore, tokio::task::JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (OffsetStore(sender), tokio::spawn(serve(journal, receiver)))
    }

    /// Room for one change, to be taken before the change is decided about.
    pub async fn reserve(&self) -> Option<Reserved<'_>> {
        self.0.reserve().await.ok().map(Reserved)
    }

    /// Makes a change and waits for the disk. Whether it was made.
    pub async fn write(&self, change: Change) -> bool {
        match self.reserve().await {
            Some(room) => room.write(change).durable().await,
            None => false,
        }
    }

    /// The offsets of a group, after every change accepted before.
    pub async fn read(&self, group: &str) -> Option<Offsets> {
        let (answer, answered) = oneshot::channel();
        self.0.send(Request::Read(group.to_owned(), answer)).await.ok()?;
        answered.await.ok().flatten()
    }

    /// Groups that have committed.
    pub async fn names(&self) -> Vec<String> {
        let (answer, answered) = oneshot::channel();
        if self.0.send(Request::Names(answer)).await.is_err() {
            return Vec::new();
        }
        answered.await.unwrap_or_default()
    }
}

/// Room in the queue of the task.
#[derive(Debug)]
pub struct Reserved<'a>(mpsc::Permit<'a, Request>);

impl Reserved<'_> {
    /// Puts the change in the queue, at once.
    pub fn write(self, change: Change) -> Accepted {
        let (answer, answered) = oneshot::channel();
        self.0.send(Request::Write(change, answer));
        Accepted(answered)
    }
}

async fn serve(mut journal: OffsetJournal, mut requests: mpsc::Receiver<Request>) {
    let mut some = Vec::with_capacity(TOGETHER);
    while requests.recv_many(&mut some, TOGETHER).await > 0 {
        let changes = some.iter().filter_map(|request| match request {
            Request::Write(change, _) => Some(change.clone()),
            Request::Read(..) | Request::Names(_) => None,
        });
        let changes: Vec<Change> = changes.collect();
        let mut written = true;
        if !changes.is_empty() {
            let write = move || {
                let result = journal.write(changes);
                (journal, result)
            };
            let Ok((back, result)) = tokio::task::spawn_blocking(write).await else { return };
            journal = back;
            if let Err(error) = result {
                tracing::error!(error = %error, "offsets could not be written");
                written = false;
            }
        }
        answer(&journal, some.drain(..), written);
    }
}

fn answer(journal: &OffsetJournal, requests: impl Iterator<Item = Request>, written: bool) {
    for request in requests {
        match request {
            Request::Write(_, answer) => drop(answer.send(written)),
            Request::Read(group, answer) => drop(answer.send(journal.group(&group).cloned())),
            Request::Names(answer) => drop(answer.send(journal.names())),
        }
    }
}
