//! Sending sign-in codes.

use super::code_message::{CodeMessage, CodePurpose};
use super::codes::UNREADABLE_SECRET;
use super::groups::SignInFlows;
use super::sent_codes::is_noted;
use super::{FlowError, Problem};
use crate::config::{CodeMethod, Disclosure, SignInMethod};
use crate::context::Context;
use crate::message::MessageKey;
use crate::model::{SealedSecret, User, UserField};
use crate::password::HashLane;
use crate::port::{Batch, Change, Guard, MailKind};
use crate::security::Security;
use crate::totp::{Step, TotpSecret};

/// Outcome of requesting a code.
#[derive(Debug)]
#[must_use]
pub enum SendCodeOutcome {
    /// The code was sent, or the answer must not reveal that none was.
    Sent,
    /// The code could not be sent.
    NotSent,
    /// The method is not available. With [`Disclosure::Explicit`] only, the account may also be
    /// unknown or deactivated. No code was sent.
    Refused(Problem),
}

impl SignInFlows<'_> {
    /// Sends a sign-in code. Mail needs no set-up.
    ///
    /// With [`Disclosure::Generic`], the answer and the work are the same for an identity without
    /// an account, which prevents enumeration.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if the client requested too many codes,
    /// [`FlowError::NoWallet`] if no key is configured, and an [error of a
    /// port](FlowError#errors-of-ports) if one fails. No code was sent.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError};
    /// # async fn example(security: Security, ctx: Context) -> Result<(), FlowError> {
    /// use fs_core::config::CodeMethod;
    /// use fs_core::flow::SendCodeOutcome;
    ///
    /// match security.sign_in().send_code(&ctx, "ann@example.com", CodeMethod::Email).await? {
    ///     SendCodeOutcome::Sent => println!("see your mails"),
    ///     SendCodeOutcome::NotSent => println!("please try again later"),
    ///     SendCodeOutcome::Refused(problem) => println!("{problem:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send_code(
        self,
        ctx: &Context,
        identity: &str,
        method: CodeMethod,
    ) -> Result<SendCodeOutcome, FlowError> {
        let refused = |field, key| Ok(SendCodeOutcome::Refused(Problem::new(field, key)));
        let explicit = self.core.config().disclosure == Disclosure::Explicit;
        let asked = self.core.code_request_quota(ctx, method);
        self.core.count(ctx, &asked, None).await?;
        let user = self.core.identity_of_stranger(identity).await?;
        match &user {
            None if explicit => return refused("identity", MessageKey::UsSpecifyIdentity),
            Some(user) if explicit && !user.active => {
                return refused("identity", MessageKey::DisabledAccount);
            }
            _ => {}
        }
        if let Err(problem) = self.core.can_send_by(method) {
            return Ok(SendCodeOutcome::Refused(problem));
        }
        let active = user.as_deref().filter(|user| user.active);
        let sent = match active {
            Some(user) => {
                let purpose = CodePurpose::SignIn(method);
                self.core.send_code_of_method(ctx, user, method, true, purpose).await
            }
            None => Ok(SendCodeOutcome::NotSent),
        };
        let sent = match sent {
            outcome if explicit => outcome,
            // Only an account can have reached its limit, or be the target of concurrent requests,
            // of which another one sent the code.
            Ok(SendCodeOutcome::Sent) => self.core.even_out(ctx, identity, method, true).await,
            Err(FlowError::TooMany(_) | FlowError::Contended(_)) => {
                self.core.even_out(ctx, identity, method, false).await
            }
            Ok(_) => match self.core.send_no_code(ctx, identity, method).await {
                Ok(sent) => self.core.even_out(ctx, identity, method, sent).await,
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        self.core.or_uncount(&asked, sent).await
    }

    /// Sends a code of a sign-in method to a user (Flask-Security's `us_send_security_token`). If
    /// `link` is set, the mail also contains a link that signs in. Mail needs no set-up. Sends
    /// nothing for an authenticator app, which generates its codes itself.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if a rate limit of messages is reached,
    /// [`FlowError::NoWallet`] if no key is configured, [`FlowError::Contended`] if the account
    /// changed at the same time, and an [error of a port](FlowError#errors-of-ports) if one fails.
    /// No code was sent.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, model::User};
    /// # async fn example(
    /// #     security: Security, ctx: Context, user: User,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::config::CodeMethod;
    /// use fs_core::flow::SendCodeOutcome;
    ///
    /// match security.sign_in().send_code_to(&ctx, &user, CodeMethod::Email, true).await? {
    ///     SendCodeOutcome::Sent => println!("sent"),
    ///     outcome => println!("{outcome:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send_code_to(
        self,
        ctx: &Context,
        user: &User,
        method: CodeMethod,
        link: bool,
    ) -> Result<SendCodeOutcome, FlowError> {
        self.core.send_code_of_method(ctx, user, method, link, CodePurpose::Verify(method)).await
    }
}

