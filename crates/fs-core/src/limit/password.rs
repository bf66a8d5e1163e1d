//! Rate limits for passwords.

use serde::{Deserialize, Serialize};

use super::quota::OnSuccess::{Forget, TakeBack};
use super::{Cap, CounterNames, DAY, Limit, MINUTE, Network, Place, Quota};
use crate::model::UserId;

/// Rate limits for wrong passwords.
///
/// The defaults allow at most 100 failures per account and day, as NIST SP 800-63B-4 (3.2.2)
/// requires, and far fewer per client.
///
/// Only failures accumulate: the count of an attempt is taken back if the password was right.
/// Attempts count while they are being compared, so a program that sends many concurrent requests
/// with HTTP Basic authentication needs a cap above their number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PasswordLimits {
    /// Wrong passwords per account and network: 20 per 15 minutes, 40 per day. A success does not
    /// reset the count: otherwise a stranger on the same network would see that the owner signed in,
    /// and get more guesses.
    ///
    /// The caps apply to an IPv4 address or an IPv6 /64. A /56 has twice the caps, a /48 four times
    /// the caps.
    pub here: Vec<Cap>,
    /// Passwords per account from all networks: 100 per day. Once this limit is reached, the right
    /// password is still accepted from a network from which the owner signed in recently.
    pub everywhere: Vec<Cap>,
    /// Wrong passwords per network, for all accounts: 100 per 15 minutes. Once this limit is
    /// reached, the right password is accepted only if one of the account's last two sign-ins came
    /// from that network. Every other caller is told to wait. Passwords are compared for up to ten
    /// times as many further attempts; after that, none is compared.
    pub network: Vec<Cap>,
    /// Passwords of signed-in users who verify their identity again or change the password, per
    /// account and [`Place`]: 10 per 15 minutes, 30 per day. A success on a network from which the
    /// owner signed in recently resets the count of that place.
    pub signed_in: Vec<Cap>,
    /// New passwords to check, per account: 30 per 15 minutes, 100 per day. Those of signed-in
    /// users and those of holders of a link are counted separately. An accepted password resets the
    /// count.
    pub new: Vec<Cap>,
}

impl Default for PasswordLimits {
    fn default() -> Self {
        Self {
            here: vec![Cap::new(20, 15 * MINUTE), Cap::new(40, DAY)],
            everywhere: vec![Cap::new(100, DAY)],
            network: vec![Cap::new(100, 15 * MINUTE)],
            signed_in: vec![Cap::new(10, 15 * MINUTE), Cap::new(30, DAY)],
            new: vec![Cap::new(30, 15 * MINUTE), Cap::new(100, DAY)],
        }
    }
}

/// Factor by which more attempts are compared after a network reached its limit.
const BEYOND: u32 = 10;

/// Unauthenticated caller with a claimed identity.
#[derive(Clone, Copy, Debug)]
pub struct Stranger<'a> {
    /// Claimed identity, in one form for all spellings.
    pub identity: &'a str,
    /// Network of the caller, if known.
    pub network: Option<&'a Network>,
}

/// Kind of user who chooses a new password. Both are counted separately: an intruder with access to
/// a session does not use up the attempts of the owner, who has a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordChooser {
    /// A signed-in user.
    SignedIn,
    /// The holder of a link of a mail.
    LinkHolder,
}

impl PasswordLimits {
    /// Returns no limits.
    pub const fn none() -> Self {
        Self {
            here: Vec::new(),
            everywhere: Vec::new(),
            network: Vec::new(),
            signed_in: Vec::new(),
            new: Vec::new(),
        }
    }

    /// Returns the quota of an attempt to sign in.
    pub fn stranger(&self, names: &CounterNames, who: &Stranger<'_>) -> Quota {
        let mut quota = Quota::default();
        if let Some(network) = who.network {
            quota = quota.and(self.here(names, who.identity, network));
            let (caps, limit) = (&self.network, Limit::PasswordNetwork);
            let of_network =
                Quota::default().with_network(names, limit, caps, (&[], network), TakeBack);
            quota = quota.and(of_network.sparing_owner());
        }
        quota.and(self.everywhere(names, who.identity))
    }

    /// Returns the quota of an account's passwords from one network.
    pub fn here(&self, names: &CounterNames, identity: &str, network: &Network) -> Quota {
        let here = (&[identity][..], network);
        Quota::default().with_network(names, Limit::PasswordHere, &self.here, here, TakeBack)
    }

    /// Returns the quota of an attempt after a limit was reached that spares owners.
    pub fn beyond(&self, names: &CounterNames, network: &Network) -> Quota {
        let more = |cap: &Cap| Cap { most: cap.most.saturating_mul(BEYOND), ..*cap };
        let caps: Vec<_> = self.network.iter().map(more).collect();
        let (limit, whom) = (Limit::PasswordBeyond, (&[][..], network));
        Quota::default().with_network(names, limit, &caps, whom, TakeBack)
    }

    /// Returns the quota of an account from all networks.
    pub fn everywhere(&self, names: &CounterNames, identity: &str) -> Quota {
        let caps = &self.everywhere;
        Quota::default().with(names, Limit::Password, caps, &[identity], TakeBack).sparing_owner()
    }

