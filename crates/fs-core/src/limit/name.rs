//! Names of counters.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{Cap, Limit};
use crate::port::Counter;
use crate::secret::Secret;
use crate::token::keyed;

/// Creates names of counters as keyed digests, so that someone who reads the database can neither
/// read an address in them nor find one by trying.
#[derive(Clone)]
pub struct CounterNames(Secret);

impl std::fmt::Debug for CounterNames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CounterNames(..)")
    }
}

impl CounterNames {
    /// Creates names under a key that all nodes of the application share. Changing the key resets
    /// all counts.
    pub fn new(key: Secret) -> Self {
        Self(key)
    }

    /// Returns a keyed digest for a purpose other than a counter.
    pub(crate) fn digest(&self, purpose: &str, whom: &[&str]) -> String {
        let mac: Hmac<Sha256> = keyed(self.0.expose().as_bytes());
        finish(mac.chain_update(purpose).chain_update([0]), whom)
    }

    /// Derives a secret for `whom`, which cannot be computed without the key.
    pub(crate) fn secret(&self, purpose: &str, whom: &[&str]) -> [u8; 32] {
        let mac: Hmac<Sha256> = keyed(self.0.expose().as_bytes());
        with_parts(mac.chain_update(purpose).chain_update([0]), whom).finalize().into_bytes().into()
    }

    /// Returns the counter of a limit's cap for `whom`.
    pub(super) fn counter(&self, limit: Limit, cap: Cap, whom: &[&str]) -> Counter {
        let mac: Hmac<Sha256> = keyed(self.0.expose().as_bytes());
        let mac = mac
            .chain_update("fs counter v1")
            .chain_update(limit.name())
            .chain_update([0])
            .chain_update(cap.within.as_secs().to_be_bytes());
        Counter::new(limit.name(), &finish(mac, whom))
    }
}

fn finish(mac: Hmac<Sha256>, whom: &[&str]) -> String {
    data_encoding::BASE64URL_NOPAD.encode(&with_parts(mac, whom).finalize().into_bytes())
}

fn with_parts(mut mac: Hmac<Sha256>, whom: &[&str]) -> Hmac<Sha256> {
    for part in whom {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::super::{DAY, HOUR};
    use super::*;

    fn name(key: &str, limit: Limit, cap: Cap, whom: &[&str]) -> String {
        let names = CounterNames::new(Secret::from(key));
        names.counter(limit, cap, whom).as_str().to_owned()
    }

    #[test]
    fn whatever_differs_is_counted_apart() {
        let (hour, day) = (Cap::new(1, HOUR), Cap::new(1, DAY));
        let limit = Limit::Password;
        let names = [
            name("k", limit, hour, &["ann", "b"]),
            name("l", limit, hour, &["ann", "b"]),
            name("k", Limit::PasswordHere, hour, &["ann", "b"]),
            name("k", limit, day, &["ann", "b"]),
            name("k", limit, hour, &["an", "nb"]),
            name("k", limit, hour, &["annb"]),
        ];
        let apart: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(apart.len(), names.len());
        // A cap that was raised continues with its count.
        assert_eq!(names[0], name("k", limit, Cap::new(2, HOUR), &["ann", "b"]));
    }

    #[test]
    fn a_name_does_not_show_whom_it_is_about() {
        let cap = Cap::new(1, HOUR);
        let name = name("k", Limit::PasswordNetwork, cap, &["203.0.113.7"]);
        assert!(!name.contains("203"), "{name}");
        assert!(!format!("{:?}", CounterNames::new(Secret::from("k"))).contains('k'));
    }
}
