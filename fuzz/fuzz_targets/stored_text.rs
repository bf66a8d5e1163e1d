//! Text of cookies, links and databases: tokens, hashes and sealed secrets.
//!
//! Nothing that was not issued is accepted, and no stored text asks for unlimited work.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use fs_core::Timestamp;
use fs_core::csrf::CsrfSecret;
use fs_core::model::{PasswordHash, Permissions, SealedSecret};
use fs_core::password::{HashingRules, PasswordHasher, Scheme};
use fs_core::recovery_code::RecoveryCodeHash;
use fs_core::secret::Secret;
use fs_core::session::Sealer;
use fs_core::token::{
    AuthToken, ConfirmToken, DeviceToken, RememberToken, ResetToken, Salts, SignInLinkToken,
    SigningKeys, TokenFormat, TokenSigner, UndoToken,
};
use fs_core::totp::{TotpSecret, Wallet, WalletFormat};
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const YEAR: Duration = Duration::from_secs(31_536_000);

struct Readers {
    hasher: PasswordHasher,
    wallet: Wallet,
    sealer: Sealer,
    signers: [TokenSigner; 2],
}

static READERS: LazyLock<Readers> = LazyLock::new(|| {
    let keys = SigningKeys::new(vec![Secret::from("a key of thirty-two characters..")]).unwrap();
    let signer = |format| TokenSigner::new(&keys, format, &Salts::default()).unwrap();
    let totp = BTreeMap::from([("1".to_owned(), Secret::from("another key of 32 characters...."))]);
    Readers {
        hasher: PasswordHasher::new(HashingRules::cheapest_for_tests()).unwrap(),
        wallet: Wallet::new(totp, WalletFormat::Passlib).unwrap(),
        sealer: Sealer::new(&[Secret::from("a key")], "session"),
        signers: [signer(TokenFormat::Native), signer(TokenFormat::Itsdangerous)],
    }
});

fuzz_target!(|text: &str| {
    let readers = &*READERS;
    let hash = PasswordHash::new(text);
    let _ = Scheme::identify(&hash);
    let _ = readers.hasher.inspect(&hash);
    assert!(readers.wallet.open(&SealedSecret::new(text)).is_err());
    assert!(readers.sealer.open(text, NOW, YEAR).is_none());
    let _ = CsrfSecret::from_text(text);
    let _ = Permissions::from_text(text);
    if let Some(code) = RecoveryCodeHash::from_text(text) {
        assert_eq!(code.to_text(), text);
    }
    if let Ok(secret) = TotpSecret::from_base32(text) {
        let written = secret.to_base32();
        assert_eq!(TotpSecret::from_base32(written.expose()).unwrap().to_base32(), written);
    }
    readers.signers.iter().for_each(|signer| tokens(signer, text));
});

fn tokens(signer: &TokenSigner, text: &str) {
    assert!(AuthToken::verify(signer, text, NOW, Some(YEAR)).is_err());
    assert!(ConfirmToken::verify(signer, text, NOW, YEAR).is_err());
    assert!(DeviceToken::verify(signer, text, NOW, YEAR).is_err());
    assert!(RememberToken::verify(signer, text, NOW, YEAR).is_err());
    assert!(ResetToken::verify(signer, text, NOW, YEAR).is_err());
    assert!(SignInLinkToken::verify(signer, text, NOW, YEAR).is_err());
    assert!(UndoToken::verify(signer, text, NOW, YEAR).is_err());
}
