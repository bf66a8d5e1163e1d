//! Lookup in a list of breached passwords that does not reveal the password.

use std::fmt;

use data_encoding::HEXUPPER;
use sha1::{Digest, Sha1};

use crate::port::{BreachChecker, BreachError};
use crate::secret::Secret;

/// Number of hexadecimal digits of the SHA-1 that are sent.
const PREFIX: usize = 5;

/// Query about a password for the "range" API of Have I Been Pwned. It sends the first five digits
/// of the SHA-1, and the answer lists the possible remainders, so that the list never learns the
/// password (k-anonymity).
///
/// ```
/// use fs_core::password::BreachQuery;
/// use fs_core::secret::Secret;
///
/// let query = BreachQuery::of(&Secret::from("password"));
/// assert_eq!(query.prefix(), "5BAA6");
/// assert_eq!(query.count_in("1E4C9B93F3F0682250B6CF8331B7EE68FD8:3730471\r\n").unwrap(), 3_730_471);
/// ```
pub struct BreachQuery {
    prefix: String,
    suffix: Secret,
}

/// Result of a lookup in a list of breached passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreachFinding {
    /// The lookup was not made.
    NotAsked,
    /// Number of times that the list has seen the password; 0 for never.
    Seen(u32),
    /// The list could not be reached, or its answer could not be read.
    Unavailable,
}

impl BreachQuery {
    /// Creates the query for a password, which must be normalized as for hashing.
    pub fn of(password: &Secret) -> Self {
        let mut prefix = HEXUPPER.encode(&Sha1::digest(password.expose()));
        let suffix = Secret::from(prefix.split_off(PREFIX));
        Self { prefix, suffix }
    }

    /// Returns the prefix to send: five digits in upper case.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the number of times that the list has seen the password. `answer` has a line
    /// `SUFFIX:COUNT` for each password with this prefix.
    ///
    /// # Errors
    ///
    /// Returns [`BreachError`] if the answer has another format, for instance because it is a
    /// proxy's error page.
    pub fn count_in(&self, answer: &str) -> Result<u32, BreachError> {
        let mut count = 0;
        for line in answer.trim_start_matches('\u{feff}').lines().map(str::trim) {
            if line.is_empty() {
                continue;
            }
            let (suffix, times) = read_line(line)?;
            if suffix.eq_ignore_ascii_case(self.suffix.expose()) {
                count = times;
            }
        }
        Ok(count)
    }

    /// Looks a password up in the list.
    pub async fn ask(checker: &dyn BreachChecker, password: &Secret) -> BreachFinding {
        let query = Self::of(password);
        let answer = checker.range(query.prefix()).await;
        match answer.and_then(|answer| query.count_in(&answer)) {
            Ok(times) => BreachFinding::Seen(times),
            Err(_) => BreachFinding::Unavailable,
        }
    }
}

impl fmt::Debug for BreachQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreachQuery").finish_non_exhaustive()
    }
}

fn read_line(line: &str) -> Result<(&str, u32), BreachError> {
    let (suffix, times) = line.split_once(':').ok_or(BreachError::Unreadable)?;
    let is_hash = suffix.len() == 40 - PREFIX && suffix.bytes().all(|b| b.is_ascii_hexdigit());
    let times: u64 = times.trim().parse().map_err(|_| BreachError::Unreadable)?;
    if !is_hash {
        return Err(BreachError::Unreadable);
    }
    Ok((suffix, u32::try_from(times).unwrap_or(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use futures::executor::block_on;

    use super::*;

    const SUFFIX: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";
    const OTHER: &str = "003D68EB55068C33ACE09247EE4C639306B";

    fn query() -> BreachQuery {
        BreachQuery::of(&Secret::from("password"))
    }

    #[test]
    fn the_list_learns_five_digits() {
        assert_eq!(query().prefix(), "5BAA6");
        assert_eq!(query().suffix, Secret::from(SUFFIX));
        assert!(!format!("{:?}", query()).contains("1E4C"));
    }

    #[test]
    fn answers_are_read_in_any_dress() {
        for answer in [
            format!("{OTHER}:3\r\n{SUFFIX}:42\r\n"),
            format!("\u{feff}{SUFFIX}:42\r\n{OTHER}:3"),
            format!("{}:42\n\n{OTHER}:0\n", SUFFIX.to_lowercase()),
            format!("  {SUFFIX}: 42  \n"),
        ] {
            assert_eq!(query().count_in(&answer), Ok(42), "{answer:?}");
        }
    }

    #[test]
    fn absent_and_padding_mean_never() {
        for answer in [String::new(), format!("{OTHER}:9"), format!("{SUFFIX}:0\r\n")] {
            assert_eq!(query().count_in(&answer), Ok(0), "{answer:?}");
        }
    }

    #[test]
    fn what_is_no_answer_is_an_error_and_not_a_zero() {
        for answer in [
            "<html><body>Sign in to the network</body></html>".to_owned(),
            format!("{OTHER}:1\nrate limited"),
            format!("{SUFFIX}:many"),
            format!("{SUFFIX}:-1"),
            SUFFIX.to_owned(),
            "1E4C9B:3".to_owned(),
        ] {
            assert_eq!(query().count_in(&answer), Err(BreachError::Unreadable), "{answer:?}");
        }
    }

    #[test]
    fn counts_beyond_all_bounds_stay_high() {
        assert_eq!(query().count_in(&format!("{SUFFIX}:99999999999")), Ok(u32::MAX));
    }

    struct List(Result<String, BreachError>);

    #[async_trait]
    impl BreachChecker for List {
        async fn range(&self, prefix: &str) -> Result<String, BreachError> {
            assert_eq!(prefix, "5BAA6");
            self.0.clone()
        }
    }

    #[test]
    fn asking_tells_a_count_or_that_there_is_none() {
        let ask = |answer| block_on(BreachQuery::ask(&List(answer), &Secret::from("password")));
        assert_eq!(ask(Ok(format!("{SUFFIX}:7"))), BreachFinding::Seen(7));
        assert_eq!(ask(Ok("<html>".to_owned())), BreachFinding::Unavailable);
        let down = BreachError::Unavailable("timeout".to_owned());
        assert_eq!(ask(Err(down)), BreachFinding::Unavailable);
    }
}
