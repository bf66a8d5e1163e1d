//! Lanes of the queue for hashing jobs.

use crate::limit::Network;

/// Lane of the queue in which a hashing job waits. Networks take turns, and so do the accounts of a
/// network.
///
/// Because a pool serves lanes in turn, a client with a hundred sign-ins does not block others:
/// each of them waits for a job or two of that client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HashLane(Vec<String>);

impl HashLane {
    /// Returns the lane of an account for a client in a network.
    ///
    /// `account` is the normalized identity that the client typed, or the id of the signed-in user.
    /// It makes no difference whether the account exists.
    pub fn of(network: Option<&Network>, account: &str) -> Self {
        let network = network.map(Network::widths).unwrap_or_default();
        let mut steps: Vec<_> =
            network.into_iter().rev().map(|width| width.name.to_owned()).collect();
        if steps.is_empty() {
            steps.push("unknown network".to_owned());
        }
        steps.push(account.to_owned());
        Self(steps)
    }

    /// Returns the lane of work that no client requested, such as that of a script.
    pub fn application() -> Self {
        Self(vec!["application".to_owned()])
    }

    /// Returns the path to the lane: the widest network first, the account last. At each step,
    /// lanes with the same name share a turn.
    pub fn steps(&self) -> &[String] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(ip: &str) -> Vec<String> {
        HashLane::of(Some(&Network::of(ip)), "ann").steps().to_vec()
    }

    #[test]
    fn ipv6_addresses_of_one_customer_share_a_turn() {
        let wide = ["2001:db8:1::/48", "2001:db8:1:200::/56", "2001:db8:1:2ff::/64", "ann"];
        assert_eq!(steps("2001:db8:1:2ff::9"), wide);
        assert_eq!(steps("203.0.113.7"), ["203.0.113.7", "ann"]);
    }
}