    /// Returns the quota of a new password. Count it before the password is checked.
    pub fn new_password(
        &self,
        names: &CounterNames,
        user: &UserId,
        chosen_by: PasswordChooser,
    ) -> Quota {
        let whom = match chosen_by {
            PasswordChooser::SignedIn => &[user.as_str()][..],
            PasswordChooser::LinkHolder => &[user.as_str(), "link"],
        };
        Quota::default().with(names, Limit::PasswordNew, &self.new, whom, Forget)
    }

    /// Returns the quota of an attempt by a signed-in user.
    pub fn signed_in(&self, names: &CounterNames, user: &UserId, place: Place) -> Quota {
        let whom = [&[user.as_str()], place.words()].concat();
        let limit = Limit::PasswordSignedIn;
        Quota::default().with(names, limit, &self.signed_in, &whom, place.on_success())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::port::{Change, Counter};
    use crate::secret::Secret;

    fn names() -> CounterNames {
        CounterNames::new(Secret::from("key"))
    }

    fn quota(identity: &str, ip: Option<&str>) -> Quota {
        let network = ip.map(Network::of);
        let who = Stranger { identity, network: network.as_ref() };
        PasswordLimits::default().stranger(&names(), &who)
    }

    fn counted(quota: &Quota) -> Vec<(Counter, u32, u64)> {
        let count = |change| match change {
            Change::Count { counter, cap, window, .. } => (counter, cap, window.as_secs()),
            other => panic!("{other:?}"),
        };
        quota.counts(Timestamp::EPOCH).into_iter().map(count).collect()
    }

    fn caps(quota: &Quota) -> Vec<(u32, u64)> {
        counted(quota).into_iter().map(|(_, most, within)| (most, within)).collect()
    }

    #[test]
    fn one_caller_may_try_less_than_all_together() {
        let all = [(40, 86_400), (100, 86_400), (20, 900), (100, 900)];
        assert_eq!(caps(&quota("ann", Some("203.0.113.7"))), all);
    }

    #[test]
    fn strangers_do_not_shut_out_who_is_at_home() {
        let quota = quota("ann", Some("203.0.113.7"));
        assert_eq!(caps(&quota.of_everybody()), [(40, 86_400), (20, 900)]);
        let spares: Vec<_> = counted(&quota)
            .into_iter()
            .map(|(counter, ..)| quota.reached(&counter).unwrap().spares_owner)
            .collect();
        assert_eq!(spares, [false, true, false, true]);
    }

    #[test]
    fn ipv6_networks_of_one_customer_are_counted_together() {
        let one = quota("ann", Some("2001:db8:1:1::1"));
        let day = [40, 80, 160, 100].map(|most| (most, 86_400));
        let here = [20, 40, 80].map(|most| (most, 900));
        let network = [100, 200, 400].map(|most| (most, 900));
        assert_eq!(caps(&one), [&day[..], &here[..], &network[..]].concat());
        // Another network of the same 56 bits, and one of the same 48.
        let shared = |ip| {
            let (one, other) = (counted(&one), counted(&quota("ann", Some(ip))));
            one.iter().filter(|line| other.contains(line)).count()
        };
        let (in_56, in_48) = (shared("2001:db8:1:2::1"), shared("2001:db8:1:100::1"));
        assert_eq!((in_56, in_48, shared("2001:db8:2::1")), (7, 4, 1));
        assert_eq!(one.success().len(), 10);
    }

    #[test]
    fn without_an_address_the_account_is_limited_alone() {
        assert_eq!(caps(&quota("ann", None)), [(100, 86_400)]);
    }

    #[test]
    fn a_success_takes_back_its_own_attempt_alone() {
        let quota = quota("ann", Some("203.0.113.7"));
        let takes_back = |change: &Change| matches!(change, Change::Uncount(_));
        assert_eq!(quota.success().len(), 4);
        assert!(quota.success().iter().all(takes_back));
    }

    #[test]
    fn accounts_and_networks_are_counted_apart() {
        let name = |identity, ip| counted(&quota(identity, Some(ip))).remove(0).0;
        assert_ne!(name("ann", "203.0.113.7"), name("bob", "203.0.113.7"));
        assert_ne!(name("ann", "203.0.113.7"), name("ann", "203.0.113.8"));
    }

    #[test]
    fn what_is_full_is_named_with_how_long_it_lasts() {
        let quota = quota("ann", Some("203.0.113.7"));
        let told: Vec<_> = counted(&quota)
            .into_iter()
            .map(|(counter, ..)| quota.reached(&counter).unwrap())
            .map(|reached| (reached.limit, reached.wait.as_secs()))
            .collect();
        let (here, network) = (Limit::PasswordHere, Limit::PasswordNetwork);
        // The longest window comes first, because of several reached limits the first one is named.
        let all = [(here, 86_400), (Limit::Password, 86_400), (here, 900), (network, 900)];
        assert_eq!(told, all);
        assert_eq!(quota.reached(&Counter::new("password", "ann")), None);
    }
}
