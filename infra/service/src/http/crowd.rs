//! How many are inside, in total and of each address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;

/// A bounded number of places, of which one address has a bounded share.
#[derive(Debug)]
pub(super) struct Crowd {
    places: usize,
    /// 0 = no bound of its own.
    places_of_one: usize,
    exempt: Vec<IpNet>,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place; dropped, it is free again.
#[derive(Debug)]
pub(super) struct Place {
    crowd: Arc<Crowd>,
    address: Option<IpAddr>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// All places are taken.
    Total,
    /// The address has its share.
    Address,
}

impl Crowd {
    pub(super) fn new(places: usize, places_of_one: usize, exempt: &[IpNet]) -> Arc<Self> {
        Arc::new(Crowd { places, places_of_one, exempt: exempt.to_vec(), inside: Mutex::default() })
    }

    /// Takes a place for a client at `peer`.
    pub(super) fn enter(self: &Arc<Self>, peer: IpAddr) -> Result<Place, Full> {
        let peer = peer.to_canonical();
        let is_counted = self.places_of_one > 0 && !self.exempt.iter().any(|network| network.contains(&peer));
        let address = is_counted.then(|| network(peer));
        let mut inside = self.inside();
        if inside.total >= self.places {
            return Err(Full::Total);
        }
        if let Some(address) = address {
            let own = inside.by_address.entry(address).or_default();
            if *own >= self.places_of_one {
                return Err(Full::Address);
            }
            *own += 1;
        }
        inside.total += 1;
        Ok(Place { crowd: Arc::clone(self), address })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.crowd.inside();
        inside.total -= 1;
        let Some(address) = self.address else { return };
        if let Some(own) = inside.by_address.get_mut(&address) {
            *own -= 1;
            if *own == 0 {
                inside.by_address.remove(&address);
            }
        }
    }
}

/// Whoever has an IPv6 address has its /64.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn enter(crowd: &Arc<Crowd>, peer: &str) -> Result<Place, Full> {
        crowd.enter(peer.parse().unwrap())
    }

    #[test]
    fn an_address_has_its_share_and_all_have_the_whole() {
        let crowd = Crowd::new(3, 2, &[]);
        let first = enter(&crowd, "192.0.2.1").unwrap();
        let _second = enter(&crowd, "::ffff:192.0.2.1").unwrap();
        assert_eq!(enter(&crowd, "192.0.2.1").unwrap_err(), Full::Address);
        let _third = enter(&crowd, "192.0.2.2").unwrap();
        assert_eq!(enter(&crowd, "192.0.2.3").unwrap_err(), Full::Total);
        drop(first);
        assert!(enter(&crowd, "192.0.2.1").is_ok());
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let crowd = Crowd::new(9, 1, &[]);
        let _first = enter(&crowd, "2001:db8:1:2::1").unwrap();
        assert_eq!(enter(&crowd, "2001:db8:1:2:ffff::9").unwrap_err(), Full::Address);
        assert!(enter(&crowd, "2001:db8:1:3::1").is_ok());
    }

    #[test]
    fn proxies_share_the_whole_and_those_who_left_are_forgotten() {
        let crowd = Crowd::new(4, 1, &["10.0.0.0/8".parse().unwrap()]);
        let places: Vec<Place> = (0..4).map(|_| enter(&crowd, "10.1.2.3").unwrap()).collect();
        assert_eq!(enter(&crowd, "10.1.2.3").unwrap_err(), Full::Total);
        drop(places);
        drop(enter(&crowd, "192.0.2.1"));
        let inside = crowd.inside();
        assert_eq!((inside.total, inside.by_address.len()), (0, 0));
    }

    #[test]
    fn without_a_share_only_the_whole_counts() {
        let crowd = Crowd::new(2, 0, &[]);
        let _places = (enter(&crowd, "192.0.2.1").unwrap(), enter(&crowd, "192.0.2.1").unwrap());
        assert_eq!(enter(&crowd, "192.0.2.1").unwrap_err(), Full::Total);
    }
}
