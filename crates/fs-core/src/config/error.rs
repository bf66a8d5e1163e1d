//! Errors of a configuration.

use std::fmt;

/// Error in a configuration: a setting, the problem with its value, and the remedy.
///
/// ```
/// use fs_core::config::ConfigError;
///
/// let error = ConfigError::new("password.min_length", "is too large", "use 15 or less")
///     .with_value(200);
/// assert_eq!(error.to_string(), "password.min_length = 200 is too large: use 15 or less");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigError {
    /// Path of the setting, such as `mail.from`.
    pub path: String,
    /// Value of the setting. `None` if it may be a secret, or if there is none to show.
    pub value: Option<String>,
    /// Problem with the value, as the rest of a sentence that begins with the path.
    pub problem: String,
    /// Remedy, as an instruction.
    pub remedy: String,
}

impl ConfigError {
    /// Creates an error without a value.
    pub fn new(
        path: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (path, problem, remedy) = (path.into(), problem.into(), remedy.into());
        Self { path, value: None, problem, remedy }
    }

    /// Adds the value. Never add a secret: the error is printed and logged.
    #[must_use]
    pub fn with_value(self, value: impl fmt::Display) -> Self {
        Self { value: Some(value.to_string()), ..self }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, value, problem, remedy } = self;
        match value {
            Some(value) => write!(f, "{path} = {value} {problem}: {remedy}"),
            None => write!(f, "{path} {problem}: {remedy}"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// All errors of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl ConfigErrors {
    /// Returns `Ok` if there are no errors.
    ///
    /// # Errors
    ///
    /// Returns the errors if there are any.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let errors = if count == 1 { "error" } else { "errors" };
        write!(f, "the configuration has {count} {errors}:")?;
        for error in &self.0 {
            write!(f, "\n  - {error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
