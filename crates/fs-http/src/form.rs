//! The forms by their names, and what an application adds to them.

use async_trait::async_trait;
use fs_core::flow::Problem;
use fs_core::{ExtraField, InputKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::exchange::Exchange;
use crate::pages::{ChoiceView, FieldKind, FieldView, FormView};

macro_rules! forms {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal, [$($own:literal),*];)+) => {
        /// The forms of this library. Their names are those that they have in their pages.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[non_exhaustive]
        pub enum FormName {
            $($(#[$doc])+ #[serde(rename = $name)] $variant,)+
        }

        impl FormName {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name in the page, as in `<form name="login_user_form">`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The fields that it has of its own.
            pub(crate) const fn own_fields(self) -> &'static [&'static str] {
                match self {
                    $(Self::$variant => &[$($own),*],)+
                }
            }
        }
    };
}

forms! {
    /// Signing in with a password.
    SignIn = "login_user_form", ["next", "email", "password", "remember"];
    /// Proving again who one is.
    Verify = "verify_form", ["password"];
    /// Registering.
    Register = "register_user_form", ["next", "email", "username", "password", "password_confirm"];
    /// Asking for a reset link.
    ForgotPassword = "forgot_password_form", ["email"];
    /// Choosing a new password.
    ResetPassword = "reset_password_form", ["password", "password_confirm"];
    /// Changing the password.
    ChangePassword = "change_password_form", ["password", "new_password", "new_password_confirm"];
    /// Asking for a confirmation link.
    SendConfirmation = "send_confirmation_form", ["email"];
    /// Asking for a link to sign in with.
    SendSignInLink = "send_login_form", ["email"];
    /// Choosing a second factor.
    TwoFactorSetup = "two_factor_setup_form", ["setup", "phone"];
    /// Giving the code of a second factor.
    TwoFactorCode = "two_factor_verify_code_form", ["code", "send_code"];
    /// Help with a second factor.
    TwoFactorRescue = "two_factor_rescue_form", ["help_setup"];
    /// Making recovery codes.
    RecoveryCodes = "mf_recovery_codes_form", [];
    /// Using a recovery code in place of a second factor.
    UseRecoveryCode = "mf_recovery_form", ["code"];
    /// Ending an auth token, or all of them.
    AuthTokens = "auth_tokens_form", ["end"];
    /// Signing in with a password or code. Asking for a code sends this form as well.
    UnifiedSignIn = "us_signin_form", [
        "identity", "passcode", "remember", "chosen_method", "submit_send_code"
    ];
    /// Setting up a method to sign in with.
    UnifiedSetup = "us_setup_form", ["chosen_method", "phone", "delete_method"];
    /// Proving a method that is set up.
    UnifiedSetupValidate = "us_setup_validate_form", ["passcode"];
    /// Proving again who one is, with a password or code.
    UnifiedVerify = "us_verify_form", ["passcode", "chosen_method", "submit_send_code"];
}

/// Judges whole forms, where a look at single values is not enough: a puzzle against robots that a
/// service must confirm, an invitation that must be in the database, addresses of one company.
///
/// It is asked after the CSRF token and the declared fields were found good, and before anything
/// else happens: no account is looked up yet, so what it answers is the same for known and unknown
/// ones, and nothing is done where it finds something wrong.
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
    /// What is wrong with a form; nothing when it may be acted upon.
    ///
    /// `values` are those of [`HttpConfig::form_fields`](crate::HttpConfig::form_fields): texts,
    /// numbers, true and false. The form's own fields are in
    /// [`Exchange::request`](crate::Exchange::request), passwords among them: log none of it. What
    /// is to be remembered of the values belongs into the session
    /// ([`Exchange::session`](crate::Exchange::session)) or the application's own store.
    async fn check(
        &self,
        exchange: &Exchange,
        form: FormName,
        values: &Map<String, Value>,
    ) -> Vec<Problem>;
}

impl Exchange {
    /// What was sent for the fields that the application added to a form, as far as it is good;
    /// for templates and checks.
    pub fn form_values(&self, form: FormName) -> Map<String, Value> {
        self.read_added(form).0
    }

    /// What the application finds wrong with a form.
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

    /// Puts the fields that the application added to a form at its end.
    pub(crate) fn add_fields(&self, form: &mut FormView) {
        let fields = self.config().form_fields.iter();
        let added = fields.filter(|(name, _)| name.as_str() == form.name);
        form.fields.extend(added.flat_map(|(_, fields)| fields).map(|field| self.shown(field)));
    }

    /// A declared field, with what was typed into it.
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
