//! Health and metrics on an address of their own, beside the service that they tell about.

use super::{Error, Limits, Options, Router, serve};
use crate::shutdown::Shutdown;
use std::pin::pin;
use tokio::net::TcpListener;

/// Most connections and requests at once: a few people and programs look at a service, no crowd does.
const CONNECTIONS: usize = 256;
const REQUESTS: usize = 32;

/// The two ports of a service.
#[derive(Debug)]
pub struct Listeners {
    /// For its clients.
    pub public: TcpListener,
    /// For those who operate it.
    pub admin: TcpListener,
}

/// Serves `router` on `listener` for as long as `service` runs, its end included, and gives what came of it.
///
/// # Errors
/// Those of the service, and those of [`serve`]: a service that nobody can watch ends, to be started again.
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

/// The bounds of the service itself, of connections and requests fewer.
fn options(limits: &Limits) -> Options {
    let (max_connections, max_in_flight) = (limits.max_connections.min(CONNECTIONS), limits.max_in_flight.min(REQUESTS));
    Options::from(Limits { max_connections, max_in_flight, ..limits.clone() })
}
