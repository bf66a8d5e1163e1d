//! In whose queue hashing work waits.

use crate::limit::Network;

/// The queue in which a job waits: networks take turns, within a network accounts do.
///
/// A pool that serves lanes in turn keeps one client with a hundred sign-ins from delaying others:
/// each of them waits for a job or two of that client, not for all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HashLane(Vec<String>);

impl HashLane {
    /// The lane of an account for a client in a network.
    ///
    /// `account` is what the client typed, in one spelling, or the id of the user who is signed in.
    /// Whether such an account exists makes no difference.
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

    /// The lane of work that no client asked for, such as that of a script.
    pub fn application() -> Self {
        Self(vec!["application".to_owned()])
    }

    /// The names on the way to the lane: the widest network first, the account last. At each step
    /// those of one name share a turn.
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
    fn whoever_has_many_addresses_of_ipv6_has_one_turn() {
        let wide = ["2001:db8:1::/48", "2001:db8:1:200::/56", "2001:db8:1:2ff::/64", "ann"];
        assert_eq!(steps("2001:db8:1:2ff::9"), wide);
        assert_eq!(steps("203.0.113.7"), ["203.0.113.7", "ann"]);
    }
}
