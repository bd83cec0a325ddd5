//! Where a request came from: the client's address behind trusted proxies, its user agent and language.

use crate::dialect::bounds::{LOCALE, USER_AGENT};
use crate::dialect::cut::cut;
use ipnet::IpNet;
use service::http::{HeaderMap, Request, header};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The headers in which proxies name the client. `Forwarded` is not one of them: few proxies write it, and the others pass on
/// whatever the client sent.
const FORWARDED_FOR: &str = "x-forwarded-for";
const REAL_IP: &str = "x-real-ip";

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
        cut(&mut user_agent, USER_AGENT);
        let languages = request.headers.get(header::ACCEPT_LANGUAGE).map_or_else(String::new, text);
        Self { address: client_address(request.peer, &request.headers, proxies), user_agent, locale: locale(&languages).to_owned() }
    }

    /// What counts as one address where addresses are limited: the /64 of an IPv6 address, since a client has a whole one.
    pub(crate) fn network(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        }
    }
}

fn text(value: &service::http::HeaderValue) -> String {
    value.to_str().map_or_else(|_| String::from_utf8_lossy(value.as_bytes()).into_owned(), str::to_owned)
}

/// The address before the first proxy that is not trusted, read from the near end. What stands further left is the client's own
/// claim, and so is whatever is not an address.
fn client_address(peer: SocketAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let mut address = peer.ip().to_canonical();
    let is_trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(&address));
    if proxies.is_empty() || !is_trusted(address) {
        return address;
    }
    if !headers.contains_key(FORWARDED_FOR) {
        return headers.get_all(REAL_IP).iter().next_back().and_then(|value| forwarded(value.as_bytes())).unwrap_or(address);
    }
    // A line that a client broke on purpose is still read: the proxy's own words may stand at its end.
    let hops = headers.get_all(FORWARDED_FOR).iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    for hop in hops.filter(|hop| !hop.trim_ascii().is_empty()) {
        let Some(named) = forwarded(hop) else { break };
        address = named;
        if !is_trusted(address) {
            break;
        }
    }
    address
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`.
fn forwarded(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse::<IpAddr>().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(address.to_canonical())
}

/// The first language, without its weight.
fn locale(languages: &str) -> &str {
    let first = languages.split([',', ';']).next().unwrap_or_default().trim();
    let is_tag = first.len() <= LOCALE && first.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if is_tag { first } else { "" }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use service::http::HeaderValue;

    fn address(peer: &str, headers: &[(&'static str, &str)], proxies: &[&str]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
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
    fn nothing_that_a_client_breaks_makes_its_other_claims_count() {
        let proxies = ["10.0.0.0/8", "2001:db8:ffff::/48"];
        let claim = ("x-real-ip", "1.1.1.1");
        let for_ = |line: &'static str| address("10.0.0.1:80", &[claim, ("x-forwarded-for", line)], &proxies);
        assert_eq!(for_("\u{e9}\u{4e2d}, 203.0.113.9"), "203.0.113.9", "bytes that are no ASCII");
        assert_eq!(for_("中文"), "10.0.0.1", "and nothing but them");
        assert_eq!(for_(""), "10.0.0.1");
        assert_eq!(for_("203.0.113.9, , 10.0.0.7,"), "203.0.113.9", "empty elements are none");
        assert_eq!(for_("::ffff:203.0.113.9"), "203.0.113.9");
        assert_eq!(for_("[::ffff:203.0.113.9]:1, [2001:db8:ffff::1]:2, ::ffff:10.0.0.7"), "203.0.113.9");
        assert_eq!(for_("1.1.1.1, 203.0.113.9:99999"), "10.0.0.1", "no port");
        assert_eq!(for_("1.1.1.1, fe80::1%eth0"), "10.0.0.1", "no address");
        assert_eq!(for_("1.1.1.1, 010.0.0.7"), "10.0.0.1", "no octal numbers");
        assert_eq!(for_("1.1.1.1 203.0.113.9"), "10.0.0.1");
        assert_eq!(address("10.0.0.1:80", &[("forwarded", "for=1.1.1.1")], &proxies), "10.0.0.1");
        assert_eq!(address("10.0.0.1:80", &[claim, ("x-real-ip", "203.0.113.9")], &proxies), "203.0.113.9", "the proxy's is the last");
        assert_eq!(address("10.0.0.1:80", &[("x-forwarded-for", "\"1.1.1.1\"")], &proxies), "10.0.0.1");
    }

    proptest! {
        #[test]
        fn only_what_a_trusted_proxy_heard_is_believed(junk in prop::collection::vec("[0-9a-f.:,\\[\\] \\-é中]{0,30}", 0..4)) {
            let mut map = HeaderMap::new();
            for line in &junk {
                map.append(FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
                map.append(REAL_IP, HeaderValue::from_bytes(line.as_bytes()).unwrap());
            }
            let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
            let stranger = "198.51.100.1:80".parse().unwrap();
            prop_assert_eq!(client_address(stranger, &map, &proxies).to_string(), "198.51.100.1");
            map.append(FORWARDED_FOR, HeaderValue::from_static("203.0.113.9, 10.2.2.2"));
            let proxy = "10.1.1.1:80".parse().unwrap();
            prop_assert_eq!(client_address(proxy, &map, &proxies).to_string(), "203.0.113.9");
        }
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
