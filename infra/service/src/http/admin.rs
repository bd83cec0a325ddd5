//! Health and metrics on an address of their own, apart from the service's clients.

use super::{Error, Limits, Options, Router, serve};
use crate::shutdown::Shutdown;
use std::pin::pin;
use tokio::net::TcpListener;

/// Most connections and requests at once: only a few people and programs watch a service.
const CONNECTIONS: usize = 256;
const REQUESTS: usize = 32;

/// The two ports of a service.
#[derive(Debug)]
pub struct Listeners {
    /// For its clients.
    pub public: TcpListener,
    /// For its operators.
    pub admin: TcpListener,
}

/// Serves `router` on `listener` for as long as `service` runs, its end included, and gives what came of it.
///
/// # Errors
/// Those of the service, and those of [`serve()`]: a service that nobody can watch ends, to be started again.
pub async fn with_admin<E: From<Error>>(
    listener: TcpListener,
    router: Router,
    limits: &Limits,
    service: impl Future<Output = Result<(), E>>,
) -> Result<(), E> {
    let (leave, left) = Shutdown::new();
    let mut server = pin!(serve(listener, router, options(limits), left));
    let ended = tokio::select! {
        ended = service => ended,
        served = &mut server => return served.map_err(E::from),
    };
    leave.fire();
    ended.and(server.await.map_err(E::from))
}

/// The limits of the service itself, with fewer connections and requests.
fn options(limits: &Limits) -> Options {
    let (max_connections, max_in_flight) = (limits.max_connections.min(CONNECTIONS), limits.max_in_flight.min(REQUESTS));
    Options::from(Limits { max_connections, max_in_flight, ..limits.clone() })
}
