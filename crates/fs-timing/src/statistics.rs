//! Comparison of two sets of times by their ranks.

use std::time::Duration;

/// Maximum distance of AUC from 0.5.
pub(crate) const TOLERANCE: f64 = 0.05;

/// Result of comparing two sets of times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Difference {
    /// Probability that a time of the first set is the longer one.
    pub(crate) auc: f64,
    /// Distance from chance, in standard deviations.
    pub(crate) z: f64,
}

impl Difference {
    /// Checks whether the two sets cannot be told apart.
    pub(crate) fn tells_nothing(self, threshold: f64) -> bool {
        (self.auc - 0.5).abs() <= TOLERANCE && self.z.abs() <= threshold
    }
}

/// Runs the Mann-Whitney test, with ranks shared by equal times.
#[expect(clippy::cast_precision_loss, reason = "counts of requests")]
pub(crate) fn compare(first: &[Duration], second: &[Duration]) -> Difference {
    let mut all: Vec<_> = first.iter().map(|time| (*time, true)).collect();
    all.extend(second.iter().map(|time| (*time, false)));
    all.sort_unstable();
    let (mut before, mut ranks, mut ties) = (0.0, 0.0, 0.0);
    for equal in all.chunk_by(|one, other| one.0 == other.0) {
        let many = equal.len() as f64;
        let of_first = equal.iter().filter(|(_, is_first)| *is_first).count() as f64;
        ranks += of_first * (before + (many + 1.0) / 2.0);
        ties += many * many * many - many;
        before += many;
    }
    let (one, other) = (first.len() as f64, second.len() as f64);
    let many = one + other;
    let wins = ranks - one * (one + 1.0) / 2.0;
    let variance = one * other / 12.0 * (many + 1.0 - ties / (many * (many - 1.0)));
    let z = if variance > 0.0 { (wins - one * other / 2.0) / variance.sqrt() } else { 0.0 };
    Difference { auc: wins / (one * other), z }
}

/// Returns the |z| that chance alone reaches in one of twenty runs with that many comparisons
/// (Bonferroni).
#[expect(clippy::cast_precision_loss, reason = "a count of comparisons")]
pub(crate) fn threshold(comparisons: usize) -> f64 {
    let tail = 0.05 / 2.0 / comparisons.max(1) as f64;
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        match upper_tail(middle) > tail {
            true => low = middle,
            false => high = middle,
        }
    }
    high
}

/// Returns the probability that a normal variable exceeds `z`, for `z` ≥ 0 (Abramowitz and Stegun,
/// 26.2.17).
fn upper_tail(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let series = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = series.iter().rev().fold(0.0, |sum, coefficient| (sum + coefficient) * t);
    (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * sum
}

/// Returns the quantile: the value below which the fraction `part` of the times lies.
pub(crate) fn quantile(times: &[f64], part: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let at = (sorted.len().saturating_sub(1) as f64 * part).round() as usize;
    sorted.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(micros: impl IntoIterator<Item = u64>) -> Vec<Duration> {
        micros.into_iter().map(Duration::from_micros).collect()
    }

    fn near(value: f64, wanted: f64) -> bool {
        (value - wanted).abs() < 0.001
    }

    #[test]
    fn equal_sets_tell_nothing() {
        let same = compare(&times(0..100), &times(0..100));
        assert_eq!(same, Difference { auc: 0.5, z: 0.0 });
        assert!(same.tells_nothing(3.0));
        assert_eq!(compare(&times([5; 9]), &times([5; 9])), same);
    }

    #[test]
    fn sets_apart_tell_everything() {
        let apart = compare(&times(200..300), &times(0..100));
        assert!(near(apart.auc, 1.0) && apart.z > 12.0);
        assert!(near(compare(&times(0..100), &times(200..300)).auc, 0.0));
        assert!(!apart.tells_nothing(100.0));
    }

    /// Checks the test against R: wilcox.test(c(1, 2, 2, 5), c(2, 3, 4, 6), correct = FALSE, exact
    /// = FALSE).
    #[test]
    fn ties_share_their_ranks() {
        let compared = compare(&times([1, 2, 2, 5]), &times([2, 3, 4, 6]));
        assert!(near(compared.auc, 0.25), "{compared:?}");
        assert!(near(compared.z, -1.1832), "{compared:?}");
    }

    #[test]
    fn more_comparisons_need_a_greater_z() {
        assert!(near(threshold(1), 1.960));
        assert!(near(threshold(100), 3.481));
    }

    #[test]
    fn quantiles() {
        let times = [4.0, 1.0, 3.0, 2.0, 5.0];
        assert!(near(quantile(&times, 0.5), 3.0) && near(quantile(&times, 1.0), 5.0));
    }
}
