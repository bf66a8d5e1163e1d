//! Measurement of the Argon2 parameters that this machine can afford.

use std::fmt;
use std::time::{Duration, Instant};

use fs_core::password::calibrate::{CANDIDATES, choose};
use fs_core::password::{HashingRules, NewHash, PasswordHasher, Scratch};
use fs_core::secret::Secret;

/// Number of measurements for each candidate. The fastest counts, as the least disturbed one.
const RUNS: usize = 3;

/// Measures Argon2 parameters on this machine, beginning with OWASP's minimum.
///
/// It skips parameters that need more than `most_kib` KiB of memory and stops at the first that
/// take longer than `target`.
///
/// This keeps one core busy for a few times `target`. Measure an optimised build, on the machine
/// that will hash. Each thread of a [`ThreadHashPool`](crate::hash_pool::ThreadHashPool) keeps the
/// memory of the chosen parameters.
///
/// Write the result into the configuration instead of measuring at every start: measurements vary,
/// and hashes with other parameters are renewed at the next sign-in.
///
/// ```
/// use std::time::Duration;
/// use fs_services::calibrate::calibrate;
///
/// // At most a quarter of a second, and 64 MiB a thread.
/// let calibration = calibrate(Duration::from_millis(250), 64 * 1024);
/// println!("{calibration}");
/// ```
pub fn calibrate(target: Duration, most_kib: u32) -> Calibration {
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
    Calibration { measured, target }
}

/// Result of a calibration. Its `Display` is a table of the measurements, with the line to put into
/// the configuration.
#[derive(Clone, Debug)]
pub struct Calibration {
    measured: Vec<(NewHash, Duration)>,
    target: Duration,
}

impl Calibration {
    /// Returns the most expensive parameters that hash a password within the target, and never less
    /// than OWASP's minimum.
    pub fn chosen(&self) -> NewHash {
        choose(&self.measured, self.target)
    }
}

impl fmt::Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chosen = self.chosen();
        writeln!(f, "memory a thread  passes  time of a hash")?;
        for (candidate, time) in &self.measured {
            let NewHash::Argon2id { memory_kib, iterations, .. } = candidate else { continue };
            let mark = if *candidate == chosen { "  <- chosen" } else { "" };
            let (mib, millis) = (f64::from(*memory_kib) / 1024.0, time.as_millis());
            writeln!(f, "{mib:>11.0} MiB  {iterations:>6}  {millis:>11} ms{mark}")?;
        }
        if !self
            .measured
            .iter()
            .any(|(candidate, time)| *candidate == chosen && *time <= self.target)
        {
            let target = self.target.as_millis();
            writeln!(f, "nothing fits {target} ms: OWASP's minimum, and never less")?;
        }
        let NewHash::Argon2id { memory_kib, iterations, lanes } = chosen else { return Ok(()) };
        write!(
            f,
            "\nconfig.hashing.create = NewHash::Argon2id {{ memory_kib: {memory_kib}, iterations: \
             {iterations}, lanes: {lanes} }};"
        )
    }
}

fn memory_kib(candidate: NewHash) -> u32 {
    match candidate {
        NewHash::Argon2id { memory_kib, .. } => memory_kib,
        _ => 0,
    }
}

fn measure(candidate: NewHash) -> Option<Duration> {
    let mut rules = HashingRules::default();
    rules.create = candidate;
    let hasher = PasswordHasher::new(rules).ok()?;
    let password = Secret::from("a password for measuring");
    let mut scratch = Scratch::new();
    // The first run only allocates the memory.
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

    fn calibration(times: &[u64], target: u64) -> Calibration {
        let times = times.iter().map(|millis| Duration::from_millis(*millis));
        let measured = CANDIDATES.into_iter().zip(times).collect();
        Calibration { measured, target: Duration::from_millis(target) }
    }

    #[test]
    fn no_time_or_memory_still_means_the_minimum() {
        assert_eq!(calibrate(Duration::ZERO, u32::MAX).chosen(), NewHash::OWASP_MINIMUM);
        assert_eq!(calibrate(Duration::MAX, 0).chosen(), NewHash::OWASP_MINIMUM);
    }

    #[test]
    fn the_memory_is_respected() {
        let NewHash::Argon2id { memory_kib, .. } = calibrate(Duration::MAX, 33_000).chosen() else {
            panic!("not Argon2id");
        };
        assert_eq!(memory_kib, 32_768);
    }

    #[test]
    fn the_table_marks_what_to_configure() {
        let told = calibration(&[20, 35, 300], 250).to_string();
        let marked: Vec<_> = told.lines().filter(|line| line.ends_with("<- chosen")).collect();
        assert_eq!(marked, ["         32 MiB       2           35 ms  <- chosen"], "{told}");
        let line = "config.hashing.create = NewHash::Argon2id { memory_kib: 32768, iterations: 2, \
                    lanes: 1 };";
        assert_eq!(told.lines().last(), Some(line));
    }

    #[test]
    fn the_table_says_when_the_minimum_is_too_slow() {
        let told = calibration(&[300], 250).to_string();
        assert!(told.contains("nothing fits 250 ms"), "{told}");
        assert!(told.contains("memory_kib: 19456, iterations: 2"), "{told}");
        assert!(!calibration(&[250], 250).to_string().contains("nothing fits"));
    }
}
