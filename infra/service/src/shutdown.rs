//! Graceful shutdown: a [`Trigger`] that fires once and a [`Shutdown`] that any number of tasks wait on.

use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// The waiting side; cheap to clone and hand to every task.
#[derive(Clone, Debug)]
pub struct Shutdown {
    fired: watch::Receiver<bool>,
}

/// The firing side. Dropping it does not fire: a task that ends by accident must not end the process.
#[derive(Clone, Debug)]
pub struct Trigger {
    fire: Arc<watch::Sender<bool>>,
}

impl Shutdown {
    /// A trigger that has not fired, and what it fires.
    #[allow(clippy::new_ret_no_self)]
    pub fn new() -> (Trigger, Shutdown) {
        let (fire, fired) = watch::channel(false);
        (Trigger { fire: Arc::new(fire) }, Shutdown { fired })
    }

    /// Resolves once the trigger has fired; at once if it already has.
    pub async fn triggered(&self) {
        let mut fired = self.fired.clone();
        if fired.wait_for(|fired| *fired).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether the trigger has fired.
    pub fn is_triggered(&self) -> bool {
        *self.fired.borrow()
    }
}

impl Trigger {
    /// Fires; later calls change nothing.
    pub fn fire(&self) {
        self.fire.send_replace(true);
    }
}

/// Listens for signals from this call on, so call it before a port is taken: fires on the first SIGTERM or SIGINT and leaves the process with exit code 1
/// on the second. A SIGHUP changes nothing by itself; tasks that reload files listen for it themselves.
///
/// Call it within a runtime.
pub fn signals(trigger: Trigger) {
    let installed = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()));
    match installed {
        // The handler of a signal stays for the life of the process, also where nobody listens to it.
        (Ok(terminate), Ok(interrupt), Ok(_)) => drop(tokio::spawn(leave(trigger, terminate, interrupt))),
        (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => tracing::error!(%error, "cannot listen for signals"),
    }
}

async fn leave(trigger: Trigger, mut terminate: Signal, mut interrupt: Signal) {
    let mut asked = false;
    loop {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        if asked {
            tracing::warn!(signal = name, "second signal, leaving at once");
            exit(1);
        }
        asked = true;
        trigger.fire();
        tracing::info!(signal = name, "shutting down, a second signal leaves at once");
    }
}

/// Ends the process with an exit code, at once.
///
/// What is in the buffer of stdout is lost. The exit handlers of C libraries are left out: OpenSSL's frees what threads of librdkafka may still be using, which ended one process in ten with a
/// SIGSEGV when it was stopped right after its start.
#[allow(unsafe_code)]
pub fn exit(code: u8) -> ! {
    // SAFETY: it ends the process and touches no memory.
    unsafe { libc::_exit(code.into()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn every_clone_sees_the_trigger() {
        let (trigger, shutdown) = Shutdown::new();
        let other = shutdown.clone();
        assert!(!other.is_triggered());
        let waiting = tokio::spawn(async move { other.triggered().await });
        trigger.fire();
        trigger.fire();
        waiting.await.expect("the waiting task ends");
        shutdown.triggered().await;
        assert!(shutdown.is_triggered());
    }

    #[tokio::test]
    async fn a_dropped_trigger_does_not_fire() {
        let (trigger, shutdown) = Shutdown::new();
        drop(trigger);
        let waited = tokio::time::timeout(Duration::from_millis(20), shutdown.triggered()).await;
        assert!(waited.is_err());
        assert!(!shutdown.is_triggered());
    }
}
