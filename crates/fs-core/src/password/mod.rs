//! Passwords: hashing, and rules for new passwords.
//!
//! Hashing is slow by design and must not run on a thread that serves requests. A flow creates a
//! [`HashJob`] and passes it to the port [`HashPool`](crate::port::HashPool), whose threads call
//! [`HashJob::run`].
//!
//! | item | contents |
//! | --- | --- |
//! | [`Scheme`] | the supported formats, by passlib's names |
//! | [`HashingRules`] | which of them are accepted, how new hashes are made, the pepper |
//! | [`PasswordHasher`] | hashes and verifies: pure CPU work |
//! | [`HashJob`] | a job for a pool of threads |
//! | [`PasswordRules`] | normalisation, length, breaches and complexity of new passwords |
//! | [`BreachQuery`] | a query to a list of breached passwords |
//! | [`calibrate`] | which Argon2 parameters a machine can afford |
//!
//! Sources: the formats of passlib 1.7 and Django; RFC 9106 (Argon2); the OWASP Password Storage
//! Cheat Sheet; NIST SP 800-63B-4, section 3.1.1; Flask-Security 4.1 for the double hash.

mod advice;
mod breach;
pub mod calibrate;
mod complexity;
mod hasher;
mod hashing_rules;
mod job;
mod lane;
mod rules;
mod scheme;
mod scratch;
mod stored;

pub use advice::Advice;
pub use breach::{BreachFinding, BreachQuery};
pub use complexity::Zxcvbn;
pub use hasher::{HashRefusal, MAX_PASSWORD_BYTES, PasswordHasher, Verification};
pub use hashing_rules::{Deprecated, HashingConfigErrors, HashingRules, NewHash, SingleHash};
pub use job::{HashAnswer, HashJob, HashTask, SlowComparison};
pub use lane::HashLane;
pub use rules::{BreachRule, Normalisation, PasswordProblem, PasswordRules};
pub use scheme::{Scheme, UnreadableScheme};
pub use scratch::Scratch;
pub use stored::UnusableHash;
