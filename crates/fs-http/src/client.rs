//! The address that a request comes from, behind proxies.

use std::net::{IpAddr, Ipv4Addr};

use http::HeaderMap;
use ipnet::IpNet;

/// Header in which each proxy appends the address of the peer that it saw. The header
/// `Forwarded` (RFC 7239) is not read.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address that stands for clients whose address is not known: the unspecified one, which no
/// client has. They share its rate limits.
pub(crate) const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Origin of a request, as far as it is known.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Client {
    /// The address of the client: the last one on the way here that is no trusted proxy's. `None`
    /// without a peer.
    pub(crate) ip: Option<IpAddr>,
    /// Whether an entry that a trusted proxy wrote could not be read.
    pub(crate) unreadable: bool,
}

impl Client {
    /// Follows the proxies back from `peer`, as far as they are trusted.
    ///
    /// Headers of a peer that is not trusted are ignored, so a client cannot claim another address.
    /// Entries are judged one by one from the right: the client wrote the entries to the left of
    /// its own.
    pub(crate) fn of(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let Some(peer) = peer else {
            return Self { ip: None, unreadable: false };
        };
        let mut nearest = peer.to_canonical();
        let lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
        let entries = lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|&b| b == b','));
        for entry in entries.filter(|entry| !entry.trim_ascii().is_empty()) {
            if !is_trusted(nearest, trusted) {
                break;
            }
            // It cannot be followed further: the one that wrote it is the last known.
            let Some(ip) = address_in(entry) else {
                return Self { ip: Some(nearest), unreadable: true };
            };
            nearest = ip;
        }
        Self { ip: Some(nearest), unreadable: false }
    }
}

/// Checks whether an address belongs to a trusted proxy. Networks of IPv4 may be written as IPv6.
fn is_trusted(ip: IpAddr, trusted: &[IpNet]) -> bool {
    let mapped = match ip {
        IpAddr::V4(ip) => Some(IpAddr::V6(ip.to_ipv6_mapped())),
        IpAddr::V6(_) => None,
    };
    let within = |network: &IpNet| {
        network.contains(&ip) || mapped.is_some_and(|mapped| network.contains(&mapped))
    };
    trusted.iter().any(within)
}

/// Returns the address of an entry: alone, with a port, in brackets, in quotes.
fn address_in(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        // Several colons are an address of IPv6.
        None => match text.find(':').filter(|at| Some(*at) == text.rfind(':')) {
            Some(at) => text.split_at(at),
            None => (text, ""),
        },
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok();
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
        return None;
    }
    // The zone of an address of one link says nothing on another machine.
    let host = host.split_once('%').map_or(host, |(host, _)| host);
    host.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn client(peer: &str, lines: &[&[u8]]) -> Client {
        let trusted = ["10.0.0.0/8", "fd00::1/128", "::ffff:172.16.0.0/108"];
        let trusted = trusted.map(|network| network.parse().unwrap());
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line).unwrap());
        }
        Client::of(peer.parse().ok(), &headers, &trusted)
    }

    fn from(peer: &str, lines: &[&str]) -> String {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        client(peer, &lines).ip.unwrap().to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(from("192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
        assert_eq!(from("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(from("::ffff:10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(from("172.16.0.1", &["203.0.113.9"]), "203.0.113.9");
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
    fn entries_that_are_no_address_end_the_search() {
        assert_eq!(from("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(from("10.0.0.1", &["203.0.113.9, unknown"]), "10.0.0.1");
        assert_eq!(from("10.0.0.1", &["203.0.113.9, unknown, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(from("10.0.0.1", &["10.0.0.3"]), "10.0.0.3");
        assert!(client("10.0.0.1", &[b"203.0.113.9, unknown"]).unreadable);
        assert!(!client("192.0.2.1", &[b"unknown"]).unreadable, "nobody trusted wrote it");
    }

    #[test]
    fn ports_and_brackets_are_cut() {
        for (entry, ip) in [
            ("5.5.5.5:4000", "5.5.5.5"),
            ("[2001:db8::7]:443", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("\"[2001:db8::7]:443\"", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("[::ffff:5.5.5.5]:80", "5.5.5.5"),
            ("fe80::1%eth0", "fe80::1"),
            (" 5.5.5.5 , ,", "5.5.5.5"),
        ] {
            assert_eq!(from("10.0.0.1", &[entry]), ip, "{entry}");
        }
        for entry in ["5.5.5.5:", "5.5.5.5:x", "5.5.5.5:99999", "[::1", "[::1]x", "[]:1", ":1"] {
            let found = client("10.0.0.1", &[entry.as_bytes()]);
            assert_eq!(found, client("10.0.0.1", &[b"unknown"]), "{entry}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_harm_their_own_entry_alone() {
        let found = client("10.0.0.1", &[b"\xff\xfe, 5.5.5.5"]);
        assert_eq!(found, Client { ip: Some([5, 5, 5, 5].into()), unreadable: false });
        let found = client("10.0.0.1", &[b"5.5.5.5, \xff"]);
        assert_eq!(found, Client { ip: Some([10, 0, 0, 1].into()), unreadable: true });
    }

    proptest! {
        /// The last entry is the proxy's: whatever the client writes in front changes nothing.
        #[test]
        fn no_client_chooses_its_address(written in any::<Vec<u8>>()) {
            let control = |byte: &u8| byte.is_ascii_control();
            let written = written.into_iter().filter(|byte| !control(byte));
            let line: Vec<_> = written.chain(*b", 203.0.113.9").collect();
            let found = client("10.0.0.1", &[&line]);
            prop_assert_eq!(found, Client { ip: Some([203, 0, 113, 9].into()), unreadable: false });
        }
    }
}
