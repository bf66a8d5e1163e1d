//! Instructions of an operation, counted by Callgrind, in total and without cryptography.
//!
//! Callgrind simulates a processor without SHA instructions and without AVX-512. Cryptography that
//! uses them costs more instructions there than on the machine, so it is also left out.

use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::process::{self, Progress};

/// Number of operations in the shorter run. The longer run has twice as many, and the difference
/// is free of the start of the program.
const OPERATIONS: u64 = 300;

/// Crates that contain only cryptography and its helpers.
const CRYPTOGRAPHY: [&str; 29] = [
    "aead",
    "aes",
    "aes_gcm",
    "blake2",
    "block_buffer",
    "chacha20",
    "chacha20poly1305",
    "cipher",
    "cmov",
    "cpufeatures",
    "crypto_common",
    "ctr",
    "ctutils",
    "digest",
    "generic_array",
    "ghash",
    "hkdf",
    "hmac",
    "hybrid_array",
    "inout",
    "md5",
    "poly1305",
    "polyval",
    "ring",
    "sha1",
    "sha2",
    "sha_crypt",
    "subtle",
    "universal_hash",
];

/// Number of instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Instructions {
    /// All instructions.
    pub(super) total: f64,
    /// Instructions outside of cryptography.
    pub(super) without_cryptography: f64,
}

/// Counts the instructions of one operation.
pub(super) fn count(
    program: &Path,
    kind: &str,
    logs: &Path,
    progress: &mut Progress,
) -> Result<Instructions> {
    let mut run = |operations: u64| -> Result<Counts> {
        let profile = logs.join("bench-callgrind.out");
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--compress-strings=no", "--compress-pos=no"]);
        command.arg(format!("--callgrind-out-file={}", profile.display())).arg(program);
        command.args(["--kind", kind, "--operations", &operations.to_string()]);
        let log = logs.join("bench-callgrind.log");
        let finished = process::run(&mut command, &log, progress)?;
        if !finished.success {
            return Err(format!("{kind} failed in valgrind, see {}", log.display()).into());
        }
        Ok(read(&String::from_utf8_lossy(&std::fs::read(&profile)?)))
    };
    let (short, long) = (run(OPERATIONS)?, run(2 * OPERATIONS)?);
    #[expect(clippy::cast_precision_loss, reason = "read by people")]
    let each = |short: u64, long: u64| (long as f64 - short as f64) / OPERATIONS as f64;
    Ok(Instructions {
        total: each(short.total, long.total),
        without_cryptography: each(short.rest(), long.rest()),
    })
}

/// Instructions of a run.
#[derive(Debug, Default, PartialEq)]
struct Counts {
    total: u64,
    cryptography: u64,
}

impl Counts {
    fn rest(&self) -> u64 {
        self.total - self.cryptography
    }
}

/// Sums up a profile in Callgrind's format, without compression.
///
/// Cryptography is recognized by the crate of the function, or of the file in which an inlined
/// function is written.
fn read(profile: &str) -> Counts {
    let mut counts = Counts::default();
    let (mut in_function, mut in_file, mut callee) = (false, false, false);
    for line in profile.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            in_function = is_cryptographic_function(name);
        } else if let Some((_, file)) =
            line.split_once('=').filter(|(key, _)| matches!(*key, "fl" | "fi" | "fe"))
        {
            in_file = is_cryptographic_file(file);
        } else if line.starts_with("calls=") {
            callee = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse().ok()).unwrap_or(0);
            // The line after a call is the cost of the callee, which has lines of its own.
            if !std::mem::take(&mut callee) {
                counts.total += cost;
                counts.cryptography += if in_function || in_file { cost } else { 0 };
            }
        }
    }
    counts
}

/// Checks the crate of a function such as `sha2::sha256::compress256`, and that of the trait in
/// `<hmac::Hmac<D> as digest::Update>::update`. Functions of ring begin with its name.
///
/// Vector instructions that are functions of their own belong to ciphers here: other crates that
/// use them, such as memchr, inline them.
fn is_cryptographic_function(name: &str) -> bool {
    let crate_of = |path: &str| {
        let path = path.trim_start_matches(['<', '&']);
        path.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .next()
            .is_some_and(|first| CRYPTOGRAPHY.contains(&first) || first.starts_with("ring_core_"))
    };
    let implemented = name.strip_prefix('<').and_then(|rest| rest.split_once(" as "));
    name.starts_with("core::core_arch::")
        || crate_of(name)
        || implemented.is_some_and(|(_, path)| crate_of(path))
}

/// Checks for a directory such as `sha2-0.11.1`.
fn is_cryptographic_file(file: &str) -> bool {
    file.split('/').any(|directory| {
        directory.rsplit_once('-').is_some_and(|(name, version)| {
            let named = CRYPTOGRAPHY.contains(&name.replace('-', "_").as_str());
            named && version.starts_with(|first: char| first.is_ascii_digit())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_of_cryptography_are_recognized() {
        for name in [
            "sha2::sha256::compress256",
            "<hmac::simple::Hmac<D> as digest::Mac>::update",
            "<alloc::Vec as aead::Buffer>::extend_from_slice",
            "ring_core_0_17_14__chacha20_poly1305_open",
            "core::core_arch::x86::avx2::_mm256_permutevar8x32_epi32",
        ] {
            assert!(is_cryptographic_function(name), "{name}");
        }
        for name in ["memcpy", "fs_core::token::hmac", "alloc::string::String::push", "<u8>::x"] {
            assert!(!is_cryptographic_function(name), "{name}");
        }
        assert!(is_cryptographic_file("/registry/src/index/aes-gcm-0.10.3/src/lib.rs"));
        assert!(is_cryptographic_file("/registry/src/index/sha2-0.11.1/src/lib.rs"));
        assert!(!is_cryptographic_file("/registry/src/index/serde-1.0.229/src/hmac.rs"));
    }

    #[test]
    fn costs_of_callees_are_not_counted_twice() {
        let profile = "events: Ir\nfl=/a/src/main.rs\nfn=main\n10 5\ncfn=sha2::compress\n\
                       calls=2 20\n11 100\nfi=/r/hmac-0.13.0/src/lib.rs\n4 3\nfe=/a/src/main.rs\n\
                       12 1\n\nfl=/r/sha2-0.11.1/src/lib.rs\nfn=sha2::compress\n20 100\n\
                       totals: 109\n";
        assert_eq!(read(profile), Counts { total: 109, cryptography: 103 });
    }
}
