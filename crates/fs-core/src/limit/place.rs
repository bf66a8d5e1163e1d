//! Place from which an account is used.

use super::Network;
use super::quota::OnSuccess;
use crate::model::SignIns;

/// Address that is compared if there is none.
const NOBODYS: &str = "0.0.0.0";

/// Place from which an account is used: attempts and messages from networks of its owner are
/// counted separately, so that nobody elsewhere uses up the owner's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Network of one of the last two sign-ins.
    Known,
    /// Any other network, or an unknown one.
    Other,
}

impl Place {
    /// Returns the place of a request from `network` for an account with these sign-ins.
    pub fn of(network: Option<&Network>, sign_ins: Option<&SignIns>) -> Self {
        let known = sign_ins.map(|known| [known.current_ip.as_deref(), known.last_ip.as_deref()]);
        // The same work without an account, since its time would reveal whether there is one.
        let matches = known.unwrap_or_default().map(|ip| {
            let known = Network::of(ip.unwrap_or(NOBODYS));
            network.is_some_and(|network| *network == known) && ip.is_some()
        });
        if matches.contains(&true) { Self::Known } else { Self::Other }
    }

    /// Returns the part of a counter's name, which is empty for other networks.
    pub(super) const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Known => &["known network"],
            Self::Other => &[],
        }
    }

    /// Returns the effect of a success. A success elsewhere does not reset the failures of others.
    pub(super) const fn on_success(self) -> OnSuccess {
        match self {
            Self::Known => OnSuccess::Forget,
            Self::Other => OnSuccess::TakeBack,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_networks_of_the_last_two_sign_ins_are_known() {
        let sign_ins = SignIns {
            current_ip: Some("203.0.113.7".to_owned()),
            last_ip: Some("2001:db8:1:2::1".to_owned()),
            ..SignIns::default()
        };
        let place = |ip: &str| Place::of(Some(&Network::of(ip)), Some(&sign_ins));
        assert_eq!(place("203.0.113.7"), Place::Known);
        assert_eq!(place("2001:db8:1:2::99"), Place::Known);
        assert_eq!(place("203.0.113.8"), Place::Other);
        assert_eq!(Place::of(None, Some(&sign_ins)), Place::Other);
        assert_eq!(Place::of(Some(&Network::of("203.0.113.7")), None), Place::Other);
    }
}
