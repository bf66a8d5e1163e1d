//! Session records.

use super::{CredentialKey, SessionKey, Uniquifier};
use crate::Timestamp;

/// What a session record stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// A browser that is signed in.
    SignIn,
    /// That a code was mailed or texted. It is kept under a name that no [`SessionId`] leads to, and
    /// signs nobody in.
    ///
    /// [`SessionId`]: super::SessionId
    SentCode,
}

/// A session as the store keeps it.
///
/// It names its user by the uniquifier: when the user gets a new one, the record finds nobody any
/// more, without a further write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// The digest of its id, which the cookie holds; for a code that was sent, one of the code.
    pub key: SessionKey,
    /// What it stands for.
    pub kind: SessionKind,
    /// Whose it is.
    pub uniquifier: Uniquifier,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the user last proved who they are; nothing where a remember cookie made the session.
    pub authenticated_at: Option<Timestamp>,
    /// From when on it is refused, whatever the cookie says.
    pub expires_at: Timestamp,
    /// The browser, as its `User-Agent` named itself, cut to 255 characters; for a list of devices.
    pub user_agent: Option<String>,
    /// The address that it was made from.
    pub client_ip: Option<String>,
    /// The credential that it was made from. The session ends when that is removed.
    pub parent: Option<CredentialKey>,
}
