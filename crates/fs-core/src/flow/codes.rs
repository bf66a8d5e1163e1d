//! Generating, sending and accepting the codes of second factors and sign-in methods.

use super::FlowError;
use super::code_message::{CodeMessage, CodePurpose};
use super::groups::SecondFactorFlows;
use super::limits::place;
use super::sent_codes::{MOST_A_STEP, is_noted};
use crate::Timestamp;
use crate::config::{CodeMethod, Disclosure, TwoFactor, Unified};
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::limit::{CodeUse, Quota};
use crate::message::{Message, MessageKey};
use crate::model::{SealedSecret, User};
use crate::password::HashLane;
use crate::port::{Batch, Change, MailKind, OutgoingMessage, OutgoingSms};
use crate::secret::Secret;
use crate::security::Security;
use crate::totp::{self, Step, TotpSecret, Window};

/// Reason that a stored secret cannot be decrypted with the configured keys.
pub(super) const UNREADABLE_SECRET: &str = "sealed_secret_unreadable";

/// Reason that a code is wrong.
pub(super) const WRONG_CODE: &str = "wrong_code";

/// Accepted code, with the change that spends it. Only [`Security::accept_code`] creates one.
#[derive(Debug)]
#[must_use]
pub(super) struct AcceptedCode {
    spend: Change,
}

impl AcceptedCode {
    /// Returns the change that spends the code. Commit it in the batch of whatever the code
    /// permits.
    pub(super) fn spend(&self) -> Change {
        self.spend.clone()
    }
}

/// Typed code, and what it is compared with.
pub(super) struct TypedCode<'a> {
    pub(super) user: &'a User,
    pub(super) secret: &'a TotpSecret,
    pub(super) typed: &'a str,
    pub(super) method: CodeMethod,
    pub(super) window: Window,
    pub(super) purpose: CodePurpose,
}

impl SecondFactorFlows<'_> {
    /// Encrypts a TOTP secret for storage.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::NoWallet`] if no key is configured, [`FlowError::Entropy`] if the
    /// source of randomness fails, and [`FlowError::Busy`] or [`FlowError::HashPool`] if the
    /// hashing threads cannot do the work.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::FlowError};
    /// # async fn example(security: Security) -> Result<(), FlowError> {
    /// use fs_core::totp::TotpSecret;
    ///
    /// let secret = TotpSecret::from_random(security.random()?);
    /// let sealed = security.second_factors().seal_totp(&secret).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn seal_totp(self, secret: &TotpSecret) -> Result<SealedSecret, FlowError> {
        self.core.seal_totp_in(HashLane::application(), secret).await
    }
}

impl Security {
    /// Generates a TOTP secret.
    pub(super) fn new_totp_secret(&self) -> Result<TotpSecret, FlowError> {
        Ok(TotpSecret::from_random(self.random()?))
    }

    /// Encrypts a secret in the hashing lane of its user.
    pub(super) async fn seal_totp_in(
        &self,
        lane: HashLane,
        secret: &TotpSecret,
    ) -> Result<SealedSecret, FlowError> {
        let (random, secret) = (self.random()?, secret.clone());
        let wallet = self.wallet().ok_or(FlowError::NoWallet)?;
        self.run_slow(lane, 1, move || wallet.seal(&secret, random)).await
    }

    /// Decrypts a stored secret. Returns `None` and emits an event if the configured keys do not
    /// decrypt it.
    pub(super) async fn open_totp(
        &self,
        ctx: &Context,
        user: &User,
        sealed: &SealedSecret,
    ) -> Result<Option<TotpSecret>, FlowError> {
        let wallet = self.wallet().ok_or(FlowError::NoWallet)?;
        let sealed = sealed.clone();
        let lane = self.lane(ctx, user.id.as_str());
        let opened = self.run_slow(lane, 1, move || wallet.open(&sealed)).await?;
        if opened.is_err() {
            self.code_failed(ctx, user, UNREADABLE_SECRET);
        }
        Ok(opened.ok())
    }

