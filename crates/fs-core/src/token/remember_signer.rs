//! Keys of remember cookies, in either format.

use hmac::Hmac;
use sha2::Sha512;

use super::codec::Codec;
use super::keys::{SigningKeys, TokenFormat};
use super::timed::keyed;

/// Keys of remember cookies.
#[derive(Clone)]
pub(super) enum RememberSigner {
    Native(Codec),
    /// Flask-Login's format: the name, a bar, and its HMAC-SHA512 in hexadecimal, keyed with the
    /// secret.
    FlaskLogin(Vec<Hmac<Sha512>>),
}

impl RememberSigner {
    pub(super) fn new(keys: &SigningKeys, format: TokenFormat) -> Self {
        match format {
            TokenFormat::Native => Self::Native(Codec::new(keys, format, "", "remember")),
            TokenFormat::Itsdangerous => Self::FlaskLogin(
                keys.iter().map(|key| keyed(&latin1_or_utf8(key.expose()))).collect(),
            ),
        }
    }
}

/// Encodes the secret as Flask-Login does, in Latin-1. Secrets that Latin-1 cannot represent are
/// encoded in UTF-8.
fn latin1_or_utf8(secret: &str) -> Vec<u8> {
    let latin1: Result<Vec<u8>, _> = secret.chars().map(u8::try_from).collect();
    latin1.unwrap_or_else(|_| secret.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_latin_1_where_they_can_be() {
        assert_eq!(latin1_or_utf8("né"), b"n\xe9");
        assert_eq!(latin1_or_utf8("€"), "€".as_bytes());
    }
}
