//! Measures which Argon2 parameters this machine can afford.

use std::time::{Duration, Instant};

use fs_core::password::calibrate::{CANDIDATES, choose};
use fs_core::password::{HashingRules, NewHash, PasswordHasher, Scratch};
use fs_core::secret::Secret;

/// How often each candidate is measured; the fastest run counts, as the least disturbed one.
const RUNS: usize = 3;

/// The dearest Argon2 parameters that hash a password within `target` on this machine and need at
/// most `most_kib` of memory; never less than OWASP's minimum.
///
/// It keeps one core busy for a few times `target`. Each thread of a
/// [`ThreadHashPool`](crate::hash_pool::ThreadHashPool) keeps the memory that was chosen. Write the
/// result into the configuration instead of measuring at every start: hashes of other parameters
/// are renewed at the next sign-in, and measurements waver.
pub fn calibrate(target: Duration, most_kib: u32) -> NewHash {
    let mut measured = Vec::new();
    for candidate in CANDIDATES {
        if memory_kib(candidate) > most_kib {
            continue;
        }
        let Some(time) = measure(candidate) else { continue };
        measured.push((candidate, time));
        if time > target {
            break;
        }
    }
    choose(&measured, target)
}

fn memory_kib(candidate: NewHash) -> u32 {
    match candidate {
        NewHash::Argon2id { memory_kib, .. } => memory_kib,
        NewHash::Bcrypt { .. } | NewHash::CheapestForTests => 0,
    }
}

fn measure(candidate: NewHash) -> Option<Duration> {
    let rules = HashingRules { create: candidate, ..HashingRules::default() };
    let hasher = PasswordHasher::new(rules).ok()?;
    let password = Secret::from("a password for measuring");
    let mut scratch = Scratch::new();
    // The first run only brings the memory.
    hasher.decoy(&password, &mut scratch);
    let runs = (0..RUNS).map(|_| {
        let start = Instant::now();
        hasher.decoy(&password, &mut scratch);
        start.elapsed()
    });
    runs.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_or_memory_still_means_the_minimum() {
        assert_eq!(calibrate(Duration::ZERO, u32::MAX), NewHash::OWASP_MINIMUM);
        assert_eq!(calibrate(Duration::MAX, 0), NewHash::OWASP_MINIMUM);
    }

    #[test]
    fn the_memory_is_respected() {
        let NewHash::Argon2id { memory_kib, .. } = calibrate(Duration::MAX, 33_000) else {
            panic!("not Argon2id");
        };
        assert_eq!(memory_kib, 32_768);
    }
}