    /// Sends a code. Returns whether it was sent. Nothing else about the account changes.
    ///
    /// With [`Disclosure::Generic`], mails and text messages go through the outbox, so that the
    /// time of the request does not depend on the mail server.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if too many codes were sent to the user or the address, and
    /// an [error of a port](FlowError#errors-of-ports) if one fails. No code was sent.
    pub(super) async fn send_code(
        &self,
        ctx: &Context,
        message: CodeMessage<'_>,
    ) -> Result<bool, FlowError> {
        let user = &self.with_uniquifier(message.user).await?;
        let message = CodeMessage { user, ..message };
        let sent = match message.method.is_sent() {
            true => self.send_unused_code(ctx, &message).await?,
            false => true,
        };
        if sent {
            let user = Subject::of(message.user);
            let method = message.method.name();
            self.emit(
                ctx,
                match message.purpose {
                    CodePurpose::SecondFactor => Event::SecondFactorCodeSent { user, method },
                    CodePurpose::SetUp if message.link => {
                        Event::SecondFactorCodeSent { user, method }
                    }
                    _ => Event::SignInCodeSent { user, method },
                },
            );
        }
        Ok(sent)
    }

    /// Sends the code of the first time step for which none was sent yet. So a code that is sent
    /// has never been used, however often the user asks.
    async fn send_unused_code(
        &self,
        ctx: &Context,
        message: &CodeMessage<'_>,
    ) -> Result<bool, FlowError> {
        for step in self.steps_to_send(ctx) {
            let code = self.totp_rules().code_of(message.secret, step);
            let mut batch = Batch::new();
            message.new_secret.iter().for_each(|change| batch.push(change.clone()));
            batch.extend(self.note_sent(ctx, message, step));
            let sent = match message.method {
                CodeMethod::Sms => self.text_code(ctx, message, &code, batch).await,
                _ => self.mail_code(ctx, message, &code, batch).await,
            };
            if !is_noted(&sent) {
                return sent;
            }
        }
        Err(FlowError::TooMany(self.totp_rules().period()))
    }

    async fn mail_code(
        &self,
        ctx: &Context,
        message: &CodeMessage<'_>,
        code: &Secret,
        batch: Batch,
    ) -> Result<bool, FlowError> {
        let code = code.expose();
        let kind = match message.purpose {
            CodePurpose::SecondFactor => MailKind::SecondFactorCode { code },
            CodePurpose::SignIn(_) | CodePurpose::Verify(_) | CodePurpose::SetUp => {
                MailKind::SignInCode { code, link: message.link }
            }
        };
        let change = self.mail(ctx, message.user, kind)?;
        let (quota, user) = (self.code_message_quota(ctx, message), Some(message.user));
        if self.config().disclosure == Disclosure::Generic {
            self.commit_counted(ctx, batch.and(change), &quota, user).await?;
            self.mail_waits();
            return Ok(true);
        }
        let Change::Enqueue(entry) = change else { return Ok(false) };
        let OutgoingMessage::Mail(mail) = &entry.message else { return Ok(false) };
        self.commit_counted(ctx, batch, &quota, user).await?;
        Ok(self.ports().mailer.send(&entry.id, mail).await.is_ok())
    }

    async fn text_code(
        &self,
        ctx: &Context,
        message: &CodeMessage<'_>,
        code: &Secret,
        batch: Batch,
    ) -> Result<bool, FlowError> {
        let (Some(sender), Some(phone)) = (&self.ports().sms, message.phone) else {
            return Ok(false);
        };
        let sms = self.code_text(ctx, phone, code);
        let (quota, user) = (self.code_message_quota(ctx, message), Some(message.user));
        if self.config().disclosure == Disclosure::Generic {
            let change = self.text(ctx, &sms)?;
            self.commit_counted(ctx, batch.and(change), &quota, user).await?;
            self.mail_waits();
            return Ok(true);
        }
        self.commit_counted(ctx, batch, &quota, user).await?;
        Ok(sender.send(&self.new_outbox_id()?, &sms).await.is_ok())
    }

