//! The credentials of a request and the results of trying them.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fs_core::authn::{Authentication, Mechanism};
use fs_core::flow::FlowError;
use fs_core::model::User;
use fs_core::port::StoreError;
use fs_core::secret::Secret;

/// The order in which mechanisms are tried.
pub(crate) const ORDER: [Mechanism; 3] = [Mechanism::Token, Mechanism::Session, Mechanism::Basic];
/// The mechanisms that a route accepts if it names none.
pub(crate) const USUAL: [Mechanism; 2] = [Mechanism::Token, Mechanism::Session];

/// The credentials of one request, as far as anybody has asked.
#[derive(Default)]
pub(crate) struct Credentials {
    token: Option<Tried>,
    pub(crate) session: Option<Tried>,
    basic: Option<Tried>,
    /// User that the request is attributed to.
    pub(crate) principal: Option<Authentication>,
    /// Somebody was signed out: from now on the request is nobody's.
    pub(crate) ended: bool,
}

/// The result of trying a mechanism.
pub(crate) enum Tried {
    Nobody,
    Somebody(Arc<User>),
    Failed(FlowError),
}

impl Tried {
    pub(crate) fn result(&self) -> Result<Option<Arc<User>>, FlowError> {
        match self {
            Self::Nobody => Ok(None),
            Self::Somebody(user) => Ok(Some(Arc::clone(user))),
            Self::Failed(error) => Err(told_again(error)),
        }
    }
}

impl Credentials {
    pub(crate) const fn of(&mut self, mechanism: Mechanism) -> &mut Option<Tried> {
        match mechanism {
            Mechanism::Token => &mut self.token,
            Mechanism::Session => &mut self.session,
            Mechanism::Basic => &mut self.basic,
        }
    }
}

/// Returns the name and password of an `Authorization` header (RFC 7617).
pub(crate) fn basic_credentials(header: &str) -> Option<(String, Secret)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (identity, password) = decoded.split_once(':')?;
    Some((identity.to_owned(), Secret::from(password)))
}

/// Returns the same failure for the next caller: errors of databases cannot be cloned.
fn told_again(error: &FlowError) -> FlowError {
    match error {
        FlowError::TooMany(wait) => FlowError::TooMany(*wait),
        FlowError::Busy(wait) => FlowError::Busy(*wait),
        FlowError::Store(StoreError::Unavailable(_)) | FlowError::Contended(_) => {
            StoreError::Unavailable(error.to_string().into()).into()
        }
        _ => StoreError::Other(error.to_string().into()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_basic_credentials() {
        let header = format!("basic {}", STANDARD.encode("zoe:a:b"));
        let (identity, password) = basic_credentials(&header).unwrap();
        assert_eq!((identity.as_str(), password.expose()), ("zoe", "a:b"));
        for bad in ["", "Basic", "Basic !!!", "Bearer em9lOmE=", "Basic em9l", "Basic /////w=="] {
            assert!(basic_credentials(bad).is_none(), "{bad}");
        }
    }
}
