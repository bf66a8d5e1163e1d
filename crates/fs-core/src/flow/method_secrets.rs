//! Secrets of the sign-in methods of a user. The work is the same for an account that does not
//! exist.

use super::FlowError;
use super::code_message::CodePurpose;
use super::codes::{AcceptedCode, TypedCode, UNREADABLE_SECRET};
use super::sent_codes::MOST_A_STEP;
use crate::config::{CodeMethod, Disclosure};
use crate::context::Context;
use crate::model::{SealedSecret, User};
use crate::password::HashLane;
use crate::security::Security;
use crate::totp::{TotpSecret, Window};

/// Secret of a sign-in method.
pub(super) struct MethodSecret {
    pub(super) method: CodeMethod,
    secret: TotpSecret,
    /// Whether it stands in for a secret that is missing, so that no code matches.
    stands_in: bool,
}

impl Security {
    /// Compares a code with the secret of a sign-in method. If there is no user or no secret, does
    /// the same work and returns `None`.
    pub(super) async fn accept_passcode(
        &self,
        ctx: &Context,
        user: Option<&User>,
        secret: &MethodSecret,
        typed: &str,
        window: Window,
    ) -> Result<Option<AcceptedCode>, FlowError> {
        let (method, stands_in) = (secret.method, secret.stands_in);
        let secret = &secret.secret;
        let Some(user) = user.filter(|_| !stands_in) else {
            let rules = self.totp_rules();
            std::hint::black_box(rules.check(secret, typed, ctx.now, window, None));
            if method.is_sent() {
                std::hint::black_box(rules.check_ahead(secret, typed, ctx.now, MOST_A_STEP));
            }
            return Ok(None);
        };
        let purpose = CodePurpose::SignIn(method);
        self.accept_code(ctx, TypedCode { user, secret, typed, method, window, purpose }).await
    }

    /// Decrypts the secrets of a user's sign-in methods. The work is the same whatever is stored,
    /// and whether the user exists or not: another secret stands in for one that is missing.
    pub(super) async fn sign_in_secrets(
        &self,
        ctx: &Context,
        lane: HashLane,
        user: Option<&User>,
        methods: Vec<CodeMethod>,
    ) -> Result<Vec<MethodSecret>, FlowError> {
        if methods.is_empty() {
            return Ok(Vec::new());
        }
        let (other, random) = (self.new_totp_secret()?, self.random()?);
        let stand_in = other.clone();
        let stored = |method: &CodeMethod| {
            user.and_then(|user| user.sign_in_secrets.get(method.name())).cloned()
        };
        let stored: Vec<_> = methods.iter().map(stored).collect();
        let wallet = self.wallet().ok_or(FlowError::NoWallet)?;
        let open = move |sealed: Option<SealedSecret>| match sealed {
            Some(sealed) => Some(wallet.open(&sealed)),
            // Encrypting takes as long as decrypting.
            None => {
                std::hint::black_box(wallet.seal(&other, random));
                None
            }
        };
        let open_all = move || stored.into_iter().map(open).collect();
        let opened: Vec<_> = self.run_slow(lane, methods.len(), open_all).await?;
        let unreadable = opened.iter().flatten().filter(|opened| opened.is_err()).count();
        if let Some(user) = user {
            (0..unreadable).for_each(|_| self.code_failed(ctx, user, UNREADABLE_SECRET));
        }
        let found = methods.into_iter().zip(opened);
        let secret = |(method, opened): (CodeMethod, Option<Result<TotpSecret, _>>)| {
            let derived = self.secret_of_mailed_codes(user, method);
            let secret = match opened {
                Some(opened) => opened.ok(),
                None => derived.filter(|_| user.is_some()),
            };
            let stands_in = secret.is_none();
            MethodSecret { method, secret: secret.unwrap_or_else(|| stand_in.clone()), stands_in }
        };
        Ok(found.map(secret).collect())
    }

    /// Derives the secret of mailed codes of a user who has none stored, if answers must not reveal
    /// whether an account exists: so the first code causes the same writes as every later one.
    /// Flask-Security stores a secret instead. Does the same work without a user.
    pub(super) fn secret_of_mailed_codes(
        &self,
        user: Option<&User>,
        method: CodeMethod,
    ) -> Option<TotpSecret> {
        let derived =
            method == CodeMethod::Email && self.config().disclosure == Disclosure::Generic;
        let names = self.counters();
        let owner = user.map_or("0", |user| user.id.as_str());
        let secret = || names.secret("fs mailed code v1", &[owner]);
        derived
            .then(secret)
            .and_then(|secret| secret.first_chunk().copied())
            .map(TotpSecret::from_random)
    }
}
