//! Session records.

use super::{CredentialKey, SessionKey, Uniquifier};
use crate::Timestamp;

/// Kind of a session record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// A signed-in browser.
    SignIn,
    /// Record that a code was sent by mail or text message. No [`SessionId`] leads to its key, so
    /// it signs nobody in.
    ///
    /// [`SessionId`]: super::SessionId
    SentCode,
}

/// A session, as the store keeps it.
///
/// It refers to its user by the uniquifier. A new uniquifier therefore revokes it without a further
/// write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Digest of the session id in the cookie. For a sent code, a digest of the code.
    pub key: SessionKey,
    /// Kind of the record.
    pub kind: SessionKind,
    /// Uniquifier of the user.
    pub uniquifier: Uniquifier,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time at which the user last authenticated. `None` for a session that was created from a
    /// remember cookie.
    pub authenticated_at: Option<Timestamp>,
    /// Time from which it is refused, whatever the cookie says.
    pub expires_at: Timestamp,
    /// `User-Agent` of the browser, truncated to 255 characters, for a list of devices.
    pub user_agent: Option<String>,
    /// IP address from which it was created.
    pub client_ip: Option<String>,
    /// Credential from which it was created. Removing the credential ends the session.
    pub parent: Option<CredentialKey>,
}
