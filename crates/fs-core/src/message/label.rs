//! Labels, buttons, titles and links.

use super::texts::texts;

texts! {
    /// Key of a short text: a label, a button, a title, a link, or a span of time.
    Label;

    // Fields of forms

    /// Label of the field for a mail address.
    EmailAddress = "email_address", "Email address";
    /// Label of the field for a mail address or username.
    EmailOrName = "email_or_name", "Email address or name";
    /// Label of the field for any identity.
    EmailNameOrNumber = "email_name_or_number", "Email address, name or number";
    /// Label of the field for a username.
    Username = "username", "Username";
    /// Label of the field for a password.
    Password = "password", "Password";
    /// Label of the field that verifies the password again.
    YourPassword = "your_password", "Your password";
    /// Label of the field for the password to change.
    CurrentPassword = "current_password", "Current password";
    /// Label of the field for a new password.
    NewPassword = "new_password", "New password";
    /// Label of the field for the password of the registration.
    ChosenPassword = "chosen_password", "The password that you chose";
    /// Label of the field that repeats the password of a registration.
    PasswordAgain = "password_again", "The password again";
    /// Label of the field that repeats a new password.
    NewPasswordAgain = "new_password_again", "The new password again";
    /// Hint below a new password. Value: `min`, the minimum length.
    NewPasswordHint = "new_password_hint", "At least %(min)d characters. A few unrelated words work well.";
    /// Label of the field for a password or code.
    PasswordOrCode = "password_or_code", "Password or code";
    /// Label of the checkbox that remembers the browser.
    Remember = "remember", "Keep me signed in on this device";
    /// Label of the field for a one-time code.
    Code = "code", "Code";
    /// Label of the field for a one-time code or recovery code.
    CodeOrRecoveryCode = "code_or_recovery_code", "Code, or recovery code";
    /// Label of the field for a recovery code.
    RecoveryCode = "recovery_code", "Recovery code";
    /// Label of the field for a telephone number.
    Phone = "phone", "Telephone number";
    /// Label of the field for the telephone number of text messages.
    PhoneForTexts = "phone_for_texts", "Telephone number, for text messages";
    /// Legend of the choice of a second factor.
    YourSecondFactor = "your_second_factor", "Your second factor";
    /// Choice that disables the second factor.
    NoSecondFactor = "no_second_factor", "No second factor";
    /// Choice of codes by mail.
    ByMail = "by_mail", "By mail";
    /// Choice of codes from an authenticator app.
    ByApp = "by_app", "With an authenticator app";
    /// Choice of codes by text message.
    ByText = "by_text", "By text message";
    /// Legend of the choice of help with a second factor.
    WhatIsTheMatter = "what_is_the_matter", "What is the matter?";
    /// Choice of a code by mail instead of one from a lost device.
    LostDeviceMail = "lost_device_mail", "I do not have my device: send the code by mail";
    /// Choice of help by the operator because the device is lost.
    LostDeviceHelp = "lost_device_help", "I do not have my device: ask for help";
    /// Choice of help by the operator because mail is out of reach too.
    NoMailAccess = "no_mail_access", "I cannot read my mail either: ask for help";
    /// Legend of the choice of a sign-in method to remove.
    RemoveMethod = "remove_method", "Remove a way to sign in";
    /// Mark beside the label of a field that can stay empty.
    Optional = "optional", "optional";

    // Buttons

    /// Button that goes on.
    Continue = "continue", "Continue";
    /// Button that confirms a code.
    Confirm = "confirm", "Confirm";
    /// Button, title and menu entry of the sign-in.
    SignIn = "sign_in", "Sign in";
    /// Button that follows a sign-in link.
    SignMeIn = "sign_me_in", "Sign me in";
    /// Button that registers.
    CreateAccount = "create_account", "Create account";
    /// Button that requests a link by mail.
    SendLink = "send_link", "Send the link";
    /// Button that requests a link in place of an expired one.
    SendNewLink = "send_new_link", "Send me a new link";
    /// Button that requests a code.
    SendCode = "send_code", "Send the code";
    /// Button and legend of a request for a code.
    SendMeACode = "send_me_a_code", "Send me a code";
    /// Button that asks for help with a second factor.
    GetHelp = "get_help", "Get help";
    /// Button that sets a new password.
    SaveNewPassword = "save_new_password", "Save the new password";
    /// Button that changes the password.
    ChangePassword = "change_password", "Change password";
    /// Button that sets up a sign-in method.
    SetUp = "set_up", "Set up";
    /// Button that removes a sign-in method.
    Remove = "remove", "Remove";
    /// Button that creates recovery codes.
    MakeCodes = "make_codes", "Make codes";
    /// Button that replaces recovery codes.
    MakeNewCodes = "make_new_codes", "Make new codes";
    /// Button that revokes an auth token.
    EndAccess = "end_access", "End access";
    /// Button that revokes all auth tokens.
    EndAllAccess = "end_all_access", "End access for all of them";
    /// Button that confirms the address.
    ConfirmMyAddress = "confirm_my_address", "Confirm my address";
    /// Button that undoes a change.
    ThisWasNotMe = "this_was_not_me", "This was not me";

    // Titles and links

    /// Title and menu entry of the page for forgotten passwords.
    ResetYourPassword = "reset_your_password", "Reset your password";
    /// Title, mail subject and button: choice of a new password.
    ChooseNewPassword = "choose_new_password", "Choose a new password";
    /// Title of the page that changes the password.
    ChangeYourPassword = "change_your_password", "Change your password";
    /// Title and menu entry of the confirmation of an address.
    ConfirmYourAddress = "confirm_your_address", "Confirm your address";
    /// Title of the page that verifies the identity again.
    ConfirmItIsYou = "confirm_it_is_you", "Please confirm that it is you";
    /// Title of the registration.
    CreateYourAccount = "create_your_account", "Create your account";
    /// Menu entry of the registration.
    CreateAnAccount = "create_an_account", "Create an account";
    /// Title of the page that sends a sign-in link.
    SignInByMail = "sign_in_by_mail", "Sign in by mail";
    /// Menu entry and legend of the sign-in by code.
    SignInWithCode = "sign_in_with_code", "Sign in with a code";
    /// Title of the list of auth tokens.
    ProgramsWithAccess = "programs_with_access", "Programs with access";
    /// Title of the page that asks for the second factor.
    EnterYourCode = "enter_your_code", "Enter your code";
    /// Title of the page that asks for the second factor again.
    IsItStillYou = "is_it_still_you", "Is it still you?";
    /// Title of the page that asks for a recovery code.
    EnterRecoveryCode = "enter_recovery_code", "Enter a recovery code";
    /// Title of the page with recovery codes.
    YourRecoveryCodes = "your_recovery_codes", "Your recovery codes";
    /// Title of the setup of a second factor.
    TwoStepSignIn = "two_step_sign_in", "Two-step sign-in";
    /// Title of the setup of sign-in methods.
    OtherWaysToSignIn = "other_ways_to_sign_in", "Other ways to sign in";
    /// Title of the page for an expired link.
    LinkTooOld = "link_too_old", "This link is too old";
    /// Title of the page that undoes a change.
    WasThisNotYou = "was_this_not_you", "Was this not you?";
    /// Title of the page that says that somebody is signed in already.
    YouAreSignedIn = "you_are_signed_in", "You are signed in";
    /// Link that leads back to the application.
    GoOn = "go_on", "Go on";
    /// Link to the page for forgotten passwords.
    ForgotYourPassword = "forgot_your_password", "Forgot your password?";
    /// Link to the page that takes a recovery code.
    UseRecoveryCode = "use_recovery_code", "Use a recovery code";
    /// Link from a recovery code back to the second factor.
    UseSecondStep = "use_second_step", "Use my second step instead";
    /// Link to the recovery codes.
    RecoveryCodes = "recovery_codes", "Recovery codes";
    /// Link that leaves the page with new recovery codes.
    CodesKept = "codes_kept", "I have kept them: go on";
    /// Name of the menu, for screen readers.
    More = "more", "More";

    // Spans of time

    /// A number of days. Value: `count`.
    SpanDays = "span_days", "%(count)d day" | "%(count)d days";
    /// A number of hours. Value: `count`.
    SpanHours = "span_hours", "%(count)d hour" | "%(count)d hours";
    /// A number of minutes. Value: `count`.
    SpanMinutes = "span_minutes", "%(count)d minute" | "%(count)d minutes";
    /// A number of seconds. Value: `count`.
    SpanSeconds = "span_seconds", "%(count)d second" | "%(count)d seconds";
    /// A number of milliseconds. Value: `count`.
    SpanMilliseconds = "span_milliseconds", "%(count)d millisecond" | "%(count)d milliseconds";
    /// A number of microseconds. Value: `count`.
    SpanMicroseconds = "span_microseconds", "%(count)d microsecond" | "%(count)d microseconds";
}
