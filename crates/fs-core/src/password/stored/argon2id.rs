//! Argon2 (RFC 9106) in the PHC text format: `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`.

use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq;

use super::super::Scratch;
use super::Flaw;

/// Maximum memory of a stored hash, in KiB: 1 GiB.
pub(in crate::password) const MAX_MEMORY_KIB: u32 = 1 << 20;
/// Maximum number of passes over the memory.
pub(in crate::password) const MAX_ITERATIONS: u32 = 100;
/// Maximum product of memory in KiB and passes: four passes over 1 GiB, which take some seconds.
pub(in crate::password) const MAX_MEMORY_PASSES_KIB: u64 = 4 << 20;

/// Length of new hashes, in bytes.
const OUTPUT: usize = 32;
/// Minimum length of a stored hash, in bytes.
const MIN_OUTPUT: usize = 16;

/// Parsed Argon2 hash.
pub(in crate::password) struct Argon2Hash {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Argon2Hash {
    pub(super) fn read(text: &str) -> Result<Self, Flaw> {
        let hash = PasswordHash::new(text).map_err(|_| Flaw::Malformed)?;
        let algorithm =
            Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| Flaw::Malformed)?;
        // Hashes of the first version contain no version number.
        let version = hash.version.unwrap_or(Version::V0x10.into());
        let version = Version::try_from(version).map_err(|_| Flaw::Malformed)?;
        let (Some(salt), Some(output)) = (&hash.salt, &hash.hash) else {
            return Err(Flaw::Malformed);
        };
        let params = Params::try_from(&hash).map_err(|_| Flaw::Malformed)?;
        if output.len() < MIN_OUTPUT || !params.keyid().is_empty() || !params.data().is_empty() {
            return Err(Flaw::Malformed);
        }
        if !is_affordable(params.m_cost(), params.t_cost()) {
            return Err(Flaw::TooCostly);
        }
        Ok(Self {
            algorithm,
            version,
            params,
            salt: salt.to_vec(),
            output: output.as_bytes().to_vec(),
        })
    }

    /// Parses Django's format, which has another name in front: `argon2$argon2id$…`.
    pub(super) fn read_django(text: &str) -> Result<Self, Flaw> {
        let rest = text.strip_prefix("argon2").ok_or(Flaw::Malformed)?;
        Self::read(rest)
    }

    pub(super) fn matches(&self, password: &[u8], scratch: &mut Scratch, keep: usize) -> bool {
        let mut output = vec![0; self.output.len()];
        let blocks = scratch.lend(self.params.block_count(), keep);
        Argon2::new(self.algorithm, self.version, self.params.clone())
            .hash_password_into_with_memory(password, &self.salt, &mut output, blocks)
            .is_ok_and(|()| output.ct_eq(&self.output).into())
    }

    /// Checks whether a new hash with these parameters would be of another kind.
    pub(in crate::password) fn differs_from(&self, params: &Params) -> bool {
        let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        self.algorithm != Algorithm::Argon2id
            || self.version != Version::V0x13
            || costs(&self.params) != costs(params)
    }

    /// Returns a new Argon2id hash as text.
    pub(in crate::password) fn create(
        params: &Params,
        password: &[u8],
        salt: &[u8],
        scratch: &mut Scratch,
    ) -> Option<String> {
        let mut output = [0; OUTPUT];
        let count = params.block_count();
        let blocks = scratch.lend(count, count);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
            .hash_password_into_with_memory(password, salt, &mut output, blocks)
            .ok()?;
        Some(text(params, salt, &output))
    }

    /// Returns a well-formed hash of no password.
    pub(in crate::password) fn of_nothing(params: &Params) -> String {
        text(params, &[0; 16], &[0; OUTPUT])
    }
}

fn text(params: &Params, salt: &[u8], output: &[u8]) -> String {
    format!(
        "$argon2id$v=19$m={},t={},p={}${}${}",
        params.m_cost(),
        params.t_cost(),
        params.p_cost(),
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(output),
    )
}

/// Checks whether the cost of hashing is within the limits.
fn is_affordable(memory_kib: u32, iterations: u32) -> bool {
    memory_kib <= MAX_MEMORY_KIB
        && iterations <= MAX_ITERATIONS
        && u64::from(memory_kib) * u64::from(iterations) <= MAX_MEMORY_PASSES_KIB
}
