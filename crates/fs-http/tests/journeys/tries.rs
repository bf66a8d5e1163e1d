//! Attempts by network, and the people who may be limited because of them.

use std::time::Duration;

use fs_core::Timestamp;

/// Kind of attempt.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Password,
    Registration,
    Mail,
    /// A mail to reset a password, which counts as a [`Mail`](Self::Mail) too.
    Reset,
}

struct Try {
    at: Timestamp,
    kind: Kind,
    /// Person whose name was given; `None` for an unknown name.
    who: Option<usize>,
    network: usize,
}

/// Attempts so far. A limit may be reached only if there were enough of them recently.
#[derive(Default)]
pub(crate) struct Tries {
    tries: Vec<Try>,
    /// Networks of the last two sign-ins, by person.
    homes: [[Option<usize>; 2]; 3],
    /// Time at which an unknown client was last told to wait, by network.
    full: [Option<Timestamp>; 4],
}

const QUARTER: u64 = 900;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

impl Tries {
    pub(crate) fn note(&mut self, at: Timestamp, kind: Kind, who: Option<usize>, network: usize) {
        self.tries.push(Try { at, kind, who, network });
    }

    pub(crate) fn signed_in(&mut self, who: usize, network: usize) {
        self.homes[who] = [Some(network), self.homes[who][0]];
    }

    pub(crate) fn deleted(&mut self, who: usize) {
        self.homes[who] = [None; 2];
    }

    pub(crate) fn is_home(&self, who: usize, network: usize) -> bool {
        self.homes[who].contains(&Some(network))
    }

    pub(crate) fn note_full(&mut self, network: usize, at: Timestamp) {
        self.full[network] = Some(at);
    }

    /// Checks whether unknown clients of a network were told to wait a few minutes ago.
    pub(crate) fn is_full(&self, network: usize, now: Timestamp) -> bool {
        self.full[network].is_some_and(|at| now.since(at) <= Duration::from_secs(300))
    }

    fn reached(&self, now: Timestamp, caps: &[(usize, u64)], of: impl Fn(&Try) -> bool) -> bool {
        caps.iter().any(|(most, within)| {
            let lately = |made: &&Try| now.since(made.at) <= Duration::from_secs(*within);
            self.tries.iter().filter(lately).filter(|made| of(made)).count() >= *most
        })
    }

    /// Checks whether the owner of an account may be told to wait despite the right password.
    pub(crate) fn may_stop_owner(&self, now: Timestamp, who: usize, network: usize) -> bool {
        let is = |made: &Try| made.kind == Kind::Password;
        let in_network = |made: &Try| is(made) && made.network == network;
        let named = |made: &Try| is(made) && made.who == Some(who);
        let here = |made: &Try| named(made) && in_network(made);
        // The right password does not reset the count.
        let stops = self.reached(now, &[(20, QUARTER), (40, DAY)], here);
        match self.is_home(who, network) {
            true => stops || self.reached(now, &[(1_000, QUARTER)], in_network),
            false => {
                stops
                    || self.reached(now, &[(100, QUARTER)], in_network)
                    || self.reached(now, &[(100, DAY)], named)
            }
        }
    }

    /// Checks whether an address may have reached its limit for a kind of mail.
    pub(crate) fn had_enough(&self, now: Timestamp, kind: Kind, who: usize) -> bool {
        let of = |made: &Try| made.kind == kind && made.who == Some(who);
        self.reached(now, &[(10, HOUR), (20, DAY)], of)
    }

    /// Checks whether a network may have reached its limit.
    pub(crate) fn may_stop_network(&self, now: Timestamp, kind: Kind, network: usize) -> bool {
        let caps = match kind {
            Kind::Registration => &[(100, QUARTER), (500, DAY)][..],
            _ => &[(100, HOUR)],
        };
        self.reached(now, caps, |made| made.kind == kind && made.network == network)
    }
}
