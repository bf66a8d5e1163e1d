//! The forms of the library, and additions of the application.

use async_trait::async_trait;
use fs_core::flow::Problem;
use fs_core::{ExtraField, InputKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::exchange::Exchange;
use crate::pages::{ChoiceView, FieldKind, FieldView, FormView};

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

/// Check of a whole form by the application, such as a CAPTCHA that a service must confirm, an
/// invitation in the database, or mail addresses of one company.
///
/// It is called after the CSRF token and the declared fields were found valid, and before anything
/// else. No account is looked up yet, so its result does not depend on whether an account exists.
/// If it finds a problem, nothing is changed.
///
/// ```
/// use async_trait::async_trait;
/// use fs_core::flow::Problem;
/// use fs_core::message::Message;
/// use fs_http::{Exchange, FormCheck, FormName};
/// use serde_json::{Map, Value};
///
/// struct Invited;
///
/// #[async_trait]
/// impl FormCheck for Invited {
///     async fn check(
///         &self,
///         _: &Exchange,
///         form: FormName,
///         values: &Map<String, Value>,
///     ) -> Vec<Problem> {
///         // A real one would ask its database.
///         if form != FormName::Register || values.get("invitation") == Some(&"otter".into()) {
///             return Vec::new();
///         }
///         vec![Problem::new("invitation", Message::words("This invitation is not ours."))]
///     }
/// }
/// ```
#[async_trait]
pub trait FormCheck: Send + Sync {
    /// Returns the problems of a form. An empty list accepts the form.
    ///
    /// `values` are those of [`HttpConfig::form_fields`](crate::HttpConfig::form_fields): texts,
    /// numbers and Booleans. The form's own fields, including passwords, are in
    /// [`Exchange::request`](crate::Exchange::request): do not log them. To keep a value, store it
    /// in the session ([`Exchange::with_session`](crate::Exchange::with_session)) or in the application's own
    /// store.
    async fn check(
        &self,
        exchange: &Exchange,
        form: FormName,
        values: &Map<String, Value>,
    ) -> Vec<Problem>;
}

impl Exchange {
    /// Returns the valid values of the fields that the application added to a form, for templates
    /// and checks.
    pub fn form_values(&self, form: FormName) -> Map<String, Value> {
        self.read_added(form).0
    }

    /// Returns the problems that the application finds in a form.
    pub(crate) async fn added_problems(&self, form: FormName) -> Vec<Problem> {
        let (values, problems) = self.read_added(form);
        match &self.web().hooks.form_check {
            Some(check) if problems.is_empty() => check.check(self, form, &values).await,
            _ => problems,
        }
    }

    fn read_added(&self, form: FormName) -> (Map<String, Value>, Vec<Problem>) {
        let (mut values, mut problems) = (Map::new(), Vec::new());
        for field in self.config().form_fields.get(&form).into_iter().flatten() {
            match field.accept(self.request().fields.value(&field.name).as_ref()) {
                Ok(Some(value)) => drop(values.insert(field.name.clone(), value)),
                Ok(None) => {}
                Err(problem) => problems.push(problem),
            }
        }
        (values, problems)
    }

    /// Appends the fields that the application added to a form.
    pub(crate) fn add_fields(&self, form: &mut FormView) {
        let fields = self.config().form_fields.iter();
        let added = fields.filter(|(name, _)| name.as_str() == form.name);
        form.fields.extend(added.flat_map(|(_, fields)| fields).map(|field| self.shown(field)));
    }

    /// Returns a declared field with its submitted value.
    pub(crate) fn shown(&self, field: &ExtraField) -> FieldView {
        let sent = match self.request().is_unsafe() {
            true => self.request().fields.value(&field.name),
            false => None,
        };
        let text = match &sent {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let mut view = FieldView::new(FieldKind::Text, field.name.as_str(), field.label.as_str());
        view.required = field.required;
        view.value = text;
        match &field.kind {
            InputKind::Number => view.kind = FieldKind::Number,
            InputKind::Hidden => view.kind = FieldKind::Hidden,
            InputKind::Checkbox => {
                view.kind = FieldKind::Checkbox;
                view.checked = self.is_checked(&field.name).unwrap_or(false);
                view.value = String::new();
            }
            InputKind::Choice(choices) => {
                view.kind = FieldKind::Radio;
                let chosen = std::mem::take(&mut view.value);
                let choices = choices.iter().map(|choice| ChoiceView {
                    value: choice.value.clone(),
                    label: choice.label.clone(),
                    checked: choice.value == chosen,
                });
                view.choices = choices.collect();
            }
            _ => view.maxlength = Some(field.max_length),
        }
        view
    }
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
