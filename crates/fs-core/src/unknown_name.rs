//! Error of reading a value from its name.

/// A name that none of the values has, as a setting or a form may contain it.
///
/// ```
/// use fs_core::UnknownName;
/// use fs_core::config::CodeMethod;
///
/// assert_eq!("email".parse(), Ok(CodeMethod::Email));
/// assert_eq!("pigeon".parse::<CodeMethod>(), Err(UnknownName));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no value of that name")]
pub struct UnknownName;
