//! One engine or role as a process that is kept alive.
//!
//! A thread of its own ([`Keeper`]) starts the process, waits for its end, and starts it again on the port that it had, so that clients
//! find it where it was. A role is given sockets that stay open here: clients that come between two of its lives wait in the queue. The thread lives as long as the child is wanted: on Linux a child is killed when the *thread* that
//! started it ends, which a thread of a shared runtime may do at any time.

use super::keeper::Keeper;
use super::spec::{Life, Order, Spec};
use std::net::SocketAddr;
use tokio::sync::{mpsc, watch};

/// A child that is kept alive until [`Child::stop`].
pub struct Child {
    name: &'static str,
    life: watch::Receiver<Life>,
    answered: watch::Sender<bool>,
    orders: mpsc::Sender<Order>,
    thread: std::thread::JoinHandle<()>,
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
        let (orders, ordered) = mpsc::channel(4);
        let failed = |source| ChildError::Thread { name, source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let keeper = Keeper::new(spec, tell, has_answered, ordered);
        let thread =
            std::thread::Builder::new().name(format!("keep {name}")).spawn(move || runtime.block_on(keeper.keep())).map_err(failed)?;
        Ok(Self { name, life, answered, orders, thread })
    }

    /// Waits until it listens for the first time.
    ///
    /// # Errors
    /// It is failing.
    pub async fn listening(&self) -> Result<SocketAddr, ChildError> {
        let mut life = self.life.clone();
        let start = |reason| ChildError::Start { name: self.name, reason };
        let reached = life.wait_for(|life| *life != Life::Starting).await.map_err(|_| start("its keeper ended".to_owned()))?;
        match &*reached {
            Life::Listening { address, .. } => Ok(*address),
            Life::Failing(reason) => Err(start(reason.clone())),
            Life::Starting => Err(start("it is still starting".to_owned())),
        }
    }

    /// Resolves with the reason once it is failing.
    pub async fn failing(&self) -> ChildError {
        let mut life = self.life.clone();
        let reached = life.wait_for(|life| matches!(life, Life::Failing(_))).await;
        let reason = match reached.as_deref() {
            Ok(Life::Failing(reason)) => reason.clone(),
            _ => "its keeper ended".to_owned(),
        };
        ChildError::Start { name: self.name, reason }
    }

    /// What it is.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its process as it is now; 0 where there is none.
    pub fn pid(&self) -> u32 {
        match *self.life.borrow() {
            Life::Listening { pid, .. } => pid,
            Life::Starting | Life::Failing(_) => 0,
        }
    }

    /// Resolves at its next turn, or never where there is none to come.
    pub async fn turn(&mut self) {
        if self.life.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// It has answered a client: from now on it is not failing however often it dies.
    pub fn has_answered(&self) {
        self.answered.send_replace(true);
    }

    /// Has it read again what a SIGHUP has others read again.
    pub async fn reload(&self) {
        // A keeper that has ended keeps nothing that could read.
        let _ = self.orders.send(Order::Reload).await;
    }

    /// Closes its sockets, asks it to finish and waits until it has.
    pub async fn stop(self) {
        let _ = self.orders.send(Order::Stop).await;
        let thread = self.thread;
        if tokio::task::spawn_blocking(move || thread.join()).await.is_err() {
            tracing::error!(child = self.name, "the child's keeper broke off");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::Hello;
    use super::*;

    #[test]
    fn the_first_line_is_an_address() {
        let hello: Hello = serde_json::from_str(r#"{"listen":"127.0.0.1:4711"}"#).unwrap_or(Hello { listen: ([0, 0, 0, 0], 0).into() });
        assert_eq!(hello.listen, SocketAddr::from(([127, 0, 0, 1], 4711)));
    }
}
