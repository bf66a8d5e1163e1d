//! Rate limits for one-time codes.
//!
//! A code of six digits can be guessed in a million attempts, so few attempts are allowed. Codes of
//! all kinds count together (of an app, a mail, a text message, or recovery codes), even if the
//! sign-in starts anew.

use serde::{Deserialize, Serialize};

use super::quota::OnSuccess::{Forget, Keep, TakeBack};
use super::{Cap, CounterNames, DAY, HOUR, Limit, Network, Place, Quota, Stranger};
use crate::model::UserId;

/// Rate limits for wrong codes.
///
/// With the default window of three steps, the defaults leave an attacker who guesses a second
/// factor one chance in 6,600 a day and one in 3,300 a month. After 100 failures (NIST SP
/// 800-63B-4, 3.2.2) no code is accepted for a month, or until the password is reset. Only one
/// reset a day also resets the caps of an hour and of a day for the second factor and for signed-in
/// users: the owner can go on, and somebody with access to the mailbox cannot guess without limit.
///
/// Codes for the second factor and of signed-in users are counted separately for networks from
/// which the owner signed in recently ([`Place`]). So an attacker elsewhere does not lock the owner
/// out. A right code from such a network resets its count; one from elsewhere takes back its own
/// attempt alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CodeLimits {
    /// Codes that sign in, per account and network: 10 per hour, 20 per day, 100 per month.
    pub here: Vec<Cap>,
    /// Codes that sign in, per account from all networks: 50 per day, 100 per month. Once this
    /// limit is reached, a right code is still accepted from a network from which the owner signed
    /// in recently.
    pub everywhere: Vec<Cap>,
    /// Codes that sign in, per network for all accounts: 100 per hour. Once this limit is reached,
    /// a right code is still accepted from owners who recently signed in from that network.
    pub network: Vec<Cap>,
    /// Attempts at a code for one pending sign-in: 10 per day.
    pub sign_in: Vec<Cap>,
    /// Codes for the second factor, per account and [`Place`]: 20 per hour, 50 per day, 100 per
    /// month.
    pub second_factor: Vec<Cap>,
    /// Codes of signed-in users, per account and [`Place`]: 20 per hour, 50 per day, 100 per month.
    pub signed_in: Vec<Cap>,
}

const MONTH: std::time::Duration = std::time::Duration::from_secs(30 * 86_400);

impl Default for CodeLimits {
    fn default() -> Self {
        let in_all = Cap::new(100, MONTH);
        let known = vec![Cap::new(20, HOUR), Cap::new(50, DAY), in_all];
        Self {
            here: vec![Cap::new(10, HOUR), Cap::new(20, DAY), in_all],
            everywhere: vec![Cap::new(50, DAY), in_all],
            network: vec![Cap::new(100, HOUR)],
            sign_in: vec![Cap::new(10, DAY)],
            second_factor: known.clone(),
            signed_in: known,
        }
    }
}

/// Purpose of a code of a user who is already partly or fully authenticated.
///
/// They are counted separately, and separately from unauthenticated attempts. Otherwise anyone who
/// knows an address could lock its owner out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeUse {
    /// Second factor of a pending sign-in.
    SecondFactor,
    /// A signed-in user who verifies their identity again or sets up a method.
    SignedIn,
}

impl CodeLimits {
    /// Returns the quota of an attempt to sign in with a code.
    pub fn stranger(&self, names: &CounterNames, who: &Stranger<'_>) -> Quota {
        let mut quota = Quota::default();
        if let Some(network) = who.network {
            quota = quota.and(self.here(names, who.identity, network));
            let (caps, limit) = (&self.network, Limit::CodeNetwork);
            let of_network =
                Quota::default().with_network(names, limit, caps, (&[], network), TakeBack);
            quota = quota.and(of_network.sparing_owner());
        }
        quota.and(self.everywhere(names, who.identity))
    }

    /// Returns the quota of an account's codes from one network.
    pub fn here(&self, names: &CounterNames, identity: &str, network: &Network) -> Quota {
        let here = (&[identity][..], network);
        Quota::default().with_network(names, Limit::CodeHere, &self.here, here, TakeBack)
    }

    /// Returns the quota of an account's codes from all networks.
    pub fn everywhere(&self, names: &CounterNames, identity: &str) -> Quota {
        let quota =
            Quota::default().with(names, Limit::CodeFirst, &self.everywhere, &[identity], TakeBack);
        quota.sparing_owner()
    }

