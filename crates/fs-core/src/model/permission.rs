//! Sets of permissions.

use std::collections::BTreeSet;
use std::fmt;

/// Permissions of a role: a set of names, which are case-sensitive.
///
/// Flask-Security stores them as one comma-separated text. [`Permissions::from_text`] parses it,
/// without blanks around commas and without empty names.
///
/// ```
/// use fs_core::model::Permissions;
///
/// let mut allowed = Permissions::from_text("page-read, page-write");
/// assert!(allowed.contains("page-write"));
/// allowed.add(&Permissions::from_iter(["users-read"]));
/// assert_eq!(allowed.to_string(), "page-read,page-write,users-read");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions(BTreeSet<String>);

impl Permissions {
    /// Parses a comma-separated text.
    pub fn from_text(text: &str) -> Self {
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
    }

    /// Checks whether the set contains `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Returns `true` if the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the names, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Adds all of `more`.
    pub fn add(&mut self, more: &Self) {
        self.0.extend(more.0.iter().cloned());
    }

    /// Removes the permissions in `less`. Names that are not in the set are ignored.
    pub fn remove(&mut self, less: &Self) {
        self.0.retain(|name| !less.0.contains(name));
    }
}

impl<S: AsRef<str>> FromIterator<S> for Permissions {
    /// Each item may itself be a comma-separated text.
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        let mut all = BTreeSet::new();
        for item in names {
            let parts = item.as_ref().split(',').map(str::trim).filter(|name| !name.is_empty());
            all.extend(parts.map(str::to_owned));
        }
        Self(all)
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}
