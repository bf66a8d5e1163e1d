//! How many codes may be tried.
//!
//! A code of six digits is guessed in a million tries, so tries are few: for each sign-in that
//! waits for a second factor, and for each user in an hour and in a day, whatever the code is
//! called (from an app, a mail, a text message, a recovery code) and however often the sign-in
//! starts anew.
//!
//! Commit [`AttemptRules::count`] *before* the code is looked at: of a thousand guesses at once
//! no more are looked at than the rules allow. Put [`AttemptRules::forget`] into the batch of a
//! success.

use std::time::Duration;

use crate::Timestamp;
use crate::model::UserId;
use crate::port::{Change, Counter};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// How often codes may be tried. A success starts the counts anew.
///
/// The defaults leave a guesser, with the default window of three steps, one chance in 6,600 a
/// day. NIST SP 800-63B-4 (3.2.2) allows no more than 100 failures in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptRules {
    /// For one sign-in that waits for its second factor: 10.
    pub per_sign_in: u32,
    /// For one user in an hour: 20.
    pub per_hour: u32,
    /// For one user in a day: 50.
    pub per_day: u32,
}

impl Default for AttemptRules {
    fn default() -> Self {
        Self { per_sign_in: 10, per_hour: 20, per_day: 50 }
    }
}

/// Who can try codes.
///
/// They are counted apart: else everybody who knows an address could lock its owner out of the
/// second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeUse {
    /// Whoever knows the address: the code alone signs in.
    FirstFactor,
    /// Who has proven something before: a password, or a session.
    SecondFactor,
}

/// What to tell a person who tried too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooManyAttempts {
    /// This sign-in takes no more codes: start again with the password.
    #[error("too many codes were tried: sign in again")]
    StartAgain,
    /// The account takes no more codes for this long, at most.
    #[error("too many codes were tried: wait up to {} minutes", .0.as_secs() / 60)]
    Wait(Duration),
}

impl AttemptRules {
    /// Counts one try. When a guard is stale, do not look at the code:
    /// [`refusal`](Self::refusal) of the counter says what to tell.
    ///
    /// `sign_in` is the id of the waiting sign-in, if there is one.
    pub fn count(
        &self,
        used_as: CodeUse,
        user: &UserId,
        sign_in: Option<&str>,
        now: Timestamp,
    ) -> Vec<Change> {
        let [hour, day] = user_counters(used_as, user);
        let count = |counter, cap, window| Change::Count { counter, now, cap, window };
        let of_sign_in = sign_in.map(|id| count(sign_in_counter(id), self.per_sign_in, DAY));
        let of_user = [count(hour, self.per_hour, HOUR), count(day, self.per_day, DAY)];
        of_sign_in.into_iter().chain(of_user).collect()
    }

    /// Forgets the tries, after a right code.
    pub fn forget(&self, used_as: CodeUse, user: &UserId, sign_in: Option<&str>) -> Vec<Change> {
        let of_user = user_counters(used_as, user);
        sign_in.map(sign_in_counter).into_iter().chain(of_user).map(Change::ResetCount).collect()
    }

    /// What a full counter means; nothing when it is not one of these.
    pub fn refusal(&self, counter: &Counter) -> Option<TooManyAttempts> {
        let (what, _) = counter.as_str().split_once(':')?;
        match what {
            "code_sign_in" => Some(TooManyAttempts::StartAgain),
            "code_first_hour" | "code_second_hour" => Some(TooManyAttempts::Wait(HOUR)),
            "code_first_day" | "code_second_day" => Some(TooManyAttempts::Wait(DAY)),
            _ => None,
        }
    }
}

fn sign_in_counter(id: &str) -> Counter {
    Counter::new("code_sign_in", id)
}

fn user_counters(used_as: CodeUse, user: &UserId) -> [Counter; 2] {
    match used_as {
        CodeUse::FirstFactor => ["code_first_hour", "code_first_day"],
        CodeUse::SecondFactor => ["code_second_hour", "code_second_day"],
    }
    .map(|what| Counter::new(what, user.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);
    const USES: [CodeUse; 2] = [CodeUse::FirstFactor, CodeUse::SecondFactor];

    fn counted(used_as: CodeUse, user: &str, sign_in: Option<&str>) -> Vec<(Counter, u32, u64)> {
        let changes = AttemptRules::default().count(used_as, &UserId::new(user), sign_in, NOW);
        let parts = |change| match change {
            Change::Count { counter, cap, window, now: NOW } => (counter, cap, window.as_secs()),
            other => panic!("{other:?}"),
        };
        changes.into_iter().map(parts).collect()
    }

    #[test]
    fn sign_in_hour_and_day_are_counted_apart() {
        let all = counted(CodeUse::SecondFactor, "17", Some("abc"));
        let caps: Vec<_> = all.iter().map(|(_, cap, window)| (*cap, *window)).collect();
        assert_eq!(caps, [(10, 86_400), (20, 3_600), (50, 86_400)]);
        assert_eq!(counted(CodeUse::SecondFactor, "17", None), all[1..]);
    }

    #[test]
    fn no_two_counters_are_the_same() {
        let mut names: Vec<_> = USES
            .into_iter()
            .flat_map(|used_as| ["17", "18"].map(|user| counted(used_as, user, Some(user))))
            .flatten()
            .map(|(counter, ..)| counter)
            .collect();
        names.sort();
        names.dedup();
        // A sign-in has one counter, whatever the code is used for.
        assert_eq!(names.len(), 2 + 8);
    }

    #[test]
    fn a_success_forgets_what_was_counted() {
        for used_as in USES {
            let forgotten = AttemptRules::default().forget(used_as, &UserId::new("17"), Some("a"));
            let forgotten: Vec<_> = forgotten
                .into_iter()
                .map(|change| match change {
                    Change::ResetCount(counter) => counter,
                    other => panic!("{other:?}"),
                })
                .collect();
            let counted: Vec<_> =
                counted(used_as, "17", Some("a")).into_iter().map(|(name, ..)| name).collect();
            assert_eq!(forgotten, counted);
        }
    }

    #[test]
    fn people_are_told_what_to_do() {
        let rules = AttemptRules::default();
        for used_as in USES {
            let told: Vec<_> = counted(used_as, "17", Some("a"))
                .iter()
                .map(|(counter, ..)| rules.refusal(counter).unwrap())
                .collect();
            let wait = TooManyAttempts::Wait;
            assert_eq!(told, [TooManyAttempts::StartAgain, wait(HOUR), wait(DAY)]);
        }
        assert_eq!(rules.refusal(&Counter::new("mails", "code_sign_in:17")), None);
        let text = "too many codes were tried: wait up to 60 minutes";
        assert_eq!(TooManyAttempts::Wait(HOUR).to_string(), text);
    }
}
