//! Users, roles, permissions, sessions, and their identifiers.

mod id;
mod permission;
mod role;
mod session;
mod user;

pub use id::{PasswordHash, SealedSecret, SessionId, SessionKey, Uniquifier, UserId};
pub use permission::Permissions;
pub use role::Role;
pub use session::{SessionKind, SessionRecord};
pub use user::{NewUser, SecondFactor, SignIns, User, UserField};
