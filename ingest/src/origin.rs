//! Where a request came from: the client's address behind trusted proxies, its user agent and language.

use crate::dialect::cut::cut;
use ipnet::IpNet;
use service::http::{HeaderMap, Request, header};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// A user agent is cut above this many bytes.
const USER_AGENT_LIMIT: usize = 1024;
/// Longer language tags are none.
const LOCALE_LIMIT: usize = 35;

/// Where a request came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The client's own address, as far as it can be known.
    pub(crate) address: IpAddr,
    /// `User-Agent`, or empty.
    pub(crate) user_agent: String,
    /// The first language of `Accept-Language`, or empty.
    pub(crate) locale: String,
}

impl Origin {
    /// Of a request that came directly or through `proxies`.
    pub(crate) fn of(request: &Request, proxies: &[IpNet]) -> Self {
        let mut user_agent = request.headers.get(header::USER_AGENT).map_or_else(String::new, text);
        cut(&mut user_agent, USER_AGENT_LIMIT);
        let languages = request.headers.get(header::ACCEPT_LANGUAGE).map_or_else(String::new, text);
        Self { address: client_address(request.peer, &request.headers, proxies), user_agent, locale: locale(&languages).to_owned() }
    }

    /// What counts as one client where addresses are counted: an IPv6 client has a whole /64.
    pub(crate) fn network(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        }
    }
}

fn text(value: &service::http::HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// The address before the first proxy that is not trusted, read from the near end: what stands further left is the
/// client's own claim.
fn client_address(peer: SocketAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let mut address = peer.ip().to_canonical();
    let is_trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(&address));
    if proxies.is_empty() || !is_trusted(address) {
        return address;
    }
    let lines: Vec<&str> = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
    if lines.is_empty() {
        let real = headers.get("x-real-ip").and_then(|value| value.to_str().ok());
        return real.and_then(forwarded).unwrap_or(address);
    }
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Some(named) = forwarded(hop) else { break };
        address = named;
        if !is_trusted(address) {
            break;
        }
    }
    address
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`.
fn forwarded(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse::<IpAddr>().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(address.to_canonical())
}

/// The first language, without its weight.
fn locale(languages: &str) -> &str {
    let first = languages.split([',', ';']).next().unwrap_or_default().trim();
    let is_tag = first.len() <= LOCALE_LIMIT && first.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if is_tag { first } else { "" }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn address(peer: &str, headers: &[(&'static str, &str)], proxies: &[&str]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let proxies: Vec<IpNet> = proxies.iter().map(|network| network.parse().unwrap()).collect();
        client_address(peer.parse().unwrap(), &map, &proxies).to_string()
    }

    #[test]
    fn forwarding_headers_count_from_trusted_proxies_only() {
        let claim = [("x-forwarded-for", "203.0.113.9"), ("x-real-ip", "203.0.113.9")];
        assert_eq!(address("198.51.100.1:80", &claim, &[]), "198.51.100.1");
        assert_eq!(address("198.51.100.1:80", &claim, &["10.0.0.0/8"]), "198.51.100.1");
        assert_eq!(address("10.1.2.3:80", &claim, &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(address("[::ffff:10.1.2.3]:80", &claim, &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(address("10.1.2.3:80", &[("x-real-ip", "2001:db8::7")], &["10.0.0.0/8"]), "2001:db8::7");
        assert_eq!(address("10.1.2.3:80", &[], &["10.0.0.0/8"]), "10.1.2.3");
    }

    #[test]
    fn a_client_cannot_put_words_in_a_proxys_mouth() {
        let proxies = ["10.0.0.0/8"];
        assert_eq!(address("10.0.0.1:80", &[("x-forwarded-for", "1.1.1.1, 203.0.113.9, 10.0.0.2")], &proxies), "203.0.113.9");
        let lines = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.9:4711")];
        assert_eq!(address("10.0.0.1:80", &lines, &proxies), "203.0.113.9");
        assert_eq!(address("10.0.0.1:80", &[("x-forwarded-for", "1.1.1.1, unknown")], &proxies), "10.0.0.1");
        assert_eq!(address("10.0.0.1:80", &[("x-forwarded-for", "[2001:db8::1]:99, 10.9.9.9")], &proxies), "2001:db8::1");
        assert_eq!(address("10.0.0.1:80", &[("x-forwarded-for", "10.0.0.3, 10.0.0.2")], &proxies), "10.0.0.3");
    }

    #[test]
    fn an_ipv6_client_is_its_network() {
        let of = |text: &str| Origin { address: text.parse().unwrap(), user_agent: String::new(), locale: String::new() };
        assert_eq!(of("2001:db8:1:2:3:4:5:6").network(), of("2001:db8:1:2::9").network());
        assert_ne!(of("2001:db8:1:2::1").network(), of("2001:db8:1:3::1").network());
        assert_eq!(of("192.0.2.1").network().to_string(), "192.0.2.1");
    }

    #[test]
    fn the_locale_is_the_first_language() {
        for (languages, expected) in
            [("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"), ("en;q=0.5", "en"), ("", ""), ("*", ""), ("中文", ""), (" de ", "de")]
        {
            assert_eq!(locale(languages), expected, "{languages}");
        }
    }
}
