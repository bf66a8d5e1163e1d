//! Passwords: how they are hashed, and what is asked of a new one.
//!
//! Hashing is slow by design, so nothing here is called on a thread that serves requests: a flow
//! makes a [`HashJob`] and hands it to the port [`HashPool`](crate::port::HashPool), whose threads
//! call [`HashJob::run`].
//!
//! | part | holds |
//! | --- | --- |
//! | [`Scheme`] | the formats that can be read, by passlib's names |
//! | [`HashingRules`] | which of them are accepted, how new hashes are made, the pepper |
//! | [`PasswordHasher`] | hashes and verifies: pure CPU work |
//! | [`HashJob`] | one piece of that work, for a pool of threads |
//! | [`PasswordRules`] | normalisation, length, breaches and complexity of new passwords |
//! | [`BreachQuery`] | what is asked of a list of breached passwords, and how its answer is read |
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
pub use hashing_rules::{Deprecated, HashingMistakes, HashingRules, NewHash, SingleHash};
pub use job::{HashAnswer, HashJob, HashTask, SlowComparison};
pub use lane::HashLane;
pub use rules::{BreachRule, Normalisation, PasswordProblem, PasswordRules};
pub use scheme::{Scheme, UnreadableScheme};
pub use scratch::Scratch;
pub use stored::UnusableHash;
