//! Users, roles, permissions, sessions, credentials, and their identifiers.

mod credential;
mod id;
mod permission;
mod role;
mod session;
mod user;

pub use credential::{CredentialKey, CredentialKind, CredentialRecord, UnknownCredentialKind};
pub use id::{PasswordHash, SealedSecret, SessionId, SessionKey, Uniquifier, UserId};
pub use permission::Permissions;
pub use role::Role;
pub use session::{SessionKind, SessionRecord};
pub use user::{NewUser, SecondFactor, SignIns, User, UserField};
