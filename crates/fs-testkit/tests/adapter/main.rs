//! The adapter kit on a server without a framework, and what it catches: each of the other servers
//! breaks one rule.

#[cfg(test)]
mod application;
#[cfg(test)]
mod server;
#[cfg(test)]
mod suite;
