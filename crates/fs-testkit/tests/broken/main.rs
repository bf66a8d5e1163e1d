//! The conformance suite catches what it is there to catch: each store here breaks one rule.

#[cfg(test)]
mod store;
#[cfg(test)]
mod suite;
