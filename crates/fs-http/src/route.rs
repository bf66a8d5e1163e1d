//! The endpoints of this library, with their names, settings and usual paths.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An endpoint of this library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// Sign-in with a password.
    SignIn,
    /// Sign-out.
    SignOut,
    /// Verification of the identity of a signed-in user.
    Verify,
    /// Registration.
    Register,
    /// Request of a confirmation link.
    SendConfirmation,
    /// Confirmation link.
    Confirm,
    /// Request of a reset link.
    ForgotPassword,
    /// Reset link, and choice of a new password.
    ResetPassword,
    /// Change of the password.
    ChangePassword,
    /// Sign-in link.
    SignInLink,
    /// Setup of a second factor.
    TwoFactorSetup,
    /// Entry of the code of a second factor.
    TwoFactorValidate,
    /// Help for users who cannot use their second factor.
    TwoFactorRescue,
    /// Creation of recovery codes.
    RecoveryCodes,
    /// Entry of a recovery code instead of a second factor.
    UseRecoveryCode,
    /// List and revocation of auth tokens.
    AuthTokens,
    /// Unified sign-in with a password or code.
    UnifiedSignIn,
    /// Request of a code to sign in.
    UnifiedSendCode,
    /// Setup of a sign-in method.
    UnifiedSetup,
    /// Verification of a sign-in method during its setup.
    UnifiedSetupValidate,
    /// Verification of the identity of a signed-in user, with a password or code.
    UnifiedVerify,
    /// Request of a code to verify the identity of a signed-in user.
    UnifiedVerifySendCode,
    /// Link in the mail with a code, which signs the user in.
    UnifiedLink,
    /// Link that undoes a change of the second factor or of a sign-in method.
    UndoChange,
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = Self::ALL.iter().find(|endpoint| endpoint.name() == name);
        let names =
            || Self::ALL.iter().map(|endpoint| endpoint.name()).collect::<Vec<_>>().join(", ");
        let wrong =
            || D::Error::custom(format!("{name:?} is not an endpoint; use one of {}", names()));
        found.copied().ok_or_else(wrong)
    }
}

impl Endpoint {
    /// All endpoints.
    pub const ALL: &[Self] = &[
        Self::SignIn,
        Self::SignOut,
        Self::Verify,
        Self::Register,
        Self::SendConfirmation,
        Self::Confirm,
        Self::ForgotPassword,
        Self::ResetPassword,
        Self::ChangePassword,
        Self::SignInLink,
        Self::TwoFactorSetup,
        Self::TwoFactorValidate,
        Self::TwoFactorRescue,
        Self::RecoveryCodes,
        Self::UseRecoveryCode,
        Self::AuthTokens,
        Self::UnifiedSignIn,
        Self::UnifiedSendCode,
        Self::UnifiedSetup,
        Self::UnifiedSetupValidate,
        Self::UnifiedVerify,
        Self::UnifiedVerifySendCode,
        Self::UnifiedLink,
        Self::UndoChange,
    ];

