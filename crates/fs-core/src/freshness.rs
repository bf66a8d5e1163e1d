//! Freshness: whether a sign-in is recent enough for a sensitive page.
//!
//! Some pages require that the user signed in a short while ago. After one request was accepted, a
//! grace period begins, so that a form of several steps is not interrupted. Each accepted step
//! extends it.

use std::time::Duration;

use crate::Timestamp;

/// Requirement for the age of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreshnessRule {
    /// Time for which a sign-in is fresh. `None` accepts every sign-in.
    ///
    /// With zero, no sign-in is fresh, and with a [`limit`](Self::limit) no request is accepted.
    /// Without a limit, as in Flask-Security 4.1, the first request is refused but begins a grace
    /// period, so that a second one is accepted without a new sign-in.
    pub within: Option<Duration>,
    /// Grace period after an accepted request. Zero disables it.
    pub grace: Duration,
    /// Age of the sign-in at which a grace period ends, even if it was extended. `None`, as in
    /// Flask-Security 4.1, extends it without limit.
    pub limit: Option<Duration>,
}

/// Facts about a sign-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FreshnessFacts {
    /// Time at which the user last signed in. `None` for a session from a remembered browser and
    /// for a request with only a token.
    pub authenticated_at: Option<Timestamp>,
    /// End of the session's grace period, if one has begun.
    pub grace_until: Option<Timestamp>,
    /// Whether the request itself contains the credentials, as with HTTP Basic authentication.
    pub exempt: bool,
}

/// Result of a freshness check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The sign-in is fresh; the request is accepted.
    Fresh,
    /// The user must verify their identity again.
    Stale,
}

