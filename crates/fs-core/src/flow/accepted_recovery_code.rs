//! Recovery code that was found among those of an account.

use crate::model::{User, UserField};
use crate::port::Change;
use crate::recovery_code::RecoveryCodeHash;
use crate::security::Security;

/// Accepted recovery code. Only [`Security::accept_recovery_code`] creates one.
#[must_use]
pub(super) struct AcceptedRecoveryCode {
    left: Vec<RecoveryCodeHash>,
}

impl AcceptedRecoveryCode {
    /// Returns the remaining codes.
    pub(super) fn left(&self) -> Vec<RecoveryCodeHash> {
        self.left.clone()
    }

    /// Returns the change that spends the code, if the codes of the account have not changed.
    pub(super) fn spend(&self, user: &User) -> Change {
        Change::UpdateUser {
            user: user.id.clone(),
            expect: vec![UserField::RecoveryCodes(user.recovery_codes.clone())],
            set: vec![UserField::RecoveryCodes(self.left.clone())],
        }
    }
}

impl Security {
    /// Finds a code among those of the account. Count the attempt first.
    pub(super) fn accept_recovery_code(
        &self,
        user: &User,
        typed: &str,
    ) -> Option<AcceptedRecoveryCode> {
        let at = self.recovery_code_hasher().find(&user.recovery_codes, typed)?;
        let mut left = user.recovery_codes.clone();
        left.remove(at);
        Some(AcceptedRecoveryCode { left })
    }
}