    /// Composes the text message that contains a code.
    pub(super) fn code_text(&self, ctx: &Context, phone: &str, code: &Secret) -> OutgoingSms {
        let text = Message::new(MessageKey::UseCode).with("code", code.expose());
        let text = Secret::from(self.config().message(&ctx.language, &text));
        OutgoingSms { to: phone.to_owned(), text }
    }

    /// Compares a code, and returns the change that spends it if it is right. Count the attempt
    /// first.
    ///
    /// If codes are strict, a code by mail or text message is accepted only if it was sent. A code
    /// that was sent ahead of its time step is accepted for as long as if it belonged to the step
    /// in which it was sent.
    pub(super) async fn accept_code(
        &self,
        ctx: &Context,
        code: TypedCode<'_>,
    ) -> Result<Option<AcceptedCode>, FlowError> {
        let TypedCode { user, secret, typed, method, window, purpose } = code;
        let strict = self.config().totp.strict;
        let timely = self.totp_rules().check(secret, typed, ctx.now, window, None);
        let ahead = || self.totp_rules().check_ahead(secret, typed, ctx.now, MOST_A_STEP);
        let (step, must_be_sent) = match (timely, method.is_sent()) {
            (Some(step), is_sent) => (step, is_sent && strict),
            (None, true) => match ahead() {
                Some(step) => (step, true),
                None => return Ok(None),
            },
            (None, false) => return Ok(None),
        };
        if must_be_sent && !self.was_sent(ctx, user, secret, step, window).await? {
            return Ok(None);
        }
        let key = match strict {
            true => user.id.to_string(),
            false => format!("{}:{}", purpose.name(), user.id),
        };
        let (secret, until) = (totp::spent(&key, secret, step), self.closed_at(step));
        Ok(Some(AcceptedCode { spend: Change::Spend { secret, until } }))
    }

    /// Returns the time from which the code of a step is too old for every purpose.
    pub(super) fn closed_at(&self, step: Step) -> Timestamp {
        let config = self.config();
        let second = config.two_factor.iter().flat_map(TwoFactor::windows);
        let windows = second.chain(config.unified.iter().flat_map(Unified::windows));
        let closed = windows.map(|window| self.totp_rules().closed_at(step, window));
        closed.max().unwrap_or(Timestamp::MAX)
    }

    /// Counts an attempt at a user's codes.
    pub(super) async fn count_attempt(
        &self,
        ctx: &Context,
        user: &User,
        used_as: CodeUse,
        sign_in: Option<&str>,
    ) -> Result<(), FlowError> {
        self.count(ctx, &self.code_quota(ctx, user, used_as, sign_in), Some(user)).await
    }

    /// Emits the event that a user gave no valid code.
    pub(super) fn code_failed(&self, ctx: &Context, user: &User, reason: &'static str) {
        self.emit(ctx, Event::AuthenticationFailed { user: Some(Subject::of(user)), reason });
    }

    /// Adds the changes that reset the count of attempts after a right code.
    pub(super) fn forget_attempts(
        &self,
        ctx: &Context,
        batch: &mut Batch,
        user: &User,
        used_as: CodeUse,
        sign_in: Option<&str>,
    ) {
        let forgotten = self.code_quota(ctx, user, used_as, sign_in).success();
        forgotten.into_iter().for_each(|change| batch.push(change));
    }

    pub(super) fn code_quota(
        &self,
        ctx: &Context,
        user: &User,
        used_as: CodeUse,
        sign_in: Option<&str>,
    ) -> Quota {
        let place = place(ctx, Some(user));
        self.limits().codes.known(self.counters(), used_as, (&user.id, place), sign_in)
    }
}
