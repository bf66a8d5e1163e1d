//! Codes of an authenticator app, as a user of the scenarios would type them.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// Returns the six-digit code (RFC 6238, SHA-1, 30 s) of a base32 secret at a Unix time, or `None`
/// if the secret is not base32. Spaces, dashes and the case of the secret are ignored.
pub(crate) fn code(secret: &str, at: i64) -> Option<String> {
    let letters: String = secret
        .chars()
        .filter(|letter| !matches!(letter, ' ' | '-' | '='))
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    let key = BASE32_NOPAD.decode(letters.as_bytes()).ok()?;
    let mut mac = Hmac::<Sha1>::new_from_slice(&key).ok()?;
    mac.update(&at.div_euclid(30).to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest.last()? & 15);
    let bytes = digest.get(offset..offset + 4)?.try_into().ok()?;
    Some(format!("{:06}", (u32::from_be_bytes(bytes) & 0x7fff_ffff) % 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_rfc_6238() {
        let secret = "GEZD GNBV-gy3tqojqGEZDGNBVGY3TQOJQ";
        for (at, wanted) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")]
        {
            assert_eq!(code(secret, at).unwrap(), wanted);
        }
        assert_eq!(code("not base32!", 0), None);
    }
}
