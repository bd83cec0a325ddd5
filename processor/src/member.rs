//! Membership in a consumer group, served by a thread of its own.

use crate::error::Error;
use service::kafka::consumer::{Assignment, GroupConsumer, GroupOptions};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

/// How long a poll takes at most, and so the end of the thread.
const POLL_WAIT: Duration = Duration::from_millis(100);

/// How a consumer group is joined.
pub struct MemberOptions {
    pub kafka: service::kafka::Config,
    pub options: GroupOptions,
    /// Is told which partitions come and go.
    pub assignment: Arc<dyn Assignment>,
    /// Ends all work on partitions before the group is left.
    pub finish: Box<dyn FnOnce() + Send>,
}

/// Membership in the group. Dropping it ends the thread that serves it.
pub struct GroupMember {
    leaving: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl GroupMember {
    /// Joins in the background. An error that ends the membership is sent to `failures`.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn join(joining: MemberOptions, failures: UnboundedSender<Error>) -> Result<Self, Error> {
        let leaving = Arc::new(AtomicBool::new(false));
        let ordered = Arc::clone(&leaving);
        let (ended, end) = tokio::sync::oneshot::channel();
        let serve = move || {
            if let Err(error) = serve(joining, &ordered) {
                let _ = failures.send(error);
            }
            let _ = ended.send(());
        };
        thread::Builder::new().name("group".to_owned()).spawn(serve).map_err(Error::Thread)?;
        let thread = tokio::spawn(async move { drop(end.await) });
        Ok(Self { leaving, thread: Some(thread) })
    }

    /// Leaves the group; returns once all work on its partitions has ended.
    pub async fn leave(mut self) {
        self.leaving.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.await;
        }
    }
}

impl Drop for GroupMember {
    fn drop(&mut self) {
        self.leaving.store(true, Relaxed);
    }
}

/// Serves rebalances until told to leave. All work ends before the group is left.
fn serve(joining: MemberOptions, leaving: &AtomicBool) -> Result<(), Error> {
    let MemberOptions { kafka, options, assignment, finish } = joining;
    let consumer = GroupConsumer::subscribe(&kafka, &options, assignment)?;
    let mut outcome = Ok(());
    while !leaving.load(Relaxed) && outcome.is_ok() {
        outcome = consumer.poll(POLL_WAIT);
    }
    finish();
    drop(consumer);
    Ok(outcome?)
}
