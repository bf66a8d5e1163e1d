//! What one attempt or message counts.

use std::cmp::Reverse;
use std::time::Duration;

use super::{Cap, CounterNames, Network};
use crate::Timestamp;
use crate::port::{Change, Counter};

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Passwords of one account from one network.
    PasswordHere,
    /// Passwords of one account from everywhere.
    Password,
    /// Passwords of all accounts from one network.
    PasswordNetwork,
    /// Passwords from one network whose other counts are full.
    PasswordBeyond,
    /// Passwords of one account by who is signed in to it.
    PasswordSignedIn,
    /// New passwords of one account.
    PasswordNew,
    /// Registrations from one network.
    RegistrationNetwork,
    /// Codes that sign in, of one account from one network.
    CodeHere,
    /// Codes that sign in, of one account from everywhere.
    CodeFirst,
    /// Codes that sign in, of all accounts from one network.
    CodeNetwork,
    /// Codes of one sign-in that waits for its second factor.
    CodeSignIn,
    /// Codes of one account's second factor.
    CodeSecond,
    /// Codes of one account by who is signed in to it.
    CodeSignedIn,
    /// Mails of one kind to one address.
    MailTo,
    /// Mails that one network asks for.
    MailNetwork,
    /// Text messages to one number.
    TextTo,
    /// Text messages of one account.
    TextUser,
    /// Text messages that one network asks for.
    TextNetwork,
    /// All text messages.
    TextAll,
}

impl Limit {
    /// A fixed word, for events, logs and the names of counters.
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
            Self::MailTo => "mail_to",
            Self::MailNetwork => "mail_network",
            Self::TextTo => "text_to",
            Self::TextUser => "text_user",
            Self::TextNetwork => "text_network",
            Self::TextAll => "text_all",
        }
    }
}

/// What a success does to a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnSuccess {
    /// All failures so far are forgotten.
    Forget,
    /// The attempt itself is not counted; the failures before it are.
    TakeBack,
    /// Nothing: it is counted whatever comes of it.
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

/// What one attempt or message counts. Commit [`counts`](Self::counts) before it is made, and
/// [`success`](Self::success) in the batch of its success.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Tally(Vec<Line>);

/// A limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Which.
    pub limit: Limit,
    /// How long it may take until more is allowed, at most.
    pub wait: Duration,
    /// Whether the account's owner still gets in from a network that they signed in from lately.
    pub spares_owner: bool,
}

impl Tally {
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

    /// The same for a network and those around it, each with larger caps. Failures that a success
    /// forgets are those of the narrowest: a neighbour's go on counting.
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
            let on_success = match on_success {
                OnSuccess::Forget if width.times > 1 => OnSuccess::TakeBack,
                other => other,
            };
            self = self.with(names, limit, &caps, &[whom, &[width.name]].concat(), on_success);
        }
        self
    }

    /// The same, as what does not stop an owner where they signed in lately.
    pub(super) fn sparing_owner(mut self) -> Self {
        self.0.iter_mut().for_each(|line| line.spares_owner = true);
        self
    }

    /// What stops owners as well.
    pub fn of_everybody(&self) -> Self {
        Self(self.0.iter().filter(|line| !line.spares_owner).cloned().collect())
    }

    /// Both together.
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts one up, unless a cap is reached: then none is. The caps of the longest times come first:
    /// of several that are reached, the one that takes longest is named.
    pub fn counts(&self, now: Timestamp) -> Vec<Change> {
        let count = |line: &Line| {
            let Cap { most, within } = line.cap;
            Change::Count { counter: line.counter.clone(), now, cap: most, window: within }
        };
        let mut lines: Vec<_> = self.0.iter().collect();
        lines.sort_by_key(|line| Reverse(line.cap.within));
        lines.into_iter().map(count).collect()
    }

    /// What a success changes.
    pub fn success(&self) -> Vec<Change> {
        let settle = |line: &Line| match line.on_success {
            OnSuccess::Forget => Some(Change::ResetCount(line.counter.clone())),
            OnSuccess::TakeBack => Some(Change::Uncount(line.counter.clone())),
            OnSuccess::Keep => None,
        };
        self.0.iter().filter_map(settle).collect()
    }

    /// As if the attempt had not been made: something else was right.
    pub fn take_back(&self) -> Vec<Change> {
        self.0.iter().map(|line| Change::Uncount(line.counter.clone())).collect()
    }

    /// Forgets the failures that are remembered for longer than `than`.
    pub fn forget_longer(&self, than: Duration) -> Vec<Change> {
        let long = self.0.iter().filter(|line| line.cap.within > than);
        long.map(|line| Change::ResetCount(line.counter.clone())).collect()
    }

    /// What a full counter means; nothing when it is not one of these.
    pub fn reached(&self, full: &Counter) -> Option<Reached> {
        let line = self.0.iter().find(|line| line.counter == *full)?;
        Some(Reached { limit: line.limit, wait: line.cap.within, spares_owner: line.spares_owner })
    }
}
