//! The templates that come with fs.

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        /// Name and source of each.
        pub(super) const TEMPLATES: &[(&str, &str)] = &[$((
            concat!("security/", $name),
            include_str!(concat!("../../templates/security/", $name)),
        )),+];
    };
}

templates![
    "_authenticator.html",
    "_code_from.html",
    "_macros.html",
    "_menu.html",
    "_messages.html",
    "base.html",
    "change_password.html",
    "email/_base.html",
    "email/_macros.html",
    "email/account_exists.html",
    "email/account_exists.txt",
    "email/change_notice.html",
    "email/change_notice.txt",
    "email/confirmation_instructions.html",
    "email/confirmation_instructions.txt",
    "email/login_instructions.html",
    "email/login_instructions.txt",
    "email/recovery_code_used.html",
    "email/recovery_code_used.txt",
    "email/reset_instructions.html",
    "email/reset_instructions.txt",
    "email/reset_notice.html",
    "email/reset_notice.txt",
    "email/second_factor_changed.html",
    "email/second_factor_changed.txt",
    "email/two_factor_instructions.html",
    "email/two_factor_instructions.txt",
    "email/two_factor_rescue.html",
    "email/two_factor_rescue.txt",
    "email/us_instructions.html",
    "email/us_instructions.txt",
    "email/welcome.html",
    "email/welcome.txt",
    "error.html",
    "forgot_password.html",
    "login_user.html",
    "notice.html",
    "recovery_code.html",
    "recovery_codes.html",
    "register_user.html",
    "reset_password.html",
    "send_confirmation.html",
    "send_login.html",
    "style.css",
    "two_factor_setup.html",
    "two_factor_verify_code.html",
    "us_setup.html",
    "us_signin.html",
    "us_verify.html",
    "verify.html",
];
