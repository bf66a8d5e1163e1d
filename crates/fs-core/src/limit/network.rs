//! Network from which an attempt comes.

use std::net::{IpAddr, Ipv6Addr};

/// Network that one client usually controls: an IPv4 address, or the /64 prefix of an IPv6 address.
///
/// Many customers and every rented server control a larger IPv6 prefix, /56 or /48, with 256 or
/// 65,536 such networks. So an IPv6 address is counted at all three [lengths](Self::widths).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network(Vec<String>);

/// Network, or a wider one that contains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width<'a> {
    /// Name of the network.
    pub name: &'a str,
    /// Factor by which its caps are larger than those of the narrowest network.
    pub times: u32,
}

/// Lengths of IPv6 prefixes, narrowest first. Each has twice the caps of the previous one.
const LENGTHS: [u32; 3] = [64, 56, 48];

impl Network {
    /// Returns the network of an address. A text that is not an address is a network of its own.
    pub fn of(address: &str) -> Self {
        Self(match address.trim().parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            Ok(IpAddr::V6(ip)) => LENGTHS.map(|length| prefix(ip, length)).to_vec(),
            Ok(IpAddr::V4(ip)) => vec![ip.to_string()],
            Err(_) => vec![address.trim().to_owned()],
        })
    }

    /// Returns the name of the narrowest network.
    pub fn as_str(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// Returns the network and the wider ones that are counted as well, narrowest first.
    pub fn widths(&self) -> Vec<Width<'_>> {
        self.0.iter().zip([1, 2, 4]).map(|(name, times)| Width { name, times }).collect()
    }
}

fn prefix(ip: Ipv6Addr, length: u32) -> String {
    let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
    format!("{}/{length}", Ipv6Addr::from_bits(ip.to_bits() & mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_ipv4_is_a_network() {
        assert_eq!(Network::of("203.0.113.7"), Network::of("::ffff:203.0.113.7"));
        assert_ne!(Network::of("203.0.113.7"), Network::of("203.0.113.8"));
        assert_eq!(Network::of("203.0.113.7").widths().len(), 1);
    }

    #[test]
    fn half_an_address_of_ipv6_is_a_network() {
        assert_eq!(Network::of("2001:db8:1:2::1"), Network::of("2001:DB8:1:2:ffff::9"));
        assert_ne!(Network::of("2001:db8:1:2::1"), Network::of("2001:db8:1:3::1"));
    }

    #[test]
    fn ipv6_is_counted_at_three_lengths_with_growing_caps() {
        let network = Network::of("2001:db8:1:2ff::1");
        let widths: Vec<_> =
            network.widths().iter().map(|width| (width.name, width.times)).collect();
        let all = [("2001:db8:1:2ff::/64", 1), ("2001:db8:1:200::/56", 2), ("2001:db8:1::/48", 4)];
        assert_eq!(widths, all);
    }

    #[test]
    fn what_is_no_address_is_itself() {
        assert_eq!(Network::of(" unix ").as_str(), "unix");
    }
}