    /// Returns the name in Flask-Security, without that of the blueprint. Endpoints that
    /// Flask-Security does not have get a name in the same style.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignIn => "login",
            Self::SignOut => "logout",
            Self::Verify => "verify",
            Self::Register => "register",
            Self::SendConfirmation => "send_confirmation",
            Self::Confirm => "confirm_email",
            Self::ForgotPassword => "forgot_password",
            Self::ResetPassword => "reset_password",
            Self::ChangePassword => "change_password",
            Self::SignInLink => "token_login",
            Self::TwoFactorSetup => "two_factor_setup",
            Self::TwoFactorValidate => "two_factor_token_validation",
            Self::TwoFactorRescue => "two_factor_rescue",
            Self::RecoveryCodes => "mf_recovery_codes",
            Self::UseRecoveryCode => "mf_recovery",
            Self::AuthTokens => "auth_tokens",
            Self::UnifiedSignIn => "us_signin",
            Self::UnifiedSendCode => "us_signin_send_code",
            Self::UnifiedSetup => "us_setup",
            Self::UnifiedSetupValidate => "us_setup_validate",
            Self::UnifiedVerify => "us_verify",
            Self::UnifiedVerifySendCode => "us_verify_send_code",
            Self::UnifiedLink => "us_verify_link",
            Self::UndoChange => "undo_change",
        }
    }

    /// Returns Flask-Security's configuration key for the path, or a key in the same style.
    pub const fn url_key(self) -> &'static str {
        match self {
            Self::SignIn | Self::SignInLink => "SECURITY_LOGIN_URL",
            Self::SignOut => "SECURITY_LOGOUT_URL",
            Self::Verify => "SECURITY_VERIFY_URL",
            Self::Register => "SECURITY_REGISTER_URL",
            Self::SendConfirmation | Self::Confirm => "SECURITY_CONFIRM_URL",
            Self::ForgotPassword | Self::ResetPassword => "SECURITY_RESET_URL",
            Self::ChangePassword => "SECURITY_CHANGE_URL",
            Self::TwoFactorSetup => "SECURITY_TWO_FACTOR_SETUP_URL",
            Self::TwoFactorValidate => "SECURITY_TWO_FACTOR_TOKEN_VALIDATION_URL",
            Self::TwoFactorRescue => "SECURITY_TWO_FACTOR_RESCUE_URL",
            Self::RecoveryCodes => "SECURITY_MULTI_FACTOR_RECOVERY_CODES_URL",
            Self::UseRecoveryCode => "SECURITY_MULTI_FACTOR_RECOVERY_URL",
            Self::AuthTokens => "SECURITY_AUTH_TOKENS_URL",
            Self::UnifiedSignIn => "SECURITY_US_SIGNIN_URL",
            Self::UnifiedSendCode => "SECURITY_US_SIGNIN_SEND_CODE_URL",
            Self::UnifiedSetup | Self::UnifiedSetupValidate => "SECURITY_US_SETUP_URL",
            Self::UnifiedVerify => "SECURITY_US_VERIFY_URL",
            Self::UnifiedVerifySendCode => "SECURITY_US_VERIFY_SEND_CODE_URL",
            Self::UnifiedLink => "SECURITY_US_VERIFY_LINK_URL",
            Self::UndoChange => "SECURITY_UNDO_CHANGE_URL",
        }
    }

    /// Returns the endpoint whose path this one's begins with, when a token follows it.
    pub(crate) const fn base(self) -> Self {
        match self {
            Self::Confirm => Self::SendConfirmation,
            Self::ResetPassword => Self::ForgotPassword,
            Self::SignInLink => Self::SignIn,
            Self::UnifiedSetupValidate => Self::UnifiedSetup,
            other => other,
        }
    }

    pub(crate) const fn takes_token(self) -> bool {
        matches!(
            self,
            Self::Confirm
                | Self::ResetPassword
                | Self::SignInLink
                | Self::UnifiedSetupValidate
                | Self::UndoChange
        )
    }

    /// Checks whether GET changes something, as with a link in a mail. `HEAD`, by which programs
    /// check links before people open them, is then answered without any effect.
    pub(crate) const fn acts_on_get(self) -> bool {
        matches!(
            self,
            Self::SignOut
                | Self::Confirm
                | Self::ResetPassword
                | Self::SignInLink
                | Self::UnifiedLink
        )
    }

    /// Checks whether GET shows a page to a signed-in user and changes nothing, so that a sign-in
    /// can lead there.
    pub(crate) const fn is_page_of_who_is_signed_in(self) -> bool {
        matches!(
            self,
            Self::ChangePassword | Self::TwoFactorSetup | Self::RecoveryCodes | Self::UnifiedSetup
        )
    }

    pub(crate) const fn usual_path(self) -> &'static str {
        match self {
            Self::SignIn | Self::SignInLink => "/login",
            Self::SignOut => "/logout",
            Self::Verify => "/verify",
            Self::Register => "/register",
            Self::SendConfirmation | Self::Confirm => "/confirm",
            Self::ForgotPassword | Self::ResetPassword => "/reset",
            Self::ChangePassword => "/change",
            Self::TwoFactorSetup => "/tf-setup",
            Self::TwoFactorValidate => "/tf-validate",
            Self::TwoFactorRescue => "/tf-rescue",
            Self::RecoveryCodes => "/mf-recovery-codes",
            Self::UseRecoveryCode => "/mf-recovery",
            Self::AuthTokens => "/auth-tokens",
            Self::UnifiedSignIn => "/us-signin",
            Self::UnifiedSendCode => "/us-signin/send-code",
            Self::UnifiedSetup | Self::UnifiedSetupValidate => "/us-setup",
            Self::UnifiedVerify => "/us-verify",
            Self::UnifiedVerifySendCode => "/us-verify/send-code",
            Self::UnifiedLink => "/us-verify-link",
            Self::UndoChange => "/undo-change",
        }
    }
}
