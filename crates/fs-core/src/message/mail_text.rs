//! Subjects and sentences of mails.

use super::texts::texts;

texts! {
    /// Key of a subject or sentence of a mail.
    MailText;

    // Subjects, most of which are headings as well

    /// Subject of `welcome` with a link.
    SubjectWelcomeConfirm = "subject_welcome_confirm", "Welcome: please confirm your address";
    /// Subject of `welcome` without a link.
    SubjectWelcome = "subject_welcome", "Welcome";
    /// Subject of `confirmation_instructions`.
    SubjectConfirm = "subject_confirm", "Please confirm your address";
    /// Subject of `reset_instructions`.
    SubjectReset = "subject_reset", "Choose a new password";
    /// Subject of `reset_notice`.
    SubjectResetNotice = "subject_reset_notice", "Your password was reset";
    /// Subject of `change_notice`.
    SubjectChangeNotice = "subject_change_notice", "Your password was changed";
    /// Subject of `remembered_browser_ended`.
    SubjectBrowserEnded = "subject_browser_ended", "We signed a browser out";
    /// Subject of `account_exists`.
    SubjectAccountExists = "subject_account_exists", "You already have an account";
    /// Subject of `login_instructions`.
    SubjectSignInLink = "subject_sign_in_link", "Your link to sign in";
    /// Subject of `two_factor_instructions`.
    SubjectFactorCode = "subject_factor_code", "Your code to sign in";
    /// Subject of `second_factor_changed`.
    SubjectFactorChanged = "subject_factor_changed", "Your second step was changed";
    /// Subject of `sign_in_method_changed`.
    SubjectMethodChanged = "subject_method_changed", "How you sign in was changed";
    /// Subject of `recovery_code_used`.
    SubjectRecoveryCodeUsed = "subject_recovery_code_used", "A recovery code was used";
    /// Subject of `recovery_codes_made`.
    SubjectRecoveryCodesMade = "subject_recovery_codes_made", "You have new recovery codes";
    /// Subject of `two_factor_rescue`.
    SubjectRescue = "subject_rescue", "Somebody needs help to sign in";
    /// Subject of `us_instructions`.
    SubjectCode = "subject_code", "Your code";

    // Sentences of several mails

    /// Validity of a link. Value: `within`, a span of time.
    MailLinkWorks = "mail_link_works", "The link works for %(within)s.";
    /// Above a link in plain text. Value: `within`, a span of time.
    MailOpenLink = "mail_open_link", "Open this link within %(within)s:";
    /// Above the address of a button.
    MailCopyLink = "mail_copy_link", "If the button does not work, copy this address into your browser:";
    /// The user made the change.
    MailIfYou = "mail_if_you", "If that was you, there is nothing to do.";
    /// Somebody else made the change, and there is a link.
    MailIfNotYou = "mail_if_not_you", "If it was not you, choose another password at once.";
    /// Somebody else made the change, and there is no link. Value: `site`.
    MailIfNotYouTell = "mail_if_not_you_tell", "If it was not you, somebody else can use your account: tell the people who run %(site)s at once.";
    /// Button that leads to a reset.
    MailOtherPassword = "mail_other_password", "Choose another password";
    /// Above the button that undoes a change. Value: `within`, a span of time.
    MailUndoButton = "mail_undo_button", "If it was not you, say so. The button works for %(within)s. Everything goes back to what it was before, you are signed out everywhere, and you choose a new password.";
    /// Above the button that undoes a change of the password. Value: `within`, a span of time.
    MailUndoPasswordButton = "mail_undo_password_button", "If it was not you, say so. The button works for %(within)s. The new password stops working, you are signed out everywhere, and you choose another one. Your second step stays as it is: if that was changed, too, another mail has a button for it.";
    /// Above the link that undoes a change of the password. Value: `within`, a span of time.
    MailUndoPasswordLink = "mail_undo_password_link", "If it was not you, say so within %(within)s. The new password stops working, you are signed out everywhere, and you choose another one. Your second step stays as it is: if that was changed, too, another mail has a link for it:";
    /// Above the link that undoes a change. Value: `within`, a span of time.
    MailUndoLink = "mail_undo_link", "If it was not you, say so within %(within)s. Everything goes back to what it was before, you are signed out everywhere, and you choose a new password:";

    // Accounts and addresses

    /// Heading of `welcome`. Value: `site`.
    MailWelcome = "mail_welcome", "Welcome to %(site)s";
    /// `welcome`: there is an account now. Value: `email`.
    MailWelcomeAccount = "mail_welcome_account", "You have an account now. It belongs to %(email)s.";
    /// `welcome`: the address must be confirmed.
    MailWelcomeConfirm = "mail_welcome_confirm", "Please confirm that this address is yours.";
    /// `welcome` with a link, to somebody else.
    MailWelcomeDoubt = "mail_welcome_doubt", "Was it not you? Then do nothing. Without your confirmation nobody can claim that this address is theirs.";
    /// `welcome` without a link, to somebody else. Value: `site`.
    MailWelcomeDoubtTell = "mail_welcome_doubt_tell", "Was it not you? Then somebody else gave your address. Please tell the people who run %(site)s.";
    /// Heading of `confirmation_instructions`.
    MailConfirmHeading = "mail_confirm_heading", "Confirm your e-mail address";
    /// `confirmation_instructions`. Value: `email`.
    MailConfirm = "mail_confirm", "Please confirm that %(email)s is yours.";
    /// `confirmation_instructions`, to somebody else.
    MailConfirmDoubt = "mail_confirm_doubt", "Did you not ask for this? Then do nothing, and the address stays unconfirmed.";
    /// `account_exists`: the address is confirmed. Values: `site`, `email`.
    MailExists = "mail_exists", "Somebody, perhaps you, tried to register at %(site)s with %(email)s. This address has an account, so we made no second one.";
    /// `account_exists`: above the link to sign in, in plain text.
    MailExistsSignIn = "mail_exists_sign_in", "Sign in here:";
    /// `account_exists`: above the link to reset.
    MailExistsReset = "mail_exists_reset", "If you do not know your password any more, choose a new one.";
    /// `account_exists`, to somebody else.
    MailExistsDoubt = "mail_exists_doubt", "Was it not you? Then do nothing: your account is as it was, and nobody has learned that you have one.";
    /// `account_exists`: the address is not confirmed. Values: `site`, `email`.
    MailExistsAgain = "mail_exists_again", "Somebody, perhaps you, registered at %(site)s with %(email)s, and not for the first time. Nobody has confirmed this address yet.";
    /// `account_exists`: the address must be confirmed.
    MailExistsConfirm = "mail_exists_confirm", "Confirm that it is yours; you choose the password there.";
    /// `account_exists` with a link to confirm, to somebody else.
    MailExistsConfirmDoubt = "mail_exists_confirm_doubt", "Was it not you? Then do nothing. Without your confirmation nobody can use this address here.";

    // Passwords and sessions

    /// `login_instructions`. Value: `name`.
    MailSignIn = "mail_sign_in", "With this link you sign in as %(name)s.";
    /// `login_instructions`, to somebody else.
    MailSignInDoubt = "mail_sign_in_doubt", "Did you not ask for this? Then do nothing. Never pass this link on; whoever has it can sign in as you.";
    /// `reset_instructions`. Value: `email`.
    MailReset = "mail_reset", "Somebody, we hope you, wants to choose a new password for the account of %(email)s.";
    /// `reset_instructions`, to somebody else.
    MailResetDoubt = "mail_reset_doubt", "Did you not ask for this? Then do nothing: your password stays as it is. Never pass this link on; whoever has it can take over your account.";
    /// `reset_notice`. Value: `email`.
    MailWasReset = "mail_was_reset", "The account of %(email)s has a new password, chosen with a link that we mailed you.";
    /// `reset_notice`, after a reset by somebody else. Value: `site`.
    MailWasResetDoubt = "mail_was_reset_doubt", "If it was not you, somebody else can read your mail: tell the people who run %(site)s at once.";
    /// `change_notice`. Value: `email`.
    MailChanged = "mail_changed", "The account of %(email)s has a new password.";
    /// `change_notice`: why it is sent.
    MailChangedDoubt = "mail_changed_doubt", "We tell you about every change of your password, so that nobody can make one behind your back.";
    /// `remembered_browser_ended`: what happened. Value: `email`.
    MailBrowserEnded = "mail_browser_ended", "A browser in which %(email)s stays signed in sent an old version of the cookie that keeps it signed in. That can happen when an answer of ours got lost, or when a browser was restored from a backup. It also happens when somebody has copied the cookie.";
    /// `remembered_browser_ended`: what to do.
    MailBrowserAgain = "mail_browser_again", "To be safe we signed that browser out. Please sign in there again.";
    /// `remembered_browser_ended`: above the link to reset.
    MailBrowserPassword = "mail_browser_password", "If you think that somebody else used your browser, choose another password: it ends every session.";
    /// `remembered_browser_ended`: it comes often. Value: `site`.
    MailBrowserOften = "mail_browser_often", "If you see this mail often, tell the people who run %(site)s.";

    // Codes and second factors

    /// Above a code. Value: `name`.
    MailCode = "mail_code", "Enter this code to show that it is you, %(name)s.";
    /// `us_instructions`, to somebody else.
    MailCodeDoubt = "mail_code_doubt", "Did you not ask for it? Then do nothing. Tell this code to nobody, not even to us.";
    /// `two_factor_instructions`, to somebody else.
    MailCodeDoubtPassword = "mail_code_doubt_password", "Did you not ask for it? Then somebody may know your password: change it. Tell this code to nobody, not even to us.";
    /// `us_instructions`: above the link.
    MailCodeOrLink = "mail_code_or_link", "Or sign in without typing the code:";
    /// Heading of `two_factor_rescue`.
    MailRescueHeading = "mail_rescue_heading", "Somebody cannot get in";
    /// `two_factor_rescue`, to the operator. Value: `name`.
    MailRescue = "mail_rescue", "The password of %(name)s was right, but whoever entered it can get at neither the second step nor the mails of this account, and asks you for help.";
    /// `two_factor_rescue`: a warning.
    MailRescueDoubt = "mail_rescue_doubt", "Make sure that it is really them before you do anything: somebody who stole the password would write the same.";
    /// `recovery_code_used`. Value: `name`.
    MailRecoveryUsed = "mail_recovery_used", "Somebody, we hope you, used a recovery code of %(name)s to sign in.";
    /// `recovery_code_used`: no code is left.
    MailRecoveryLast = "mail_recovery_last", "It was the last one: make new ones.";
    /// `recovery_code_used`: codes are left. Value: `left`.
    MailRecoveryLeft = "mail_recovery_left", "One is left: make new ones soon." | "There are %(left)d codes left.";
    /// `recovery_code_used`: why it is sent.
    MailRecoveryDoubt = "mail_recovery_doubt", "We tell you about every recovery code that is used, so that nobody can use one behind your back.";
    /// `recovery_codes_made`. Value: `name`.
    MailRecoveryMade = "mail_recovery_made", "Somebody, we hope you, made new recovery codes of %(name)s. The codes from before no longer work.";
    /// `recovery_codes_made`: why it is sent.
    MailRecoveryMadeDoubt = "mail_recovery_made_doubt", "We tell you whenever recovery codes are made, so that nobody can make some behind your back.";
    /// `second_factor_changed`: authenticator app. Value: `name`.
    MailFactorApp = "mail_factor_app", "As %(name)s you now need a code from an authenticator app to sign in.";
    /// `second_factor_changed`: text message. Value: `name`.
    MailFactorText = "mail_factor_text", "As %(name)s you now need a code that we send to your phone to sign in.";
    /// `second_factor_changed`: mail. Value: `name`.
    MailFactorMail = "mail_factor_mail", "As %(name)s you now need a code that we send by mail to sign in.";
    /// `second_factor_changed`: disabled. Value: `name`.
    MailFactorNone = "mail_factor_none", "As %(name)s you no longer need a second step to sign in.";
    /// `second_factor_changed`: why it is sent.
    MailFactorDoubt = "mail_factor_doubt", "We tell you about every change of your second step, so that nobody can make one behind your back.";
    /// Codes of `sign_in_method_changed`: authenticator app.
    MailCodesApp = "mail_codes_app", "codes from an authenticator app";
    /// Codes of `sign_in_method_changed`: text message.
    MailCodesText = "mail_codes_text", "codes that we send to a phone";
    /// Codes of `sign_in_method_changed`: mail.
    MailCodesMail = "mail_codes_mail", "codes that we send by mail";
    /// Codes of `sign_in_method_changed`: any.
    MailCodes = "mail_codes", "codes";
    /// `sign_in_method_changed`. Values: `name`, `codes` (one of the four above).
    MailMethodAdded = "mail_method_added", "For %(name)s, %(codes)s can be used to sign in now.";
    /// `sign_in_method_changed`. Values as above.
    MailMethodReplaced = "mail_method_replaced", "For %(name)s, %(codes)s come from another place now.";
    /// `sign_in_method_changed`. Values as above.
    MailMethodRemoved = "mail_method_removed", "For %(name)s, %(codes)s can no longer be used to sign in.";
    /// `sign_in_method_changed`. Values as above.
    MailMethodOther = "mail_method_other", "For %(name)s, %(codes)s were changed.";
    /// `sign_in_method_changed`: above the link to reset.
    MailMethodPassword = "mail_method_password", "If it was not you, choose another password at once. That also removes every way to sign in that was added.";
    /// `sign_in_method_changed`: why it is sent.
    MailMethodDoubt = "mail_method_doubt", "We tell you about every change of how you sign in, so that nobody can make one behind your back.";
}
