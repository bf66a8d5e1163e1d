//! Rate limits for mails and text messages.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::quota::OnSuccess::Keep;
use super::{Cap, CounterNames, DAY, HOUR, Limit, Network, Place, Quota};
use crate::model::UserId;

/// Rate limits for requested messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SendLimits {
    /// Messages to one mailbox, per kind of mail, or to one phone number, per kind of code.
    /// Requests from networks from which the owner signed in recently are counted separately
    /// ([`Place`]), so that strangers do not use up the messages that the owner needs. All
    /// sub-addresses of a mailbox, such as `ann+shop@site.test`, are counted together, but
    /// separately from `ann@site.test`. Beyond these limits, one mail with a link is sent per
    /// lifetime of the link.
    pub to: Vec<Cap>,
    /// Text messages per account and kind of code. Mails are counted by their address only.
    pub user: Vec<Cap>,
    /// Requests per network: an IPv4 address or an IPv6 /64. A /56 has twice the caps, a /48 four
    /// times the caps.
    pub network: Vec<Cap>,
    /// Text messages to all phone numbers together, separately for each kind of code: of second
    /// factors, to sign in, and of signed-in users. It does not apply to mails.
    pub in_all: Vec<Cap>,
}

impl SendLimits {
    /// Returns no limits.
    pub const fn none() -> Self {
        Self { to: Vec::new(), user: Vec::new(), network: Vec::new(), in_all: Vec::new() }
    }

    /// Returns the default limits for mails:
    ///
    /// - per kind and address: 10 per hour and 20 per day
    /// - per network: 100 per hour
    pub fn mails() -> Self {
        Self {
            to: vec![Cap::new(10, HOUR), Cap::new(20, DAY)],
            user: Vec::new(),
            network: vec![Cap::new(100, HOUR)],
            in_all: Vec::new(),
        }
    }

    /// Returns the default limits for text messages. They are low because text messages cost money:
    ///
    /// - per kind and phone number, and per kind and account: 10 per hour and 20 per day
    /// - per network: 30 per hour
    /// - per kind, for all phone numbers together: 500 per hour
    ///
    /// Raise the limits if the application sends more.
    pub fn texts() -> Self {
        let few = vec![Cap::new(10, HOUR), Cap::new(20, DAY)];
        Self {
            to: few.clone(),
            user: few,
            network: vec![Cap::new(30, HOUR)],
            in_all: vec![Cap::new(500, HOUR)],
        }
    }

    /// Returns the quota of a mail to an address. Count it for addresses without an account as
    /// well. `kind` is a fixed word: kinds are counted separately, so that a flood of one kind does
    /// not block the others.
    pub fn to(&self, names: &CounterNames, kind: &'static str, to: &str, place: Place) -> Quota {
        let (of, mailbox) = counted_as(to);
        let whom = [&[kind, of, &mailbox], place.words()].concat();
        Quota::default().with(names, Limit::MailTo, &self.to, &whom, Keep)
    }

    /// Returns the quota of a mail that is sent although the limit of its address is reached: one
    /// per `lifetime` of the mailed link. So somebody who requests mails to an address does not
    /// leave its owner without a valid link. It is empty if mails to an address are not limited.
    ///
    /// Sub-addresses are counted apart here: otherwise requests for one without an account, which
    /// cause no mail, would use up the link of another.
    pub fn reserve(
        &self,
        names: &CounterNames,
        kind: &'static str,
        to: &str,
        lifetime: Duration,
    ) -> Quota {
        let cap = (!self.to.is_empty()).then(|| Cap::new(1, lifetime));
        Quota::default().with(names, Limit::MailTo, cap.as_slice(), &[kind, "reserve", to], Keep)
    }

    /// Returns the quota of a message for the network that requests it, if that is known.
    pub fn of_network(
        &self,
        names: &CounterNames,
        limit: Limit,
        network: Option<&Network>,
    ) -> Quota {
        let Some(network) = network else {
            return Quota::default();
        };
        Quota::default().with_network(names, limit, &self.network, (&[], network), Keep)
    }

