//! The requirements of the endpoints, as data.

use fs_core::Config;
use fs_core::authn::Mechanism;
use fs_core::authz::{Fresh, Requirement};
use http::Method;

use crate::config::HttpConfig;
use crate::incoming::is_unsafe;
use crate::route::Endpoint;

impl Endpoint {
    /// Returns the requirement of the endpoint for requests by that method. It is enforced before
    /// the endpoint is called, and printed by [`RoutePolicies`](crate::policies::RoutePolicies).
    pub(crate) fn requirement(
        self,
        method: &Method,
        config: &Config,
        http: &HttpConfig,
    ) -> Requirement {
        let signed_in = || Requirement::signed_in().by(http.api_mechanisms.iter().copied());
        // What these change is the session itself.
        let in_session = || {
            let session = |mechanism: &Mechanism| *mechanism == Mechanism::Session;
            let accepted = http.api_mechanisms.iter().copied().filter(session);
            Requirement::signed_in().by(accepted)
        };
        match self {
            Self::Verify | Self::UnifiedVerify => in_session(),
            Self::TwoFactorSetup => in_session().fresh(Fresh::default()),
            Self::ChangePassword
            | Self::AuthTokens
            | Self::UnifiedSetupValidate
            | Self::UnifiedVerifySendCode => signed_in(),
            Self::RecoveryCodes | Self::UnifiedSetup => signed_in().fresh(Fresh::default()),
            Self::Register
            | Self::ForgotPassword
            | Self::ResetPassword
            | Self::SignInLink
            | Self::TwoFactorRescue
            | Self::UseRecoveryCode
            | Self::UnifiedSendCode
            | Self::UnifiedLink => Requirement::anonymous(),
            // The page tells programs who is signed in.
            Self::SignIn if config.sign_in_links.is_none() && is_unsafe(method) => {
                Requirement::anonymous()
            }
            Self::UnifiedSignIn if is_unsafe(method) => Requirement::anonymous(),
            Self::SignIn
            | Self::SignOut
            | Self::SendConfirmation
            | Self::Confirm
            | Self::UndoChange
            | Self::TwoFactorValidate
            | Self::UnifiedSignIn => Requirement::anyone(),
        }
    }
}
