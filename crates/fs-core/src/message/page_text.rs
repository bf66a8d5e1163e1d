//! Sentences on pages.

use super::texts::texts;

texts! {
    /// Key of a sentence on a page.
    PageText;

    // Passwords, addresses and links

    /// Confirmation link: what the button does.
    ConfirmText = "confirm_text", "Is this account yours? Confirm that the mail came to you. If you did not ask for an account here, close this page: nothing has happened.";
    /// Sign-in link: what the button does.
    SignInText = "sign_in_text", "One more press, and you are signed in in this browser.";
    /// Expired link: what the button does.
    LinkTooOldText = "link_too_old_text", "Links in our mails work for a limited time. Press the button, and we send you a new one.";
    /// Undo link of a changed password: what the button does.
    UndoPasswordText = "undo_password_text", "Then press the button. The new password stops working, you are signed out everywhere, and you choose another one next. Your second step stays as it is: if that was changed, too, another mail has a button for it.";
    /// Undo link: what the button does.
    UndoText = "undo_text", "Then press the button. Your second step, your recovery codes and the ways to sign in go back to what they were before the changes of the last days. If recovery codes were made meanwhile, none of them works any more. You are signed out everywhere, and you choose a new password next.";
    /// Introduction: change of the password.
    ChangePasswordIntro = "change_password_intro", "Enter the password that you use now, then the new one.";
    /// Introduction: confirmation in another browser, with the password of the registration.
    ConfirmKnowsIntro = "confirm_knows_intro", "Somebody, perhaps you, created an account with your address in another browser. Enter the password that you chose there. If you did not ask for an account here, close this page: nothing has happened.";
    /// Introduction: confirmation in another browser, of an account without a password.
    ConfirmPressIntro = "confirm_press_intro", "Somebody, perhaps you, created an account with your address in another browser. Press the button to make it yours. If you did not ask for an account here, close this page: nothing has happened.";
    /// Line that opens the form for another password.
    ConfirmAfresh = "confirm_afresh", "I do not know the password: choose a new one";
    /// Introduction: forgotten password.
    ForgotPasswordIntro = "forgot_password_intro", "Enter the e-mail address of your account. We will send you a link to choose a new password.";
    /// Introduction: choice of a new password.
    ResetPasswordIntro = "reset_password_intro", "A few words that do not belong together are easy to remember and hard to guess.";
    /// Introduction: request of a confirmation link.
    SendConfirmationIntro = "send_confirmation_intro", "Did our mail not reach you? Enter your e-mail address, and we will send you a new link to confirm it.";
    /// Introduction: request of a sign-in link.
    SendLoginIntro = "send_login_intro", "Enter the e-mail address of your account. We will send you a link that signs you in; no password needed.";
    /// Introduction: verification by password.
    VerifyIntro = "verify_intro", "You are about to open something sensitive. Enter your password once more, so that we know it is you.";
    /// Introduction: verification by password or code.
    VerifyByCodeIntro = "verify_by_code_intro", "You are about to open something sensitive. Please show once more that it is you.";

    // Second factors and codes

    /// Introduction: use of a recovery code.
    RecoveryCodeIntro = "recovery_code_intro", "Enter one of the recovery codes that you have kept. Each of them works once; the others stay as they are.";
    /// Introduction: new recovery codes.
    RecoveryCodesMade = "recovery_codes_made", "Each of these codes gets you in once when your second step is out of reach. Print them or copy them now, and keep them where only you can get at them: we cannot show them again.";
    /// Introduction: what recovery codes are.
    RecoveryCodesExplained = "recovery_codes_explained", "A recovery code gets you in once when your second step is out of reach.";
    /// The account has no recovery codes.
    RecoveryCodesNone = "recovery_codes_none", "You have none at the moment.";
    /// Number of recovery codes. Value: `left`.
    RecoveryCodesLeft = "recovery_codes_left", "You have one left." | "You have %(left)d left.";
    /// New recovery codes replace the old ones.
    RecoveryCodesReplaced = "recovery_codes_replaced", "We cannot show them again. New codes replace those that you have.";
    /// Introduction: second factor before a change.
    FactorProofIntro = "factor_proof_intro", "Before you change how you sign in, show that it is you: enter a code of your second step, or one of your recovery codes.";
    /// Every user needs a second factor. Value: `site`.
    SecondStepRequired = "second_step_required", "%(site)s asks for a second step at every sign-in.";
    /// Introduction: choice of a second factor.
    SecondStepIntro = "second_step_intro", "With a second step, a stolen password is not enough to get into your account. How do you want to get your codes?";
    /// Line that opens the choice of another method.
    ChooseAnotherWay = "choose_another_way", "Choose another way";
    /// Line that opens the form for a code.
    HaveACode = "have_a_code", "I have a code already";
    /// Line that opens the form for help.
    CannotGetCode = "cannot_get_code", "I cannot get a code";
    /// A code was mailed in place of one from a lost device.
    RescueCodeSent = "rescue_code_sent", "We sent a code to your e-mail address. Enter it here.";
    /// The operator was asked for help. Value: `site`.
    HelpRequested = "help_requested", "We have asked the people who run %(site)s to help you.";
    /// The operator was asked for help at an address. Values: `site`, `mail`.
    HelpRequestedOf = "help_requested_of", "We have asked the people who run %(site)s (%(mail)s) to help you.";
    /// No sign-in method can be set up.
    NothingToSetUp = "nothing_to_set_up", "There is nothing to set up: you sign in with your password.";
    /// Introduction: setup of a sign-in method.
    AddMethod = "add_method", "Add a way to sign in.";
    /// Sign-in methods that are set up. Value: `methods`, a list.
    MethodsSetUp = "methods_set_up", "Set up already: %(methods)s.";
    /// Name of the method in a list: codes by mail.
    CodesByMail = "codes_by_mail", "codes by e-mail";
    /// Name of the method in a list: authenticator app.
    CodesByApp = "codes_by_app", "your authenticator app";
    /// Name of the method in a list: codes by text message.
    CodesByText = "codes_by_text", "codes by text message";
    /// Last two parts of a list. Values: `before`, `last`.
    ListLast = "list_last", "%(before)s and %(last)s";
    /// A code was requested for whatever account.
    CodeOnItsWay = "code_on_its_way", "A code is on its way, if the account can receive one that way. Enter the latest one that you got.";
    /// Introduction: code from an authenticator app. Value: `site`.
    AppCodeIntro = "app_code_intro", "Open your authenticator app and enter the code that it shows for %(site)s.";
    /// A code was sent now. Value: `to`, an address, a number, or one of the next two.
    CodeSentTo = "code_sent_to", "We sent a code to %(to)s. Enter the latest one that you got.";
    /// A code was sent earlier. Value: `to`, as above.
    CodeWasSentTo = "code_was_sent_to", "Enter the latest code that we sent to %(to)s.";
    /// Target of a code whose number is not shown.
    YourPhone = "your_phone", "your phone";
    /// Target of a code whose address is not shown.
    YourMailAddress = "your_mail_address", "your e-mail address";
    /// Introduction: setup of an authenticator app.
    ScanIntro = "scan_intro", "Scan this with your authenticator app. Then enter the code that the app shows.";
    /// Text in place of the QR code.
    QrCode = "qr_code", "QR code with the key below";
    /// Above the key, below a QR code.
    TypeKeyHere = "type_key_here", "Is the app on this device? Then type this key into it, as a time-based one:";
    /// Above the key, without a QR code.
    TypeKey = "type_key", "Type this key into the app, as a time-based one:";
    /// Unusual codes of an authenticator app. Values: `digits`, `period` in seconds.
    KeyDigits = "key_digits", "Set it to codes of %(digits)d digits, each shown for %(period)d seconds.";
    /// Name of the key in the app. Value: `name`.
    KeyName = "key_name", "The app will call it %(name)s.";

    // Auth tokens

    /// Introduction: list of auth tokens.
    ProgramsIntro = "programs_intro", "These programs can act for you without asking. End the access of those that you no longer use or do not know.";
    /// The account has no auth tokens.
    ProgramsNone = "programs_none", "No program has access to your account at the moment.";
    /// Name of an auth token that has none.
    ProgramWithoutName = "program_without_name", "A program without a name";
    /// Creation of an auth token. Value: `since`, a date.
    ProgramSince = "program_since", "Access since %(since)s.";
    /// Validity of an auth token. Values: `since`, `until`, dates.
    ProgramSinceUntil = "program_since_until", "Access since %(since)s, until %(until)s.";
    /// Last use of an auth token. Values: `date`, `time`.
    ProgramUsed = "program_used", "Last used on %(date)s at about %(time)s (UTC).";
    /// The auth token was never used.
    ProgramUnused = "program_unused", "Not used yet.";
}
