//! Groups of operations. [`Security`] has a method for each.

use crate::security::Security;

/// Registration, confirmation, look-up, and passwords.
/// [`Security::accounts`] returns this group.
#[derive(Clone, Copy, Debug)]
pub struct AccountFlows<'a> {
    pub(super) core: &'a Security,
}

/// Sign-in with a password, a code or a link.
/// [`Security::sign_in`] returns this group.
#[derive(Clone, Copy, Debug)]
pub struct SignInFlows<'a> {
    pub(super) core: &'a Security,
}

/// Sessions: their user, reauthentication, remembered browsers, and sign-out.
/// [`Security::sessions`] returns this group.
#[derive(Clone, Copy, Debug)]
pub struct SessionFlows<'a> {
    pub(super) core: &'a Security,
}

/// Second factors: set-up, check during a sign-in, recovery codes, and undo links.
/// [`Security::second_factors`] returns this group.
#[derive(Clone, Copy, Debug)]
pub struct SecondFactorFlows<'a> {
    pub(super) core: &'a Security,
}

/// Set-up and removal of unified sign-in methods.
/// [`Security::sign_in_methods`] returns this group.
#[derive(Clone, Copy, Debug)]
pub struct SignInMethodFlows<'a> {
    pub(super) core: &'a Security,
}

/// Auth tokens, with which programs act for a user.
/// [`Security::auth_tokens`] returns this group.
#[derive(Clone, Copy, Debug)]
pub struct AuthTokenFlows<'a> {
    pub(super) core: &'a Security,
}

/// Administration of accounts and roles. No operation checks who calls it: check the permissions
/// of the caller first.
/// [`Security::admin`] returns this group.
#[derive(Clone, Copy, Debug)]
pub struct AdminFlows<'a> {
    pub(super) core: &'a Security,
}

/// Groups of operations.
impl Security {
    /// Returns the flows of accounts: registration, confirmation, look-up, and passwords.
    pub fn accounts(&self) -> AccountFlows<'_> {
        AccountFlows { core: self }
    }

    /// Returns the flows of a sign-in with a password, a code or a link.
    pub fn sign_in(&self) -> SignInFlows<'_> {
        SignInFlows { core: self }
    }

    /// Returns the flows of sessions: their user, reauthentication, remembered browsers, and
    /// sign-out.
    pub fn sessions(&self) -> SessionFlows<'_> {
        SessionFlows { core: self }
    }

    /// Returns the flows of second factors: set-up, check during a sign-in, recovery codes, and
    /// undo links.
    pub fn second_factors(&self) -> SecondFactorFlows<'_> {
        SecondFactorFlows { core: self }
    }

    /// Returns the flows that set up and remove unified sign-in methods.
    pub fn sign_in_methods(&self) -> SignInMethodFlows<'_> {
        SignInMethodFlows { core: self }
    }

    /// Returns the flows of auth tokens, with which programs act for a user.
    pub fn auth_tokens(&self) -> AuthTokenFlows<'_> {
        AuthTokenFlows { core: self }
    }

    /// Returns the flows that administer accounts and roles. They do not check permissions: check
    /// those of the caller first.
    pub fn admin(&self) -> AdminFlows<'_> {
        AdminFlows { core: self }
    }
}
