//! Authenticated encryption of many values under one key.

use std::ops::Range;

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{Aead, AeadInOut, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Length of the salt of a value, in bytes.
pub(crate) const SALT: usize = 24;
/// Length of the authentication tag, in bytes.
const TAG: usize = 16;

/// Encrypts values with AES-256-GCM (NIST SP 800-38D), each under a key of its own.
///
/// The key of a value is derived (HKDF-SHA256, RFC 5869) from a long-lived key and the salt of the
/// value, 192 random bits. So the nonce is constant, and the number of values needs no limit: among
/// 2^64 values, two have the same key with a probability of 2^-65.
#[derive(Clone)]
pub(crate) struct ValueCipher(Hkdf<Sha256>);

impl ValueCipher {
    /// Creates a cipher of a key that is uniformly random.
    pub(crate) fn new(key: &[u8; 32]) -> Option<Self> {
        Hkdf::from_prk(key).ok().map(Self)
    }

    /// Returns the salt and the encrypted value. `salt` must be random and never used before.
    pub(crate) fn seal(&self, value: &[u8], about: &[u8], salt: [u8; SALT]) -> Option<Vec<u8>> {
        let payload = Payload { msg: value, aad: about };
        let sealed = self.cipher(&salt)?.encrypt(&Nonce::default(), payload).ok()?;
        Some([salt.as_slice(), &sealed].concat())
    }

    /// Decrypts a result of [`seal`](Self::seal) in place and returns where the value is. Returns
    /// `None` if it was altered, or encrypted under another key or with another `about`; `sealed`
    /// is unchanged then.
    pub(crate) fn open(&self, sealed: &mut [u8], about: &[u8]) -> Option<Range<usize>> {
        let end = sealed.len().checked_sub(TAG)?;
        let (salt, rest) = sealed.split_first_chunk_mut::<SALT>()?;
        let (value, tag) = rest.split_last_chunk_mut::<TAG>()?;
        let (nonce, tag) = (Nonce::default(), Tag::from(*tag));
        let cipher = self.cipher(salt)?;
        cipher.decrypt_inout_detached(&nonce, about, InOutBuf::from(value), &tag).ok()?;
        Some(SALT..end)
    }

    fn cipher(&self, salt: &[u8; SALT]) -> Option<Aes256Gcm> {
        let mut key = Zeroizing::new([0; 32]);
        self.0.expand(salt, key.as_mut()).ok()?;
        Aes256Gcm::new_from_slice(key.as_ref()).ok()
    }
}
