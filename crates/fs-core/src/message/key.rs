//! Keys of messages, with their default severity and text.

use super::Category::{Error, Info, Success};
use super::{Category, English, TextKey};

/// Error for a text that is not the key of a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no message {0:?}: see the list of message keys")]
pub struct UnknownMessageKey(pub String);

macro_rules! keys {
    ($($(#[doc = $doc:literal])+ $name:ident = $key:literal, $category:ident, $text:literal;)+) => {
        /// Key of a message to users.
        ///
        /// The name in answers is the key of Flask-Security 4.1 (`SECURITY_MSG_…` without the
        /// prefix), or a key in the same style. The description of each key lists the values of its
        /// message.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum MessageKey {
            $($(#[doc = $doc])+ $name,)+
        }

        impl MessageKey {
            /// All keys.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Returns the name in answers, such as `EMAIL_NOT_PROVIDED`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $key,)+ }
            }

            /// Returns in English when the message is used, and which values it has.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii_start(),)+ }
            }

            /// Returns the default severity, which a [`Catalogue`](super::Catalogue) can change.
            pub const fn default_category(self) -> Category {
                match self { $(Self::$name => $category,)+ }
            }

            /// Returns the default text, which a [`Catalogue`](super::Catalogue) can change.
            pub const fn default_text(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }

        impl TextKey for MessageKey {
            fn as_str(self) -> &'static str {
                Self::as_str(self)
            }

            fn english(self) -> English {
                English { one: None, other: self.default_text() }
            }
        }

        impl std::str::FromStr for MessageKey {
            type Err = UnknownMessageKey;

            fn from_str(key: &str) -> Result<Self, Self::Err> {
                match key {
                    $($key => Ok(Self::$name),)+
                    _ => Err(UnknownMessageKey(key.to_owned())),
                }
            }
        }
    };
}

impl std::fmt::Display for MessageKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

keys! {
    // Flask-Security 4.1

    /// The input of the request does not fit the endpoint.
    ApiError = "API_ERROR", Error, "This request does not fit here. Check what you sent.";
    /// The user is signed in, but lacks the role or permission.
    Unauthorized = "UNAUTHORIZED", Error, "You do not have permission to see this.";
    /// Credentials are missing or wrong.
    Unauthenticated = "UNAUTHENTICATED", Error, "Please sign in to see this.";
    /// The sign-in is not recent enough.
    ReauthenticationRequired = "REAUTHENTICATION_REQUIRED", Error, "Please confirm that it is you to go on.";
    /// The user verified their identity again.
    ReauthenticationSuccessful = "REAUTHENTICATION_SUCCESSFUL", Info, "Thank you. You can go on now.";
    /// The user registered, and a confirmation link was mailed. Value: `email`.
    ConfirmRegistration = "CONFIRM_REGISTRATION", Success, "Welcome! We sent a link to %(email)s. Open it to confirm your address.";
    /// The address was confirmed.
    EmailConfirmed = "EMAIL_CONFIRMED", Success, "Thank you. Your e-mail address is confirmed.";
    /// The address was confirmed before.
    AlreadyConfirmed = "ALREADY_CONFIRMED", Info, "Your e-mail address is already confirmed.";
    /// The confirmation link was not issued here, or was altered.
    InvalidConfirmationToken = "INVALID_CONFIRMATION_TOKEN", Error, "This confirmation link does not work. Ask for a new one.";
    /// The address must be confirmed first.
    ConfirmationRequired = "CONFIRMATION_REQUIRED", Error, "Please confirm your e-mail address first. Open the link that we mailed you.";
    /// A confirmation link was mailed. Value: `email`.
    ConfirmationRequest = "CONFIRMATION_REQUEST", Info, "We sent a confirmation link to %(email)s.";
    /// The confirmation link is too old, and a new one was mailed. Values: `within`, `email`.
    ConfirmationExpired = "CONFIRMATION_EXPIRED", Error, "That link was older than %(within)s. We sent a new one to %(email)s.";
    /// The address belongs to another account. Value: `email`.
    EmailAlreadyAssociated = "EMAIL_ALREADY_ASSOCIATED", Error, "There is already an account for %(email)s. Sign in, or reset your password.";
    /// An identity attribute belongs to another account. Values: `attr`, `value`.
    IdentityAlreadyAssociated = "IDENTITY_ALREADY_ASSOCIATED", Error, "%(value)s already belongs to another account.";
    /// The username belongs to another account. Value: `username`.
    UsernameAlreadyAssociated = "USERNAME_ALREADY_ASSOCIATED", Error, "%(username)s is taken. Choose another username.";
    /// This message is not used. Flask-Security defines it and never uses it either.
    PasswordMismatch = "PASSWORD_MISMATCH", Error, "The password does not match.";
    /// The repeated password differs from the password.
    RetypePasswordMismatch = "RETYPE_PASSWORD_MISMATCH", Error, "The two passwords differ. Type the same one twice.";
    /// The target of a redirect is outside of the allowed hosts.
    InvalidRedirect = "INVALID_REDIRECT", Error, "This link leads out of the site, so we did not follow it.";
    /// A reset link was mailed. Value: `email`.
    PasswordResetRequest = "PASSWORD_RESET_REQUEST", Info, "We sent a link to reset your password to %(email)s.";
    /// The reset link is too old, and a new one was mailed. Values: `within`, `email`.
    PasswordResetExpired = "PASSWORD_RESET_EXPIRED", Error, "That link was older than %(within)s. We sent a new one to %(email)s.";
    /// The reset link was not issued here, was altered, or was used.
    InvalidResetPasswordToken = "INVALID_RESET_PASSWORD_TOKEN", Error, "This link does not work, or was used already. Ask for a new one.";
    /// The password was reset.
    PasswordReset = "PASSWORD_RESET", Success, "Your new password is set.";
    /// The password was changed.
    PasswordChange = "PASSWORD_CHANGE", Success, "Your password is changed.";
    /// The new password is the present one.
    PasswordIsTheSame = "PASSWORD_IS_THE_SAME", Error, "This is your present password. Choose a new one.";
    /// No password was given.
    PasswordNotProvided = "PASSWORD_NOT_PROVIDED", Error, "Enter a password.";
    /// The account has no password.
    PasswordNotSet = "PASSWORD_NOT_SET", Error, "This account has no password. Sign in another way.";
    /// The password is too short or too long. Values: `length` and `max`, the least and the
    /// greatest number of characters.
    PasswordInvalidLength = "PASSWORD_INVALID_LENGTH", Error, "Use %(length)s to %(max)s characters.";
    /// The password is easy to guess.
    PasswordTooSimple = "PASSWORD_TOO_SIMPLE", Error, "This password is easy to guess. Add a few words that do not belong together.";
    /// The password is known from a data breach.
    PasswordBreached = "PASSWORD_BREACHED", Error, "This password is known from a data breach elsewhere. Choose another one.";
    /// The service for breached passwords did not answer.
    PasswordBreachedSiteError = "PASSWORD_BREACHED_SITE_ERROR", Error, "We could not check this password just now. Try again in a moment.";
    /// The password is wrong.
    InvalidPassword = "INVALID_PASSWORD", Error, "This password is not right. Check it and try again.";
    /// The password or code is wrong.
    InvalidPasswordCode = "INVALID_PASSWORD_CODE", Error, "This password or code is not right. Check it and try again.";
    /// The code of a sign-in link is wrong.
    InvalidCode = "INVALID_CODE", Error, "This code is not right, or too old. Ask for a new one.";
    /// Text of the link to the page for a forgotten password.
    ForgotPassword = "FORGOT_PASSWORD", Info, "Forgot your password?";
    /// The page requires a sign-in.
    Login = "LOGIN", Info, "Please sign in to see this page.";
    /// The page requires a recent sign-in.
    Refresh = "REFRESH", Info, "Please sign in again to see this page.";
    /// The sign-in link is too old, and a new one was mailed. Values: `within`, `email`.
    LoginExpired = "LOGIN_EXPIRED", Error, "That link was older than %(within)s. We sent a new one to %(email)s.";
    /// A sign-in link was mailed. Value: `email`.
    LoginEmailSent = "LOGIN_EMAIL_SENT", Success, "We sent a sign-in link to %(email)s.";
    /// The sign-in link was not issued here, was altered, or was used.
    InvalidLoginToken = "INVALID_LOGIN_TOKEN", Error, "This sign-in link does not work. Ask for a new one.";
    /// The user signed in with a link.
    PasswordlessLoginSuccessful = "PASSWORDLESS_LOGIN_SUCCESSFUL", Success, "You are signed in.";
    /// The account is deactivated.
    DisabledAccount = "DISABLED_ACCOUNT", Error, "This account is disabled. Ask the people who run this site.";
    /// No e-mail address was given.
    EmailNotProvided = "EMAIL_NOT_PROVIDED", Error, "Enter your e-mail address.";
    /// The text is not an e-mail address.
    InvalidEmailAddress = "INVALID_EMAIL_ADDRESS", Error, "This is not an e-mail address. It looks like name@example.com.";
    /// The text is not a phone number.
    PhoneInvalid = "PHONE_INVALID", Error, "This is not a phone number. Include the country code, such as +44.";
    /// No account has this address.
    UserDoesNotExist = "USER_DOES_NOT_EXIST", Error, "There is no account for this. Check what you typed, or register.";
    /// The page admits only unauthenticated users.
    AnonymousUserRequired = "ANONYMOUS_USER_REQUIRED", Error, "You are signed in. Sign out first to see this page.";
    /// A code could not be sent.
    FailedToSendCode = "FAILED_TO_SEND_CODE", Error, "We could not send the code. Try again in a moment.";
    /// The second-factor code is wrong.
    TwoFactorInvalidToken = "TWO_FACTOR_INVALID_TOKEN", Error, "This code is not right, or too old. Enter the latest one.";
    /// The second factor was accepted.
    TwoFactorLoginSuccessful = "TWO_FACTOR_LOGIN_SUCCESSFUL", Success, "Your code is right. You are signed in.";
    /// The second factor was changed.
    TwoFactorChangeMethodSuccessful = "TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL", Success, "Your second step is changed.";
    /// The page does not belong to the current step of a sign-in.
    TwoFactorPermissionDenied = "TWO_FACTOR_PERMISSION_DENIED", Error, "This page is not open to you now. If you were signing in, start again.";
    /// The method of the second factor is not offered.
    TwoFactorMethodNotAvailable = "TWO_FACTOR_METHOD_NOT_AVAILABLE", Error, "This method is not available. Choose another one.";
    /// The second factor was disabled.
    TwoFactorDisabled = "TWO_FACTOR_DISABLED", Success, "Your second step is switched off.";
    /// The sign-in method is not offered.
    UsMethodNotAvailable = "US_METHOD_NOT_AVAILABLE", Error, "This method is not available. Choose another one.";
    /// The setup took too long. Value: `within`.
    UsSetupExpired = "US_SETUP_EXPIRED", Error, "You have %(within)s to finish the setup. Please start again.";
    /// The sign-in method was set up.
    UsSetupSuccessful = "US_SETUP_SUCCESSFUL", Info, "Your new way to sign in is set up.";
    /// No account has this identity.
    UsSpecifyIdentity = "US_SPECIFY_IDENTITY", Error, "There is no account for this. Check what you typed.";
    /// Text message with a code. Value: `code`, a secret.
    UseCode = "USE_CODE", Info, "Your code is %(code)s. Never give it to anybody.";
    /// The username is too short or too long. Values: `min`, `max`.
    UsernameInvalidLength = "USERNAME_INVALID_LENGTH", Error, "Use %(min)d to %(max)d characters.";
    /// The username contains markup, or begins or ends with a blank.
    UsernameIllegalCharacters = "USERNAME_ILLEGAL_CHARACTERS", Error, "A username cannot contain markup, or blanks at its ends.";
    /// The username contains characters other than letters and digits.
    UsernameDisallowedCharacters = "USERNAME_DISALLOWED_CHARACTERS", Error, "Use letters and digits only.";
    /// No username was given.
    UsernameNotProvided = "USERNAME_NOT_PROVIDED", Error, "Enter a username.";

    // Forms and CSRF: Flask-Security takes these texts from Flask-WTF and WTForms, without keys

    /// The form contains no CSRF token.
    CsrfTokenMissing = "CSRF_TOKEN_MISSING", Error, "We could not tell that this form came from our page. Go back, reload the page and send it again.";
    /// The CSRF token is not among the first bytes of the form, and the rest was not read. Value:
    /// `limit`, the number of bytes that were read.
    CsrfTokenNotFirst = "CSRF_TOKEN_NOT_FIRST", Error, "We could not tell that this form came from our page: its security token is not among the first %(limit)d bytes. Please tell the people who run this site.";
    /// The session contains no secret to compare a CSRF token with.
    CsrfSessionTokenMissing = "CSRF_SESSION_TOKEN_MISSING", Error, "Your session ended before you sent this form. Please send it again; cookies must be allowed.";
    /// The CSRF token is too old.
    CsrfTokenExpired = "CSRF_TOKEN_EXPIRED", Error, "This form was open for too long. Please send it again.";
    /// The CSRF token was not issued here, or was altered.
    CsrfTokenInvalid = "CSRF_TOKEN_INVALID", Error, "This form is damaged. Please send it again.";
    /// The CSRF token belongs to another session.
    CsrfTokensDoNotMatch = "CSRF_TOKENS_DO_NOT_MATCH", Error, "This form belongs to an earlier session. Please send it again.";
    /// A form was sent over HTTPS without `Referer` and `Origin`.
    CsrfReferrerMissing = "CSRF_REFERRER_MISSING", Error, "Your browser did not tell which page this form came from. Allow it to send the referrer to this site.";
    /// The form came from another site.
    CsrfReferrerMismatch = "CSRF_REFERRER_MISMATCH", Error, "This form came from another site, so we did not accept it.";
    /// A required field is empty.
    FieldRequired = "FIELD_REQUIRED", Error, "Fill in this field.";
    /// The value is not one of those offered.
    InvalidChoice = "INVALID_CHOICE", Error, "Choose one of the options.";

    // Ours

    /// A sign-in failed. The text does not reveal whether the account exists.
    InvalidCredentials = "INVALID_CREDENTIALS", Error, "We could not sign you in with that. Check both fields and try again.";
    /// A sign-in failed, and addresses must be confirmed. The text does not reveal which of the two
    /// is the reason.
    InvalidOrUnconfirmed = "INVALID_OR_UNCONFIRMED", Error, "We could not sign you in with that. Check both fields. If the account is new, follow the link in our mail first.";
    /// A confirmation link was opened in another browser than the one that registered.
    ConfirmWithPassword = "CONFIRM_WITH_PASSWORD", Error, "Enter the password that was chosen for this account, or choose a new one.";
    /// The second factor must be given before it is changed.
    FactorProofNeeded = "FACTOR_PROOF_NEEDED", Error, "Enter a code of your second step first, or a recovery code.";
    /// The second factor was given again, so that it can be changed.
    FactorProven = "FACTOR_PROVEN", Info, "Thank you. You can change it now.";
    /// A code was sent to a user who must give the second factor again.
    FactorCodeSent = "FACTOR_CODE_SENT", Info, "We sent you a code.";
    /// The first factor is of the same kind as the second one, so both count as one.
    SameFactor = "SAME_FACTOR", Error, "This code comes the same way as your second step, so it cannot take its place. Sign in with your password instead.";
    /// The account must have a second factor, and has none yet.
    SecondFactorRequired = "SECOND_FACTOR_REQUIRED", Info, "A second step is required here. Set one up to go on.";
    /// A sign-in method was removed.
    SignInMethodRemoved = "SIGN_IN_METHOD_REMOVED", Success, "It is removed. Codes from there do not sign you in any more.";
    /// The sign-in method cannot be removed, because the account has no other one.
    LastWayIn = "LAST_WAY_IN", Error, "You have no other way to sign in. Set one up first.";
    /// Changes of the password, of second factors or of sign-in methods were undone.
    ChangesUndone = "CHANGES_UNDONE", Success, "It is undone, and you are signed out everywhere. Choose a new password now.";
    /// The link that undoes changes was not issued here, was used, or is too old.
    InvalidUndoToken = "INVALID_UNDO_TOKEN", Error, "This link does not work, was used already, or is too old. You can still reset your password.";
    /// The link is too old, and no new one was mailed. Value: `within`.
    LinkExpired = "LINK_EXPIRED", Error, "This link was older than %(within)s. Ask for a new one.";
    /// A mail was requested. The text does not reveal whether the address has an account.
    CheckMail = "CHECK_MAIL", Info, "If that address can be used here, you will find a mail from us in its inbox. Look in the spam folder too.";
    /// The recovery code is wrong, or was used.
    InvalidRecoveryCode = "INVALID_RECOVERY_CODE", Error, "This recovery code is not right, or was used already. Enter another one.";
    /// The user signed in with a recovery code. Value: `left`, the number of codes that are left.
    RecoveryCodeUsed = "RECOVERY_CODE_USED", Success, "You are signed in. Recovery codes that are left: %(left)s.";
    /// Recovery codes require a second factor, which the account does not have.
    SecondFactorNeeded = "SECOND_FACTOR_NEEDED", Error, "Set up a second step first: recovery codes stand in for it.";
    /// The request carries credentials of two users.
    MixedCredentials = "MIXED_CREDENTIALS", Error, "This request was sent for two people at once. Sign out, or send the sign-in of one person only.";
    /// The user is signed in, and the link is for unauthenticated users.
    SignOutFirst = "SIGN_OUT_FIRST", Info, "You are signed in. To use this link, sign out and open it again.";
    /// The form was sent twice, and was accepted the first time.
    AlreadyDone = "ALREADY_DONE", Info, "This was done already when you pressed the button the first time.";
    /// Auth tokens were revoked at the user's request.
    AuthTokenEnded = "AUTH_TOKEN_ENDED", Success, "Access has ended.";
    /// The user has no such auth token, or it was revoked already.
    AuthTokenUnknown = "AUTH_TOKEN_UNKNOWN", Error, "This access has ended already, or never was yours.";
    /// The value is too long. Value: `max`, in characters.
    TooLong = "TOO_LONG", Error, "This is too long: use at most %(max)d characters.";
    /// The password is longer than its hashing scheme can read. Value: `max`, in bytes.
    PasswordTooManyBytes = "PASSWORD_TOO_MANY_BYTES", Error, "This password is too long: use at most %(max)d plain letters and digits. Other signs and letters with accents count as several.";
    /// The username can be mistaken for another one.
    UsernameLooksAlike = "USERNAME_LOOKS_ALIKE", Error, "This name can be mistaken for another one. Use letters of one alphabet.";
    /// The username is a phone number, and users can sign in with phone numbers.
    UsernameIsNumber = "USERNAME_IS_NUMBER", Error, "A phone number cannot be a username. Choose another one.";
    /// The value has a wrong type, or contains characters that cannot be stored.
    InvalidInput = "INVALID_INPUT", Error, "We cannot read this value. Type it again.";
    /// Too many attempts were made, or the load is too high. Value: `within`, such as `2 minutes`.
    TryAgainLater = "TRY_AGAIN_LATER", Error, "This is not possible right now. Wait up to %(within)s, then try again.";

    // Password advice

    /// Password advice: a row of the keyboard.
    PasswordKeyboardRow = "PASSWORD_KEYBOARD_ROW", Error, "Keys that lie in a row are guessed early.";
    /// Password advice: a pattern on the keyboard.
    PasswordKeyboardPattern = "PASSWORD_KEYBOARD_PATTERN", Error, "Patterns on the keyboard are guessed early.";
    /// Password advice: a repeated character.
    PasswordRepeatedCharacter = "PASSWORD_REPEATED_CHARACTER", Error, "The same character many times adds little.";
    /// Password advice: a repeated part.
    PasswordRepeatedPart = "PASSWORD_REPEATED_PART", Error, "Saying something twice hardly makes it stronger.";
    /// Password advice: one of the ten most common passwords.
    PasswordTop10 = "PASSWORD_TOP_10", Error, "Only a handful of passwords are used more often than this.";
    /// Password advice: one of the hundred most common passwords.
    PasswordTop100 = "PASSWORD_TOP_100", Error, "This password is among the hundred that are tried first.";
    /// Password advice: a common password.
    PasswordOftenUsed = "PASSWORD_OFTEN_USED", Error, "Many people use this password.";
    /// Password advice: a slightly changed common password.
    PasswordNearOftenUsed = "PASSWORD_NEAR_OFTEN_USED", Error, "This is too close to a password that many use.";
    /// Password advice: a sequence of letters or digits.
    PasswordSequence = "PASSWORD_SEQUENCE", Error, "Letters or digits in their usual order are guessed early.";
    /// Password advice: a recent year.
    PasswordYear = "PASSWORD_YEAR", Error, "Years of our time are guessed early.";
    /// Password advice: a single word of a dictionary.
    PasswordSingleWord = "PASSWORD_SINGLE_WORD", Error, "One word alone is found in a dictionary.";
    /// Password advice: a date.
    PasswordDate = "PASSWORD_DATE", Error, "There are few dates, so they are soon guessed.";
    /// Password advice: only a name.
    PasswordNameAlone = "PASSWORD_NAME_ALONE", Error, "A name alone is found in a list of names.";
    /// Password advice: a common name with other characters.
    PasswordUsualName = "PASSWORD_USUAL_NAME", Error, "Usual names are guessed early.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn keys_are_unique_and_go_both_ways() {
        let keys: BTreeSet<_> = MessageKey::ALL.iter().map(|key| key.as_str()).collect();
        assert_eq!(keys.len(), MessageKey::ALL.len());
        for key in MessageKey::ALL {
            assert_eq!(key.as_str().parse(), Ok(*key));
        }
        let unknown = UnknownMessageKey("login".to_owned());
        assert_eq!("login".parse::<MessageKey>(), Err(unknown));
    }

    #[test]
    fn the_name_on_the_wire_is_the_name_of_the_variant() {
        for key in MessageKey::ALL {
            let joined: String = key.as_str().split('_').collect();
            assert_eq!(joined, format!("{key:?}").to_uppercase());
        }
    }

    #[test]
    fn flask_security_has_62_keys_with_documented_categories() {
        let split = MessageKey::ALL.iter().position(|key| *key == MessageKey::CsrfTokenMissing);
        let theirs = MessageKey::ALL.split_at(split.unwrap()).0;
        assert_eq!(theirs.len(), 62);
        let of = |category| theirs.iter().filter(|key| key.default_category() == category).count();
        assert_eq!((of(Info), of(Success), of(Error)), (9, 9, 44));
    }

    #[test]
    fn texts_are_sentences_and_placeholders_are_well_formed() {
        for key in MessageKey::ALL {
            let text = key.default_text();
            assert!(text.ends_with(['.', '?']), "{key}: {text}");
            for part in text.split('%').skip(1) {
                let (name, after) = part.split_once(')').expect(text);
                assert!(name.starts_with('(') && after.starts_with(['s', 'd']), "{key}: {text}");
            }
        }
    }
}