impl Security {
    /// Does the work of sending a code for an identity that gets none, so that the time does not
    /// reveal whether the account exists. Returns `false` if a limit is reached.
    async fn send_no_code(
        &self,
        ctx: &Context,
        identity: &str,
        method: CodeMethod,
    ) -> Result<bool, FlowError> {
        let lane = self.lane_of_typed(ctx, identity);
        let (secret, _) = self.secret_to_send(ctx, lane, None, method).await?;
        let whom = self.one_spelling(identity);
        let quota = self.no_code_message_quota(method, &whom);
        for step in self.steps_to_send(ctx) {
            let batch = self.no_message(ctx, (identity, &whom), method, (&secret, step))?;
            match self.commit_counted(ctx, batch, &quota, None).await {
                Ok(()) => {
                    self.mail_waits();
                    return Ok(true);
                }
                // The rate limits of codes are charged without an account as well.
                Err(FlowError::TooMany(_)) => return Ok(false),
                noted if is_noted(&noted) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Does the other half of the work of a request for a code. Whether a limit is reached depends
    /// on the networks of the owner. So of two attempts to send a message, one is always refused,
    /// and the other one sends the code or does the same work.
    async fn even_out(
        &self,
        ctx: &Context,
        identity: &str,
        method: CodeMethod,
        sent: bool,
    ) -> Result<SendCodeOutcome, FlowError> {
        let lane = self.lane_of_typed(ctx, identity);
        let (secret, _) = self.secret_to_send(ctx, lane, None, method).await?;
        let whom = format!("{} again", self.one_spelling(identity));
        let quota = self.no_code_message_quota(method, &whom);
        if quota.is_empty() {
            return Ok(SendCodeOutcome::Sent);
        }
        for step in self.steps_to_send(ctx) {
            let mut batch = self.no_message(ctx, (identity, &whom), method, (&secret, step))?;
            batch.extend(match sent {
                true => quota.in_vain(ctx.now),
                false => quota.uncapped(ctx.now),
            });
            // The code of the time step was sent before.
            if self.try_in_vain(batch).await? != Some(Guard::Secret) {
                break;
            }
        }
        self.mail_waits();
        Ok(SendCodeOutcome::Sent)
    }

    /// Returns the changes that stand in for a message with a code.
    fn no_message(
        &self,
        ctx: &Context,
        (identity, whom): (&str, &str),
        method: CodeMethod,
        (secret, step): (&TotpSecret, Step),
    ) -> Result<Batch, FlowError> {
        let code = self.totp_rules().code_of(secret, step);
        let mut batch = Batch::new();
        batch.extend(self.note_nothing(ctx, whom, method, step));
        Ok(batch.and(match method {
            CodeMethod::Email => {
                let kind = MailKind::SignInCode { code: code.expose(), link: true };
                self.no_mail(ctx, identity, kind)?
            }
            CodeMethod::Sms | CodeMethod::Authenticator => {
                self.no_text(ctx, &self.code_text(ctx, "+00000000000", &code))?
            }
        }))
    }

    /// Checks that codes that sign in can be sent by a method.
    pub(super) fn can_send_by(&self, method: CodeMethod) -> Result<(), Problem> {
        let problem = |key| Err(Problem::new("chosen_method", key));
        match self.signs_in_by(method) {
            _ if !method.is_sent() => problem(MessageKey::InvalidChoice),
            true => Ok(()),
            false => problem(MessageKey::UsMethodNotAvailable),
        }
    }

    async fn send_code_of_method(
        &self,
        ctx: &Context,
        user: &User,
        method: CodeMethod,
        link: bool,
        purpose: CodePurpose,
    ) -> Result<SendCodeOutcome, FlowError> {
        if !self.signs_in_by(method) {
            return Ok(refused(MessageKey::UsMethodNotAvailable));
        }
        let set_up = user.sign_in_secrets.contains_key(method.name());
        if method != CodeMethod::Email && !set_up {
            return Ok(refused(MessageKey::UsMethodNotAvailable));
        }
        if method == CodeMethod::Sms && user.phone.is_none() {
            return Ok(refused(MessageKey::PhoneInvalid));
        }
        let lane = self.lane(ctx, user.id.as_str());
        let (secret, new) = self.secret_to_send(ctx, lane, Some(user), method).await?;
        if method != CodeMethod::Email && new.is_some() {
            return Ok(refused(MessageKey::UsMethodNotAvailable));
        }
        let new_secret = new.map(|sealed| {
            let before = user.sign_in_secrets.clone();
            let mut after = before.clone();
            after.insert(method.name().to_owned(), sealed);
            Change::UpdateUser {
                user: user.id.clone(),
                expect: vec![UserField::SignInSecrets(before)],
                set: vec![UserField::SignInSecrets(after)],
            }
        });
        let (secret, phone) = (&secret, user.phone.as_deref());
        let message = CodeMessage { user, method, secret, phone, purpose, link, new_secret };
        Ok(match self.send_code(ctx, message).await? {
            true => SendCodeOutcome::Sent,
            false => SendCodeOutcome::NotSent,
        })
    }

    fn signs_in_by(&self, method: CodeMethod) -> bool {
        let rules = self.config().unified.as_ref();
        rules.is_some_and(|rules| rules.methods.contains(&SignInMethod::Code(method)))
    }

    /// Returns the secret of a user's codes, or a new one with its encrypted form. The work is the
    /// same in both cases, and whether the user exists or not.
    async fn secret_to_send(
        &self,
        ctx: &Context,
        lane: HashLane,
        user: Option<&User>,
        method: CodeMethod,
    ) -> Result<(TotpSecret, Option<SealedSecret>), FlowError> {
        let (new, random) = (self.new_totp_secret()?, self.random()?);
        let stored = user.and_then(|user| user.sign_in_secrets.get(method.name())).cloned();
        let is_stored = stored.is_some();
        let wallet = self.wallet().ok_or(FlowError::NoWallet)?;
        let found = move || match stored.map(|sealed| wallet.open(&sealed)) {
            Some(Ok(secret)) => (secret, None),
            _ => {
                let sealed = wallet.seal(&new, random);
                (new, Some(sealed))
            }
        };
        let (secret, sealed) = self.run_slow(lane, 1, found).await?;
        let derived = self.secret_of_mailed_codes(user, method);
        if let Some(secret) = derived.filter(|_| user.is_some() && !is_stored) {
            return Ok((secret, None));
        }
        if let Some(user) = user.filter(|_| is_stored && sealed.is_some()) {
            self.code_failed(ctx, user, UNREADABLE_SECRET);
        }
        Ok((secret, sealed))
    }
}

fn refused(key: MessageKey) -> SendCodeOutcome {
    SendCodeOutcome::Refused(Problem::new("chosen_method", key))
}
