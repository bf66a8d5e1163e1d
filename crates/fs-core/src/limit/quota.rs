//! Counters to which an attempt or a message is charged.

use std::cmp::Reverse;
use std::time::Duration;

use super::{Cap, CounterNames, Network};
use crate::Timestamp;
use crate::port::{Change, Counter};

/// Name of a rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// Password attempts per account and network.
    PasswordHere,
    /// Password attempts per account, from all networks.
    Password,
    /// Password attempts per network, for all accounts.
    PasswordNetwork,
    /// Password attempts per network after a limit was reached that does not apply to owners.
    PasswordBeyond,
    /// Password attempts of signed-in users, per account.
    PasswordSignedIn,
    /// New passwords, per account.
    PasswordNew,
    /// Registrations per network.
    RegistrationNetwork,
    /// Attempts with sign-in codes, per account and network.
    CodeHere,
    /// Attempts with sign-in codes per account, from all networks.
    CodeFirst,
    /// Attempts with sign-in codes per network, for all accounts.
    CodeNetwork,
    /// Attempts with codes for one pending sign-in.
    CodeSignIn,
    /// Attempts with codes of the second factor, per account.
    CodeSecond,
    /// Attempts with codes of signed-in users, per account.
    CodeSignedIn,
    /// Resets of the attempts with codes by a password reset, per account.
    CodeRenewal,
    /// Successful changes of credentials by a signed-in user, per account.
    Changes,
    /// Mails of one kind, per address.
    MailTo,
    /// Requested mails, per network.
    MailNetwork,
    /// Text messages per phone number.
    TextTo,
    /// Text messages per account.
    TextUser,
    /// Requested text messages, per network.
    TextNetwork,
    /// Text messages of one kind, to all phone numbers together.
    TextAll,
}

impl Limit {
    /// Returns the fixed name of the limit, for events, logs and the names of counters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PasswordHere => "password_here",
            Self::Password => "password",
            Self::PasswordNetwork => "password_network",
            Self::PasswordBeyond => "password_beyond",
            Self::PasswordSignedIn => "password_signed_in",
            Self::PasswordNew => "password_new",
            Self::RegistrationNetwork => "registration_network",
            Self::CodeHere => "code_here",
            Self::CodeFirst => "code_first",
            Self::CodeNetwork => "code_network",
            Self::CodeSignIn => "code_sign_in",
            Self::CodeSecond => "code_second",
            Self::CodeSignedIn => "code_signed_in",
            Self::CodeRenewal => "code_renewal",
            Self::Changes => "changes",
            Self::MailTo => "mail_to",
            Self::MailNetwork => "mail_network",
            Self::TextTo => "text_to",
            Self::TextUser => "text_user",
            Self::TextNetwork => "text_network",
            Self::TextAll => "text_all",
        }
    }
}

/// Effect of a success on a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnSuccess {
    /// Resets the count.
    Forget,
    /// Takes back the count of this attempt. Earlier failures remain.
    TakeBack,
    /// No effect: successes count too.
    Keep,
}

#[derive(Clone, Debug)]
struct Line {
    limit: Limit,
    counter: Counter,
    cap: Cap,
    on_success: OnSuccess,
    spares_owner: bool,
}

/// Set of counters that an attempt or a message is charged to. Commit [`counts`](Self::counts)
/// before the attempt, and [`success`](Self::success) in the batch of its success.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Quota(Vec<Line>);

/// Limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Limit that was reached.
    pub limit: Limit,
    /// Maximum time until another attempt is allowed.
    pub wait: Duration,
    /// Whether the owner of the account is still admitted from a network from which they signed in
    /// recently.
    pub spares_owner: bool,
}

impl Quota {
    pub(super) fn with(
        mut self,
        names: &CounterNames,
        limit: Limit,
        caps: &[Cap],
        whom: &[&str],
        on_success: OnSuccess,
    ) -> Self {
        self.0.extend(caps.iter().map(|cap| {
            let counter = names.counter(limit, *cap, whom);
            Line { limit, counter, cap: *cap, on_success, spares_owner: false }
        }));
        self
    }

