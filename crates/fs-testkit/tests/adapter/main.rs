//! Tests of the adapter kit, on a server without a framework: each faulty server violates one rule.

#[cfg(test)]
mod application;
#[cfg(test)]
mod server;
#[cfg(test)]
mod suite;
