//! How many connections are open, in total and from each address.

use crate::metrics::CONNECTIONS_REFUSED;
use crate::telemetry::Counter;
use ipnet::IpNet;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bounds the number of open connections, and how many of them one address may have.
#[derive(Debug)]
pub(super) struct ConnectionLimit {
    max_total: usize,
    /// 0 = no limit.
    max_per_address: usize,
    exempt: Vec<IpNet>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Permission for one connection, given back when dropped.
#[derive(Debug)]
pub(super) struct ConnectionPermit {
    limit: Arc<ConnectionLimit>,
    address: Option<IpAddr>,
}

/// Which limit refuses a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LimitReached {
    /// Too many connections are open.
    Total,
    /// Too many connections from the address are open.
    Address,
}

impl ConnectionLimit {
    pub(super) fn new(max_total: usize, max_per_address: usize, exempt: &[IpNet]) -> Arc<Self> {
        Arc::new(ConnectionLimit { max_total, max_per_address, exempt: exempt.to_vec(), open: Mutex::default() })
    }

    /// A permit for a client at `peer`.
    pub(super) fn acquire(self: &Arc<Self>, peer: IpAddr) -> Result<ConnectionPermit, LimitReached> {
        let peer = peer.to_canonical();
        let is_counted = self.max_per_address > 0 && !self.exempt.iter().any(|network| network.contains(&peer));
        let address = is_counted.then(|| network(peer));
        let mut open = self.open();
        if open.total >= self.max_total {
            return Err(LimitReached::Total);
        }
        if let Some(address) = address {
            let own = open.by_address.entry(address).or_default();
            if *own >= self.max_per_address {
                return Err(LimitReached::Address);
            }
            *own += 1;
        }
        open.total += 1;
        Ok(ConnectionPermit { limit: Arc::clone(self), address })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.limit.open();
        open.total -= 1;
        let Some(address) = self.address else { return };
        if let Some(own) = open.by_address.get_mut(&address) {
            *own -= 1;
            if *own == 0 {
                open.by_address.remove(&address);
            }
        }
    }
}

/// A client with an IPv6 address commands its whole /64, so that counts as one address.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// The counter of connections that were not served for this reason.
pub(super) fn refused_connections(service: &str, reason: &str) -> Counter {
    CONNECTIONS_REFUSED.with([service, reason])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn acquire(limit: &Arc<ConnectionLimit>, peer: &str) -> Result<ConnectionPermit, LimitReached> {
        limit.acquire(peer.parse().unwrap())
    }

    #[test]
    fn an_address_has_its_share_and_all_have_the_whole() {
        let limit = ConnectionLimit::new(3, 2, &[]);
        let first = acquire(&limit, "192.0.2.1").unwrap();
        let _second = acquire(&limit, "::ffff:192.0.2.1").unwrap();
        assert_eq!(acquire(&limit, "192.0.2.1").unwrap_err(), LimitReached::Address);
        let _third = acquire(&limit, "192.0.2.2").unwrap();
        assert_eq!(acquire(&limit, "192.0.2.3").unwrap_err(), LimitReached::Total);
        drop(first);
        assert!(acquire(&limit, "192.0.2.1").is_ok());
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let limit = ConnectionLimit::new(9, 1, &[]);
        let _first = acquire(&limit, "2001:db8:1:2::1").unwrap();
        assert_eq!(acquire(&limit, "2001:db8:1:2:ffff::9").unwrap_err(), LimitReached::Address);
        assert!(acquire(&limit, "2001:db8:1:3::1").is_ok());
    }

    #[test]
    fn proxies_share_the_whole_and_those_who_left_are_forgotten() {
        let limit = ConnectionLimit::new(4, 1, &["10.0.0.0/8".parse().unwrap()]);
        let permits: Vec<ConnectionPermit> = (0..4).map(|_| acquire(&limit, "10.1.2.3").unwrap()).collect();
        assert_eq!(acquire(&limit, "10.1.2.3").unwrap_err(), LimitReached::Total);
        drop(permits);
        drop(acquire(&limit, "192.0.2.1"));
        let open = limit.open();
        assert_eq!((open.total, open.by_address.len()), (0, 0));
    }

    #[test]
    fn without_a_share_only_the_whole_counts() {
        let limit = ConnectionLimit::new(2, 0, &[]);
        let _places = (acquire(&limit, "192.0.2.1").unwrap(), acquire(&limit, "192.0.2.1").unwrap());
        assert_eq!(acquire(&limit, "192.0.2.1").unwrap_err(), LimitReached::Total);
    }
}
