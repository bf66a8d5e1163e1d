//! Django's oldest formats: one SHA-1 or MD5 over salt and password, `sha1$salt$hex`.

use data_encoding::HEXLOWER_PERMISSIVE;
use md5::Md5;
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

use super::Flaw;

/// Parsed salted digest.
pub(in crate::password) struct SaltedDigest {
    kind: Kind,
    salt: String,
    digest: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Kind {
    Md5,
    Sha1,
}

impl SaltedDigest {
    pub(super) fn read(text: &str) -> Result<Self, Flaw> {
        let mut fields = text.split('$');
        let (Some(name), Some(salt), Some(hex), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(Flaw::Malformed);
        };
        let (kind, len) = match name {
            "md5" => (Kind::Md5, 16),
            "sha1" => (Kind::Sha1, 20),
            _ => return Err(Flaw::Malformed),
        };
        let digest = HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).map_err(|_| Flaw::Malformed)?;
        if digest.len() != len {
            return Err(Flaw::Malformed);
        }
        Ok(Self { kind, salt: salt.to_owned(), digest })
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let made = match self.kind {
            Kind::Md5 => {
                Md5::new().chain_update(&self.salt).chain_update(password).finalize().to_vec()
            }
            Kind::Sha1 => {
                Sha1::new().chain_update(&self.salt).chain_update(password).finalize().to_vec()
            }
        };
        made.ct_eq(&self.digest).into()
    }
}
