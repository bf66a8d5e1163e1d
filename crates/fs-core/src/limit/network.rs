//! From where an attempt comes.

use std::net::IpAddr;

/// What one caller usually has in hand: an IPv4 address, or the first 64 bits of an IPv6 address,
/// as whoever has one of those has all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network(String);

impl Network {
    /// The network of an address. What is no address is a network of its own.
    pub fn of(address: &str) -> Self {
        Self(match address.trim().parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            Ok(IpAddr::V6(ip)) => {
                let [a, b, c, d, ..] = ip.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
            Ok(IpAddr::V4(ip)) => ip.to_string(),
            Err(_) => address.trim().to_owned(),
        })
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_ipv4_is_a_network() {
        assert_eq!(Network::of("203.0.113.7"), Network::of("::ffff:203.0.113.7"));
        assert_ne!(Network::of("203.0.113.7"), Network::of("203.0.113.8"));
    }

    #[test]
    fn half_an_address_of_ipv6_is_a_network() {
        assert_eq!(Network::of("2001:db8:1:2::1"), Network::of("2001:DB8:1:2:ffff::9"));
        assert_ne!(Network::of("2001:db8:1:2::1"), Network::of("2001:db8:1:3::1"));
    }

    #[test]
    fn what_is_no_address_is_itself() {
        assert_eq!(Network::of(" unix ").as_str(), "unix");
    }
}
