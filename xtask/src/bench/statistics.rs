//! Order statistics of a few measurements.

/// Returns the value below which the given share of the values lies. Returns 0 for no values.
pub(super) fn quantile(values: &[f64], share: (usize, usize)) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let index = sorted.len().saturating_sub(1) * share.0 / share.1;
    sorted.get(index).copied().unwrap_or_default()
}

/// Returns the median.
pub(super) fn median(values: &[f64]) -> f64 {
    quantile(values, (1, 2))
}

/// Returns the distance of the quartiles, as a share of the median.
pub(super) fn spread(values: &[f64]) -> f64 {
    (quantile(values, (3, 4)) - quantile(values, (1, 4))) / median(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "these values are exact")]
    fn medians_and_quartiles_ignore_the_order_and_the_extremes() {
        let values = [4.0, 1.0, 3.0, 2.0, 900.0];
        assert_eq!(median(&values), 3.0);
        assert_eq!(spread(&values), 2.0 / 3.0);
        assert_eq!(median(&[]), 0.0);
    }
}