    /// Returns the quota of a text message to a number. `kind` is a fixed word: kinds are counted
    /// separately.
    pub fn text(
        &self,
        names: &CounterNames,
        kind: &'static str,
        to: &str,
        (user, place): (&UserId, Place),
    ) -> Quota {
        let to = [&[kind, to], place.words()].concat();
        let user = [&[kind, user.as_str()], place.words()].concat();
        Quota::default()
            .with(names, Limit::TextTo, &self.to, &to, Keep)
            .with(names, Limit::TextUser, &self.user, &user, Keep)
            .with(names, Limit::TextAll, &self.in_all, &[kind], Keep)
    }
}

/// Returns the mailbox of an address, and as what the address is counted.
///
/// Sub-addresses are counted together, and separately from the mailbox: whoever requests mails to
/// them does not use up the limit of the mailbox itself.
fn counted_as(address: &str) -> (&'static str, String) {
    let mailbox = mailbox(address);
    let of = if mailbox == address { "address" } else { "sub-addresses" };
    (of, mailbox)
}

/// Returns an address without its sub-address (RFC 5233). If a mail server does not support
/// sub-addresses, users whose names differ only after a plus sign share a count; anyone who
/// exhausts it could exhaust a single one.
fn mailbox(address: &str) -> String {
    let parts = address.rsplit_once('@').and_then(|(local, domain)| {
        let (mailbox, _) = local.split_once('+').filter(|(mailbox, _)| !mailbox.is_empty())?;
        Some(format!("{mailbox}@{domain}"))
    });
    parts.unwrap_or_else(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::port::Change;
    use crate::secret::Secret;

    fn caps(quota: &Quota) -> Vec<(u32, u64)> {
        let count = |change| match change {
            Change::Count { cap, window, .. } => (cap, window.as_secs()),
            other => panic!("{other:?}"),
        };
        quota.counts(Timestamp::EPOCH).into_iter().map(count).collect()
    }

    #[test]
    fn sub_addresses_of_a_mailbox_are_counted_together_and_apart_from_it() {
        let names = CounterNames::new(Secret::from("key"));
        let counters = |to: &str| -> Vec<_> {
            let counted =
                SendLimits::mails().to(&names, "reset", to, Place::Other).counts(Timestamp::EPOCH);
            counted.into_iter().map(|change| format!("{change:?}")).collect()
        };
        for to in ["ann+1@site.test", "ann+shop+2@site.test", "ann+@site.test"] {
            assert_eq!(counters(to), counters("ann+@site.test"));
        }
        let others =
            ["ann+@site.test", "+ann@site.test", "ann@site+1.test", "bob+ann@site.test", "ann"];
        for to in others {
            assert_ne!(counters(to), counters("ann@site.test"));
        }
    }

    #[test]
    fn messages_are_counted_whatever_comes_of_them() {
        let names = CounterNames::new(Secret::from("key"));
        let network = Network::of("203.0.113.7");
        let (limit, mails) = (Limit::MailNetwork, SendLimits::mails());
        let mail = mails.to(&names, "reset", "ann@site.test", Place::Other);
        let mail = mail.and(mails.of_network(&names, limit, Some(&network)));
        assert_eq!(caps(&mail), [(20, 86_400), (10, 3_600), (100, 3_600)]);
        let text = SendLimits::texts().text(
            &names,
            "code",
            "+41441234567",
            (&UserId::new("1"), Place::Other),
        );
        let all = [(20, 86_400), (20, 86_400), (10, 3_600), (10, 3_600), (500, 3_600)];
        assert_eq!(caps(&text), all);
        assert!(mails.of_network(&names, limit, None).is_empty());
        assert!(mail.success().is_empty() && text.success().is_empty());
    }
}
