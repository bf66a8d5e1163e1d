//! State of an account to which an undo link returns.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::CodeMethod;
use crate::model::{SealedSecret, SecondFactor, User, UserField};
use crate::recovery_code::RecoveryCodeHash;

/// State of an account before a change.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Before {
    /// Position in the order of changes.
    #[serde(default)]
    pub(super) number: u64,
    method: Option<String>,
    totp_secret: Option<String>,
    factor_phone: Option<String>,
    recovery_codes: Vec<String>,
    sign_in_secrets: BTreeMap<String, String>,
    phone: Option<String>,
}

impl Before {
    pub(super) fn of(user: &User, number: u64) -> Self {
        let factor = &user.second_factor;
        let sealed = |secret: &SealedSecret| secret.expose().to_owned();
        Self {
            number,
            method: factor.method.clone(),
            totp_secret: factor.totp_secret.as_ref().map(sealed),
            factor_phone: factor.phone.clone(),
            recovery_codes: user.recovery_codes.iter().map(RecoveryCodeHash::to_text).collect(),
            sign_in_secrets: user
                .sign_in_secrets
                .iter()
                .map(|(method, secret)| (method.clone(), sealed(secret)))
                .collect(),
            phone: user.phone.clone(),
        }
    }

    fn second_factor(&self) -> SecondFactor {
        SecondFactor {
            method: self.method.clone(),
            totp_secret: self.totp_secret.as_deref().map(SealedSecret::new),
            phone: self.factor_phone.clone(),
        }
    }

    /// Returns the same fields of a user, as guards. Whatever changes what an undo record holds
    /// expects them, since every recorded change writes one of them.
    pub(super) fn guards(user: &User) -> Vec<UserField> {
        vec![
            UserField::SecondFactor(user.second_factor.clone()),
            UserField::RecoveryCodes(user.recovery_codes.clone()),
            UserField::SignInSecrets(user.sign_in_secrets.clone()),
            UserField::Phone(user.phone.clone()),
        ]
    }

    /// Removes the sign-in methods, and the phone number that belongs to one of them.
    pub(super) fn without_methods(mut self) -> Self {
        if self.sign_in_secrets.contains_key(CodeMethod::Sms.name()) {
            self.phone = None;
        }
        self.sign_in_secrets.clear();
        self
    }

    /// Removes the phone number, which another account may have by now.
    pub(super) fn without_phone(self) -> Self {
        Self { phone: None, ..self }
    }

    /// Checks whether there are sign-in methods.
    pub(super) fn has_methods(&self) -> bool {
        !self.sign_in_secrets.is_empty()
    }

    /// Returns the state as fields. `later` are the states after this one: recovery codes that were
    /// used in the meantime, with the same second factor, stay used. None is left if new ones were
    /// made in the meantime, for whatever factor: nothing tells who made them, nor why.
    pub(super) fn fields(&self, later: &[Self]) -> Vec<UserField> {
        let factor = self.second_factor();
        let mut of_later = later.iter().flat_map(|state| &state.recovery_codes);
        let replaced = of_later.any(|code| !self.recovery_codes.contains(code));
        let same: Vec<_> = later.iter().filter(|state| state.second_factor() == factor).collect();
        let left = |code: &&String| {
            !replaced && same.iter().all(|state| state.recovery_codes.contains(code))
        };
        let codes = self.recovery_codes.iter().filter(left);
        let codes = codes.filter_map(|text| RecoveryCodeHash::from_text(text)).collect();
        let secrets = self.sign_in_secrets.iter();
        let secrets = secrets
            .map(|(method, secret)| (method.clone(), SealedSecret::new(secret.as_str())))
            .collect();
        vec![
            UserField::SecondFactor(factor),
            UserField::RecoveryCodes(codes),
            UserField::SignInSecrets(secrets),
            UserField::Phone(self.phone.clone()),
        ]
    }
}
