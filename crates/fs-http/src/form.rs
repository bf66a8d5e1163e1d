//! The forms of the library, by name.

use serde::{Deserialize, Serialize};

macro_rules! forms {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal, [$($own:literal),*];)+) => {
        /// A form of this library, with the name that it has in its page.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[non_exhaustive]
        pub enum FormName {
            $($(#[$doc])+ #[serde(rename = $name)] $variant,)+
        }

        impl FormName {
            /// All forms.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the name in the page, as in `<form name="login_user_form">`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Returns the names of the form's own fields.
            pub(crate) const fn own_fields(self) -> &'static [&'static str] {
                match self {
                    $(Self::$variant => &[$($own),*],)+
                }
            }
        }
    };
}

forms! {
    /// Sign-in with a password.
    SignIn = "login_user_form", ["next", "email", "password", "remember"];
    /// Verification of the identity of a signed-in user.
    Verify = "verify_form", ["password"];
    /// Registration.
    Register = "register_user_form", ["next", "email", "username", "password", "password_confirm"];
    /// Request of a reset link.
    ForgotPassword = "forgot_password_form", ["email"];
    /// Choice of a new password.
    ResetPassword = "reset_password_form", ["password", "password_confirm"];
    /// Change of the password.
    ChangePassword = "change_password_form", ["password", "new_password", "new_password_confirm"];
    /// Request of a confirmation link.
    SendConfirmation = "send_confirmation_form", ["email"];
    /// Request of a sign-in link.
    SendSignInLink = "send_login_form", ["email"];
    /// Setup of a second factor.
    TwoFactorSetup = "two_factor_setup_form", ["setup", "phone"];
    /// Entry of the code of a second factor.
    TwoFactorCode = "two_factor_verify_code_form", ["code", "send_code"];
    /// Help for users who cannot use their second factor.
    TwoFactorRescue = "two_factor_rescue_form", ["help_setup"];
    /// Creation of recovery codes.
    RecoveryCodes = "mf_recovery_codes_form", [];
    /// Entry of a recovery code instead of a second factor.
    UseRecoveryCode = "mf_recovery_form", ["code"];
    /// Revocation of one or all auth tokens.
    AuthTokens = "auth_tokens_form", ["end"];
    /// Unified sign-in with a password or code. It also requests a code.
    UnifiedSignIn = "us_signin_form", [
        "identity", "passcode", "remember", "chosen_method", "submit_send_code"
    ];
    /// Setup of a sign-in method.
    UnifiedSetup = "us_setup_form", ["chosen_method", "phone", "delete_method"];
    /// Verification of a sign-in method during its setup.
    UnifiedSetupValidate = "us_setup_validate_form", ["passcode"];
    /// Verification of the identity of a signed-in user, with a password or code.
    UnifiedVerify = "us_verify_form", ["passcode", "chosen_method", "submit_send_code"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_named_in_settings_as_in_pages() {
        for form in FormName::ALL {
            assert_eq!(serde_json::to_value(form).unwrap(), form.as_str());
        }
    }
}