    /// Adds a limit for a network and the wider ones, each with larger caps.
    pub(super) fn with_network(
        mut self,
        names: &CounterNames,
        limit: Limit,
        caps: &[Cap],
        (whom, network): (&[&str], &Network),
        on_success: OnSuccess,
    ) -> Self {
        for width in network.widths() {
            let wider = |cap: &Cap| Cap { most: cap.most.saturating_mul(width.times), ..*cap };
            let caps: Vec<_> = caps.iter().map(wider).collect();
            self = self.with(names, limit, &caps, &[whom, &[width.name]].concat(), on_success);
        }
        self
    }

    /// Marks the limits as not applying to an owner on a network from which they signed in
    /// recently.
    pub(super) fn sparing_owner(mut self) -> Self {
        self.0.iter_mut().for_each(|line| line.spares_owner = true);
        self
    }

    /// Returns the part that applies to owners as well.
    pub fn of_everybody(&self) -> Self {
        Self(self.0.iter().filter(|line| !line.spares_owner).cloned().collect())
    }

    /// Returns the union of two quotas.
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Returns `true` if there are no limits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the changes that increment all counters. The commit fails if one of them has reached
    /// its cap; then none is incremented. The caps with the longest windows come first, so that the
    /// longest wait is reported.
    pub fn counts(&self, now: Timestamp) -> Vec<Change> {
        let count = |line: &Line| {
            let Cap { most, within } = line.cap;
            Change::Count { counter: line.counter.clone(), now, cap: most, window: within }
        };
        let mut lines: Vec<_> = self.0.iter().collect();
        lines.sort_by_key(|line| Reverse(line.cap.within));
        lines.into_iter().map(count).collect()
    }

    /// Returns the changes that increment all counters, whatever their caps. They cost the same as
    /// [`counts`](Self::counts).
    pub fn uncapped(&self, now: Timestamp) -> Vec<Change> {
        let mut counts = self.counts(now);
        counts.iter_mut().for_each(|count| set_cap(count, u32::MAX));
        counts
    }

    /// Returns changes that always make the commit fail. They cost the same as
    /// [`counts`](Self::counts) if the cap with the shortest window is reached.
    pub fn in_vain(&self, now: Timestamp) -> Vec<Change> {
        let mut counts = self.uncapped(now);
        counts.last_mut().into_iter().for_each(|count| set_cap(count, 0));
        counts
    }

    /// Returns the changes that a success makes.
    pub fn success(&self) -> Vec<Change> {
        let settle = |line: &Line| match line.on_success {
            OnSuccess::Forget => Some(Change::ResetCount(line.counter.clone())),
            OnSuccess::TakeBack => Some(Change::Uncount(line.counter.clone())),
            OnSuccess::Keep => None,
        };
        self.0.iter().filter_map(settle).collect()
    }

    /// Returns the changes that take the attempt back entirely, for an attempt that succeeded in
    /// another way.
    pub fn take_back(&self) -> Vec<Change> {
        self.0.iter().map(|line| Change::Uncount(line.counter.clone())).collect()
    }

    /// Returns the changes that reset the counters whose window is longer than `than`.
    pub fn forget_longer(&self, than: Duration) -> Vec<Change> {
        let long = self.0.iter().filter(|line| line.cap.within > than);
        long.map(|line| Change::ResetCount(line.counter.clone())).collect()
    }

    /// Returns the limit of a counter that is at its cap, or `None` if the counter is not part of
    /// this quota.
    pub fn reached(&self, full: &Counter) -> Option<Reached> {
        let line = self.0.iter().find(|line| line.counter == *full)?;
        Some(Reached { limit: line.limit, wait: line.cap.within, spares_owner: line.spares_owner })
    }
}

fn set_cap(count: &mut Change, most: u32) {
    if let Change::Count { cap, .. } = count {
        *cap = most;
    }
}
