//! Binding of a token to the address or password for which it was issued.

use std::fmt;

use data_encoding::HEXLOWER;
use md5::{Digest, Md5};
use sha_crypt::password_hash::{CustomizedPasswordHasher, PasswordVerifier};
use sha_crypt::{Params, ShaCrypt};
use subtle::ConstantTimeEq;

use super::codec::Codec;
use super::native;

/// Random bytes for a token that is bound to a text. Use new ones for each token.
#[derive(Clone, Copy, Debug)]
pub struct BindingSalt(pub [u8; 12]);

/// Digest in a token, with the key to compare it.
#[derive(Clone)]
pub(super) enum Binding {
    /// Short MAC under the key that signed the token.
    Tied { signer: native::Signer, key: usize, tie: String },
    /// Digest in one of passlib's formats.
    Digest(String),
}

impl Binding {
    /// Returns the digest of `text` for a token.
    ///
    /// In Python's format it is `sha256_crypt`, with the fewest rounds, since the digest is signed
    /// and does not protect a password.
    pub(super) fn of(codec: &Codec, text: &str, salt: BindingSalt) -> String {
        match codec {
            Codec::Native(signer) => signer.tie(text),
            Codec::Itsdangerous(_) => sha256_crypt(text, salt),
        }
    }

    /// Reads a digest from a token that `codec` opened and that was signed with key number `key`.
    pub(super) fn read(codec: &Codec, key: usize, digest: String) -> Self {
        match codec {
            Codec::Native(signer) => Self::Tied { signer: signer.clone(), key, tie: digest },
            Codec::Itsdangerous(_) => Self::Digest(digest),
        }
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Tied { signer, key, tie } => signer.is_tied(*key, tie, text),
            Self::Digest(digest) if digest.starts_with("$5$") => {
                ShaCrypt::SHA256.verify_password(text.as_bytes(), digest.as_str()).is_ok()
            }
            Self::Digest(digest) => {
                let md5 = HEXLOWER.encode(&Md5::digest(text));
                md5.as_bytes().ct_eq(digest.to_ascii_lowercase().as_bytes()).into()
            }
        }
    }

    pub(super) fn is_slow(&self) -> bool {
        matches!(self, Self::Digest(digest) if digest.starts_with("$5$"))
    }
}

#[expect(clippy::expect_used, reason = "the number of rounds and the salt are always valid")]
fn sha256_crypt(text: &str, salt: BindingSalt) -> String {
    let params = Params::new(Params::ROUNDS_MIN).expect("the fewest rounds are allowed");
    let hash = ShaCrypt::SHA256
        .hash_password_customized(text.as_bytes(), &salt.0, None, None, params)
        .expect("twelve octets are a salt");
    hash.as_str().to_owned()
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Binding(..)")
    }
}
