//! Tests of the conformance suite: each faulty store violates one rule.

#[cfg(test)]
mod store;
#[cfg(test)]
mod suite;
