//! The address that a request comes from, behind proxies.

use std::net::IpAddr;

use http::HeaderMap;
use ipnet::IpNet;

/// Where proxies write whom they speak for: each adds, at the end, the peer that it saw.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address of the client: the last one on the way here that is no trusted proxy's.
///
/// What a peer that is not trusted says about others is not looked at, so nobody can take another's
/// address.
pub(crate) fn client_ip(
    peer: Option<IpAddr>,
    headers: &HeaderMap,
    trusted: &[IpNet],
) -> Option<IpAddr> {
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|network| network.contains(ip));
    let mut nearest = peer?.to_canonical();
    if !is_trusted(&nearest) {
        return Some(nearest);
    }
    let named: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
    let named = named.iter().rev().flat_map(|line| {
        line.to_str().unwrap_or("?").rsplit(',').map(|name| name.trim().parse::<IpAddr>())
    });
    for name in named {
        // What is no address cannot be followed further: the one who wrote it is the last known.
        let Ok(ip) = name else { break };
        nearest = ip.to_canonical();
        if !is_trusted(&nearest) {
            break;
        }
    }
    Some(nearest)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn from(peer: &str, lines: &[&str]) -> String {
        let trusted = ["10.0.0.0/8", "fd00::1/128"].map(|network| network.parse().unwrap());
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(line).unwrap());
        }
        client_ip(peer.parse().ok(), &headers, &trusted).unwrap().to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(from("192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
        assert_eq!(from("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(from("::ffff:10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(from("fd00::1", &["2001:db8::7"]), "2001:db8::7");
        assert_eq!(from("fd00::2", &["2001:db8::7"]), "fd00::2");
    }

    #[test]
    fn what_the_client_wrote_itself_is_not_believed() {
        assert_eq!(from("10.0.0.1", &["6.6.6.6, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(from("10.0.0.1", &["6.6.6.6, 203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(from("10.0.0.1", &["6.6.6.6", "203.0.113.9", "10.0.0.2"]), "203.0.113.9");
    }

    #[test]
    fn names_that_are_no_address_end_the_search() {
        assert_eq!(from("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(from("10.0.0.1", &["203.0.113.9, unknown"]), "10.0.0.1");
        assert_eq!(from("10.0.0.1", &["203.0.113.9, unknown, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(from("10.0.0.1", &["10.0.0.3"]), "10.0.0.3");
    }
}
