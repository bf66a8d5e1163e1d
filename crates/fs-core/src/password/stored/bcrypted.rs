//! bcrypt, alone and over a digest of the password.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{NO_PAD, STANDARD};
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Flaw, number};

/// Maximum cost of a stored hash: 2^17 rounds, about ten seconds.
pub(in crate::password) const MAX_COST: u32 = 17;
const MIN_COST: u32 = 4;

/// Base64 of bcrypt. Old libraries left arbitrary bits at the end of the salt; they are ignored, as
/// in passlib.
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, LENIENT);
const LENIENT: GeneralPurposeConfig = NO_PAD.with_decode_allow_trailing_bits(true);

/// Parsed bcrypt hash.
pub(in crate::password) struct BcryptHash {
    cost: u32,
    salt: [u8; 16],
    digest: [u8; 23],
    input: Input,
}

/// Input of bcrypt.
enum Input {
    /// Password. bcrypt reads 72 bytes of it, and refuses NUL.
    Password,
    /// Hexadecimal SHA-256 (Django).
    HexSha256,
    /// Base64 of SHA-256 (passlib's first version).
    Base64Sha256,
    /// Base64 of HMAC-SHA256 by the salt's text (passlib's second version).
    Base64HmacSha256(String),
}

impl BcryptHash {
    /// Parses `$2b$12$` and 53 characters.
    pub(super) fn read(text: &str) -> Result<Self, Flaw> {
        let rest = ["$2a$", "$2b$", "$2y$"]
            .iter()
            .find_map(|ident| text.strip_prefix(ident))
            .ok_or(Flaw::Malformed)?;
        let (cost, rest) = rest.split_once('$').ok_or(Flaw::Malformed)?;
        let (salt, digest) = rest.split_at_checked(22).ok_or(Flaw::Malformed)?;
        // Two digits, always.
        let cost = match cost.strip_prefix('0') {
            Some(digit) if digit.len() == 1 => number(digit)?,
            None if cost.len() == 2 => number(cost)?,
            _ => return Err(Flaw::Malformed),
        };
        Self::new(cost, salt, digest, Input::Password)
    }

    /// Parses Django's format: `bcrypt$` and the hash.
    pub(super) fn read_django(text: &str) -> Result<Self, Flaw> {
        Self::read(text.strip_prefix("bcrypt$").ok_or(Flaw::Malformed)?)
    }

    /// Parses Django's format: `bcrypt_sha256$` and the hash.
    pub(super) fn read_django_sha256(text: &str) -> Result<Self, Flaw> {
        let hash = Self::read(text.strip_prefix("bcrypt_sha256$").ok_or(Flaw::Malformed)?)?;
        Ok(Self { input: Input::HexSha256, ..hash })
    }

    /// Parses passlib's formats: `$bcrypt-sha256$v=2,t=2b,r=12$salt$digest`, and the former
    /// `$bcrypt-sha256$2b,12$…`.
    pub(super) fn read_sha256(text: &str) -> Result<Self, Flaw> {
        let rest = text.strip_prefix("$bcrypt-sha256$").ok_or(Flaw::Malformed)?;
        let mut fields = rest.split('$');
        let (Some(params), Some(salt), Some(digest), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(Flaw::Malformed);
        };
        let (params, input) = match params.strip_prefix("v=2,t=") {
            Some(params) => (params, Input::Base64HmacSha256(salt.to_owned())),
            None => (params, Input::Base64Sha256),
        };
        let (ident, cost) = params.split_once(',').ok_or(Flaw::Malformed)?;
        if !matches!(ident, "2a" | "2b" | "2y") {
            return Err(Flaw::Malformed);
        }
        let cost = match input {
            Input::Base64HmacSha256(_) => cost.strip_prefix("r=").ok_or(Flaw::Malformed)?,
            _ => cost,
        };
        Self::new(number(cost)?, salt, digest, input)
    }

    fn new(cost: u32, salt: &str, digest: &str, input: Input) -> Result<Self, Flaw> {
        if cost < MIN_COST {
            return Err(Flaw::Malformed);
        }
        if cost > MAX_COST {
            return Err(Flaw::TooCostly);
        }
        Ok(Self { cost, salt: decode(salt)?, digest: decode(digest)?, input })
    }

    /// Checks whether new hashes have another cost.
    pub(in crate::password) fn has_other_cost(&self, cost: u32) -> bool {
        self.cost != cost
    }

    pub(super) fn can_match(&self, password: &[u8]) -> bool {
        !matches!(self.input, Input::Password) || !password.contains(&0)
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let input = self.input.of(password);
        let Some(made) = digest_text(self.cost, self.salt, &input) else {
            return false;
        };
        let stored = BASE64.encode(self.digest);
        made.as_bytes().ct_eq(stored.as_bytes()).into()
    }

    /// Returns a new hash as text. Only the first 72 bytes of the password count.
    pub(in crate::password) fn create(
        cost: u32,
        password: &[u8],
        salt: [u8; 16],
    ) -> Option<String> {
        bcrypt::hash_with_salt(password, cost, salt).ok().map(|parts| parts.to_string())
    }

    /// Returns a well-formed hash of no password.
    pub(in crate::password) fn of_nothing(cost: u32) -> String {
        format!("$2b${cost:02}${}{}", BASE64.encode([0; 16]), BASE64.encode([0; 23]))
    }
}

impl Input {
    fn of(&self, password: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Password => password.to_vec(),
            Self::HexSha256 => HEXLOWER.encode(&Sha256::digest(password)).into_bytes(),
            Self::Base64Sha256 => STANDARD.encode(Sha256::digest(password)).into_bytes(),
            Self::Base64HmacSha256(key) => match Hmac::<Sha256>::new_from_slice(key.as_bytes()) {
                Ok(mac) => {
                    STANDARD.encode(mac.chain_update(password).finalize().into_bytes()).into_bytes()
                }
                Err(_) => Vec::new(),
            },
        })
    }
}

/// Decodes a text of exactly `N` bytes.
fn decode<const N: usize>(text: &str) -> Result<[u8; N], Flaw> {
    BASE64.decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(Flaw::Malformed)
}

/// Returns the last 31 characters of a hash.
fn digest_text(cost: u32, salt: [u8; 16], input: &[u8]) -> Option<String> {
    let text = BcryptHash::create(cost, input, salt)?;
    text.get(29..).map(str::to_owned)
}