/// Checks whether a sign-in is fresh, and returns the new end of the session's grace period. `None`
/// leaves it unchanged.
///
/// A sign-in in the future is treated as if it were as far in the past, since the clocks of two
/// machines can differ.
///
/// ```
/// use std::time::Duration;
/// use fs_core::Timestamp;
/// use fs_core::freshness::{Freshness, FreshnessFacts, FreshnessRule, check};
///
/// let now = Timestamp::from_secs(1_700_000_000);
/// let minute = Duration::from_secs(60);
/// let rule = FreshnessRule { within: Some(minute), grace: minute, limit: None };
/// let facts = FreshnessFacts { authenticated_at: Some(now), ..Default::default() };
///
/// let (verdict, grace_until) = check(now, &facts, &rule);
/// assert_eq!((verdict, grace_until), (Freshness::Fresh, Some(now.plus(minute))));
/// assert_eq!(check(now.plus(2 * minute), &facts, &rule).0, Freshness::Stale);
/// ```
pub fn check(
    now: Timestamp,
    facts: &FreshnessFacts,
    rule: &FreshnessRule,
) -> (Freshness, Option<Timestamp>) {
    let Some(within) = rule.within.filter(|_| !facts.exempt) else {
        return (Freshness::Fresh, None);
    };
    let Some(authenticated_at) = facts.authenticated_at else {
        return (Freshness::Stale, None);
    };
    if within.is_zero() && rule.limit.is_some() {
        return (Freshness::Stale, None);
    }
    let latest = rule.limit.map_or(Timestamp::MAX, |limit| authenticated_at.plus(limit));
    // Sessions keep whole seconds.
    let prolonged = Timestamp::from_secs(now.plus(rule.grace).min(latest).as_secs());

    if facts.grace_until.is_some_and(|until| now < until.min(latest)) {
        return (Freshness::Fresh, Some(prolonged));
    }
    if within.is_zero() {
        return (Freshness::Stale, Some(prolonged));
    }
    let apart = now.since(authenticated_at).max(authenticated_at.since(now));
    if apart < within {
        return (Freshness::Fresh, Some(prolonged));
    }
    (Freshness::Stale, None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Freshness::{Fresh, Stale};
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    fn rule(within: u64, grace: u64) -> FreshnessRule {
        FreshnessRule {
            within: Some(Duration::from_secs(within)),
            grace: Duration::from_secs(grace),
            limit: None,
        }
    }

    fn facts(authenticated_at: i64, grace_until: Option<i64>) -> FreshnessFacts {
        FreshnessFacts {
            authenticated_at: Some(at(authenticated_at)),
            grace_until: grace_until.map(at),
            exempt: false,
        }
    }

    #[test]
    fn a_request_with_the_proof_is_fresh() {
        let exempt = FreshnessFacts { exempt: true, ..Default::default() };
        assert_eq!(check(at(NOW), &exempt, &rule(0, 10)), (Fresh, None));
    }

    #[test]
    fn without_a_rule_everybody_is_fresh() {
        let off = FreshnessRule { within: None, ..rule(0, 10) };
        assert_eq!(check(at(NOW), &FreshnessFacts::default(), &off), (Fresh, None));
    }

    #[test]
    fn without_a_sign_in_nobody_is() {
        let remembered = FreshnessFacts { grace_until: Some(at(NOW + 60)), ..Default::default() };
        assert_eq!(check(at(NOW), &remembered, &rule(100, 10)), (Stale, None));
    }

    #[test]
    fn both_ends_of_the_time_are_outside() {
        for (ago, within, verdict) in [
            (100, 100, Stale),
            (100, 101, Fresh),
            (0, 1, Fresh),
            (-50, 100, Fresh),
            (-50, 50, Stale),
            (-50, 40, Stale),
        ] {
            let grace = (verdict == Fresh).then(|| at(NOW + 10));
            let answer = check(at(NOW), &facts(NOW - ago, None), &rule(within, 10));
            assert_eq!(answer, (verdict, grace), "{ago} seconds ago, within {within}");
        }
    }

    #[test]
    fn a_grace_period_prolongs_itself_until_it_was_missed() {
        let (rule, old) = (rule(100, 10), NOW - 1_000);
        assert_eq!(check(at(NOW), &facts(old, Some(NOW + 1)), &rule), (Fresh, Some(at(NOW + 10))));
        assert_eq!(check(at(NOW), &facts(old, Some(NOW)), &rule), (Stale, None));
        let just_before = at(NOW).minus(Duration::from_micros(1));
        assert_eq!(check(just_before, &facts(old, Some(NOW)), &rule).0, Fresh);
    }

    #[test]
    fn within_zero_passes_at_the_second_try() {
        let first = check(at(NOW), &facts(NOW, None), &rule(0, 10));
        assert_eq!(first, (Stale, Some(at(NOW + 10))));
        assert_eq!(check(at(NOW + 9), &facts(NOW, Some(NOW + 10)), &rule(0, 10)).0, Fresh);
        assert_eq!(check(at(NOW + 10), &facts(NOW, Some(NOW + 10)), &rule(0, 10)).0, Stale);
    }

    #[test]
    fn within_zero_never_passes_where_there_is_a_limit() {
        let rule = FreshnessRule { limit: Some(Duration::from_secs(200)), ..rule(0, 10) };
        for grace_until in [None, Some(NOW + 10)] {
            assert_eq!(check(at(NOW), &facts(NOW, grace_until), &rule), (Stale, None));
        }
    }

    #[test]
    fn no_grace_is_no_grace() {
        let (_, until) = check(at(NOW), &facts(NOW, None), &rule(100, 0));
        assert_eq!(until, Some(at(NOW)));
        let later = FreshnessFacts { grace_until: until, ..facts(NOW - 1_000, None) };
        assert_eq!(check(at(NOW), &later, &rule(100, 0)).0, Stale);
    }

    #[test]
    fn grace_ends_at_a_whole_second() {
        let now = Timestamp::from_micros(NOW * 1_000_000 + 600_000);
        let answer = check(now, &facts(NOW, None), &rule(100, 10));
        assert_eq!(answer, (Fresh, Some(at(NOW + 10))));
    }

    #[test]
    fn a_limit_ends_what_prolongs_itself() {
        let rule = FreshnessRule { limit: Some(Duration::from_secs(200)), ..rule(100, 60) };
        let mut known = facts(NOW, None);
        let mut last_fresh = 0;
        for second in 0..1_000 {
            let (verdict, grace_until) = check(at(NOW + second), &known, &rule);
            known.grace_until = grace_until.or(known.grace_until);
            if verdict == Fresh {
                last_fresh = second;
            }
        }
        assert_eq!(last_fresh, 199);
        // A grace period from before the limit was configured ends as well.
        assert_eq!(check(at(NOW + 200), &facts(NOW, Some(NOW + 900)), &rule).0, Stale);
    }

    proptest! {
        #[test]
        fn fresh_means_less_than_within_apart(
            authenticated_at in i64::MIN / 4..i64::MAX / 4,
            apart in -200_000_000_i64..200_000_000,
            within in 1_u64..200,
        ) {
            let now = Timestamp::from_micros(authenticated_at + apart);
            let facts = FreshnessFacts {
                authenticated_at: Some(Timestamp::from_micros(authenticated_at)),
                ..Default::default()
            };
            let (verdict, grace_until) = check(now, &facts, &rule(within, 10));
            prop_assert_eq!(verdict == Fresh, apart.unsigned_abs() < within * 1_000_000);
            prop_assert_eq!(grace_until.is_some(), verdict == Fresh);
        }

        #[test]
        fn no_moment_panics(
            now: i64, authenticated_at: Option<i64>, grace_until: Option<i64>, exempt: bool,
            within: Option<u64>, grace: u64, limit: Option<u64>,
        ) {
            let facts = FreshnessFacts {
                authenticated_at: authenticated_at.map(Timestamp::from_micros),
                grace_until: grace_until.map(Timestamp::from_micros),
                exempt,
            };
            let rule = FreshnessRule {
                within: within.map(Duration::from_secs),
                grace: Duration::from_secs(grace),
                limit: limit.map(Duration::from_secs),
            };
            let (_, until) = check(Timestamp::from_micros(now), &facts, &rule);
            if let (Some(until), Some(limit), Some(start)) = (until, rule.limit, facts.authenticated_at) {
                prop_assert!(until <= start.plus(limit));
            }
        }
    }
}