    /// Returns the quota of an attempt by a user who is already partly or fully authenticated.
    /// `sign_in` is the id of the pending sign-in, if there is one.
    pub fn known(
        &self,
        names: &CounterNames,
        used_as: CodeUse,
        (user, place): (&UserId, Place),
        sign_in: Option<&str>,
    ) -> Quota {
        let (limit, caps) = match used_as {
            CodeUse::SecondFactor => (Limit::CodeSecond, &self.second_factor),
            CodeUse::SignedIn => (Limit::CodeSignedIn, &self.signed_in),
        };
        let quota = Quota::default();
        let quota = match sign_in {
            Some(id) => quota.with(names, Limit::CodeSignIn, &self.sign_in, &[id], Forget),
            None => quota,
        };
        let whom = [&[user.as_str()], place.words()].concat();
        quota.with(names, limit, caps, &whom, place.on_success())
    }

    /// Returns the quota of resetting the attempts of [`known`](Self::known): once a day.
    pub fn renewal(&self, names: &CounterNames, user: &UserId) -> Quota {
        Quota::default().with(
            names,
            Limit::CodeRenewal,
            &[Cap::new(1, DAY)],
            &[user.as_str()],
            Keep,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::port::{Change, Counter};
    use crate::secret::Secret;

    const USES: [CodeUse; 2] = [CodeUse::SecondFactor, CodeUse::SignedIn];

    fn quota(used_as: CodeUse, user: &str, sign_in: Option<&str>) -> Quota {
        let names = CounterNames::new(Secret::from("key"));
        CodeLimits::default().known(&names, used_as, (&UserId::new(user), Place::Known), sign_in)
    }

    fn counted(quota: &Quota) -> Vec<(Counter, u32, u64)> {
        let count = |change| match change {
            Change::Count { counter, cap, window, .. } => (counter, cap, window.as_secs()),
            other => panic!("{other:?}"),
        };
        quota.counts(Timestamp::EPOCH).into_iter().map(count).collect()
    }

    #[test]
    fn sign_in_hour_day_and_month_are_counted_apart() {
        let all = counted(&quota(CodeUse::SecondFactor, "17", Some("abc")));
        let caps: Vec<_> = all.iter().map(|(_, most, within)| (*most, *within)).collect();
        assert_eq!(caps, [(100, 2_592_000), (10, 86_400), (50, 86_400), (20, 3_600)]);
        let others = counted(&quota(CodeUse::SecondFactor, "17", None));
        assert_eq!(others, [&all[..1], &all[2..]].concat());
    }

    #[test]
    fn no_two_counters_are_the_same() {
        let mut names: Vec<_> = USES
            .into_iter()
            .flat_map(|used_as| ["17", "18"].map(|user| quota(used_as, user, Some(user))))
            .flat_map(|quota| counted(&quota))
            .map(|(counter, ..)| counter)
            .collect();
        names.sort();
        names.dedup();
        // A sign-in has one counter, whatever the code is used for.
        assert_eq!(names.len(), 2 + 12);
    }

    #[test]
    fn a_success_elsewhere_takes_back_its_own_attempt_alone() {
        let names = CounterNames::new(Secret::from("key"));
        let user = UserId::new("17");
        let known = |place| {
            CodeLimits::default().known(&names, CodeUse::SecondFactor, (&user, place), None)
        };
        let takes_back = |change: &Change| matches!(change, Change::Uncount(_));
        assert!(known(Place::Other).success().iter().all(takes_back));
        let (here, there) = (counted(&known(Place::Known)), counted(&known(Place::Other)));
        assert!(here.iter().zip(&there).all(|(one, other)| one.0 != other.0));
    }

    #[test]
    fn a_success_forgets_what_was_counted() {
        for used_as in USES {
            let quota = quota(used_as, "17", Some("a"));
            let mut forgotten: Vec<_> = quota
                .success()
                .into_iter()
                .map(|change| match change {
                    Change::ResetCount(counter) => counter,
                    other => panic!("{other:?}"),
                })
                .collect();
            let counted = counted(&quota).into_iter().map(|(name, ..)| name);
            let mut counted: Vec<_> = counted.collect();
            forgotten.sort();
            counted.sort();
            assert_eq!(forgotten, counted);
        }
    }
}
