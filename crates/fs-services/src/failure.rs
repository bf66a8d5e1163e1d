//! Error type for `main` functions.

use std::error::Error;
use std::fmt;

/// Error of a `main` function: any error, printed as a sentence with its causes.
///
/// Rust prints the error that `main` returns with `Debug`. This type's `Debug` is the message of
/// the error, not its structure. Every error converts into it with `?`.
///
/// ```no_run
/// fn main() -> Result<(), fs_services::Failure> {
///     let settings = std::fs::read_to_string("settings.toml")?;
///     # drop(settings);
///     Ok(())
/// }
/// ```
pub struct Failure(Box<dyn Error + Send + Sync>);

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut told = self.0.to_string();
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Many errors repeat their cause.
            if !told.contains(&text) {
                write!(f, ": {text}")?;
                told = text;
            }
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the settings cannot be read")]
    struct Outer(#[source] std::io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("the settings cannot be read: {0}")]
    struct Repeats(#[source] std::io::Error);

    #[test]
    fn a_failure_is_printed_as_a_sentence_with_its_causes() {
        let io = || std::io::Error::other("no such file");
        assert_eq!(format!("{:?}", Failure::from(io())), "no such file");
        let text = "the settings cannot be read: no such file";
        assert_eq!(format!("{:?}", Failure::from(Outer(io()))), text);
        assert_eq!(format!("{:?}", Failure::from(Repeats(io()))), text);
    }
}
