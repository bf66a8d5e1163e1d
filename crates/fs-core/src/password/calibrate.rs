//! Choice of the Argon2 parameters that a machine can afford.
//!
//! `fs-services` measures; this module chooses by the results.

use std::time::Duration;

use super::NewHash;

/// Parameters to measure, in ascending order of cost, beginning with OWASP's minimum.
pub const CANDIDATES: [NewHash; 7] = [
    NewHash::OWASP_MINIMUM,
    argon2id(32_768, 2),
    argon2id(47_104, 2),
    argon2id(65_536, 3),
    argon2id(131_072, 3),
    argon2id(262_144, 3),
    argon2id(524_288, 3),
];

const fn argon2id(memory_kib: u32, iterations: u32) -> NewHash {
    NewHash::Argon2id { memory_kib, iterations, lanes: 1 }
}

/// Returns the last of the measured parameters, in the given order, that take no longer than the
/// target. If all take longer or nothing was measured, returns OWASP's minimum.
///
/// ```
/// use std::time::Duration;
/// use fs_core::password::calibrate::{CANDIDATES, choose};
///
/// let measured = [(CANDIDATES[0], Duration::from_millis(20)), (CANDIDATES[1], Duration::from_millis(35))];
/// assert_eq!(choose(&measured, Duration::from_millis(50)), CANDIDATES[1]);
/// assert_eq!(choose(&measured, Duration::from_millis(5)), CANDIDATES[0]);
/// ```
pub fn choose(measured: &[(NewHash, Duration)], target: Duration) -> NewHash {
    measured
        .iter()
        .rev()
        .find(|(candidate, time)| *time <= target && candidate.error().is_none())
        .map_or(NewHash::OWASP_MINIMUM, |(candidate, _)| *candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn every_candidate_may_be_used() {
        for candidate in CANDIDATES {
            assert_eq!(candidate.error(), None, "{candidate:?}");
        }
    }

    #[test]
    fn the_dearest_that_fits_wins() {
        let measured: Vec<_> = CANDIDATES.into_iter().zip([20, 35, 70, 170].map(ms)).collect();
        assert_eq!(choose(&measured, ms(100)), CANDIDATES[2]);
        assert_eq!(choose(&measured, ms(170)), CANDIDATES[3]);
    }

    #[test]
    fn never_less_than_the_minimum() {
        let weak = NewHash::Argon2id { memory_kib: 1024, iterations: 1, lanes: 1 };
        assert_eq!(choose(&[(weak, ms(1))], ms(100)), NewHash::OWASP_MINIMUM);
        assert_eq!(choose(&[], ms(100)), NewHash::OWASP_MINIMUM);
        assert_eq!(choose(&[(CANDIDATES[3], ms(200))], ms(100)), NewHash::OWASP_MINIMUM);
    }
}
