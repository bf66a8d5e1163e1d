//! Pages of the demo, one file per subject.

pub(crate) mod admin;
pub(crate) mod home;
pub(crate) mod outbox;
pub(crate) mod profile;
pub(crate) mod rooms;
pub(crate) mod security;
