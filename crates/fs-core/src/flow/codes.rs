//! Codes of second factors and of sign-in methods: making, sending and accepting them.

use super::FlowError;
use super::sent_codes::{MOST_A_STEP, is_noted};
use crate::Timestamp;
use crate::config::{CodeMethod, Disclosure, TwoFactor, Unified};
use crate::event::{Event, Subject};
use crate::limit::{CodeUse, Quota};
use crate::message::{Message, MessageKey};
use crate::model::{SealedSecret, User};
use crate::password::HashLane;
use crate::port::{Batch, Change, MailKind, OutgoingSms};
use crate::secret::Secret;
use crate::security::{Context, Security};
use crate::totp::{self, Step, TotpSecret, Window};

/// What a code is for. Where codes are not strict, one that was accepted for one purpose is spent
/// for that purpose alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodePurpose {
    /// The second factor of a sign-in.
    SecondFactor,
    /// Signing in with a code.
    SignIn(CodeMethod),
    /// The same for whoever is signed in and asks for it. It is accepted as one to sign in.
    Verify(CodeMethod),
    /// Proving a method that is being set up.
    SetUp,
}

impl CodePurpose {
    fn name(self) -> String {
        match self {
            Self::SecondFactor => "second factor".to_owned(),
            Self::SignIn(method) | Self::Verify(method) => format!("sign in by {}", method.name()),
            Self::SetUp => "set up".to_owned(),
        }
    }
}

/// Why a stored secret was of no use: the keys at hand do not open it.
pub(super) const UNREADABLE_SECRET: &str = "sealed_secret_unreadable";

/// Why a code opened nothing.
pub(super) const WRONG_CODE: &str = "wrong_code";

/// A code that was right, and the change that spends it. Only [`Security::accept_code`] makes one.
#[derive(Debug)]
#[must_use]
pub(super) struct AcceptedCode {
    spend: Change,
}

impl AcceptedCode {
    /// The change that spends the code: it belongs into the batch of what the code opens.
    pub(super) fn spend(&self) -> Change {
        self.spend.clone()
    }
}

/// A code on its way to somebody.
pub(super) struct CodeMessage<'a> {
    pub(super) user: &'a User,
    pub(super) method: CodeMethod,
    pub(super) secret: &'a TotpSecret,
    pub(super) phone: Option<&'a str>,
    pub(super) purpose: CodePurpose,
    /// A link that signs in with the code.
    pub(super) link: bool,
    /// The change that stores the secret, where this is its first code.
    pub(super) new_secret: Option<Change>,
}

/// A code that was typed, and what it is held against.
pub(super) struct TypedCode<'a> {
    pub(super) user: &'a User,
    pub(super) secret: &'a TotpSecret,
    pub(super) typed: &'a str,
    pub(super) method: CodeMethod,
    pub(super) window: Window,
    pub(super) purpose: CodePurpose,
}

impl Security {
    /// A new secret.
    pub(super) fn new_totp_secret(&self) -> Result<TotpSecret, FlowError> {
        Ok(TotpSecret::from_random(self.random()?))
    }

    /// A secret as it is stored.
    ///
    /// # Errors
    ///
    /// There was no randomness, or no key to seal with.
    pub async fn seal_totp(&self, secret: &TotpSecret) -> Result<SealedSecret, FlowError> {
        self.seal_totp_in(HashLane::application(), secret).await
    }

    /// Seals a secret in the lane of whoever it is for.
    pub(super) async fn seal_totp_in(
        &self,
        lane: HashLane,
        secret: &TotpSecret,
    ) -> Result<SealedSecret, FlowError> {
        let (random, secret) = (self.random()?, secret.clone());
        let wallet = self.wallet().ok_or(FlowError::NoWallet)?;
        self.run_slow(lane, 1, move || wallet.seal(&secret, random)).await
    }

    /// A stored secret; nothing, with a line in the log of whoever listens, when it cannot be
    /// opened with the keys at hand.
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
            self.code_failed(user, UNREADABLE_SECRET);
        }
        Ok(opened.ok())
    }

    /// Sends a code; whether it went out. The account is told nothing else: nothing changes.
    ///
    /// Where answers must not tell whether an account exists, mails and text messages go through the
    /// outbox, so that nobody waits for those who carry them.
    ///
    /// # Errors
    ///
    /// [`FlowError::TooMany`] when somebody, or their number or address, was sent too many.
    pub(super) async fn send_code(
        &self,
        ctx: &Context,
        message: CodeMessage<'_>,
    ) -> Result<bool, FlowError> {
        let user = &self.with_uniquifier(message.user.clone()).await?;
        let message = CodeMessage { user, ..message };
        let sent = match message.method.is_sent() {
            true => self.send_unused_code(ctx, &message).await?,
            false => true,
        };
        if sent {
            let user = Subject::of(message.user);
            let method = message.method.name();
            self.emit(match message.purpose {
                CodePurpose::SecondFactor => Event::SecondFactorCodeSent { user, method },
                CodePurpose::SetUp if message.link => Event::SecondFactorCodeSent { user, method },
                _ => Event::SignInCodeSent { user, method },
            });
        }
        Ok(sent)
    }

    /// Sends the code of the first step that none was sent for yet: so it was never used, however
    /// often one is asked for.
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
        let (quota, user) = (self.code_message_quota(message), Some(message.user));
        if self.config().disclosure == Disclosure::Generic {
            self.commit_counted(ctx, batch.and(change), &quota, user).await?;
            self.mail_waits();
            return Ok(true);
        }
        let Change::EnqueueMail(entry) = change else {
            return Ok(false);
        };
        self.commit_counted(ctx, batch, &quota, user).await?;
        Ok(self.ports().mailer.send(&entry.id, &entry.mail).await.is_ok())
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
        let (quota, user) = (self.code_message_quota(message), Some(message.user));
        if self.config().disclosure == Disclosure::Generic {
            let change = self.text(ctx, &sms)?;
            self.commit_counted(ctx, batch.and(change), &quota, user).await?;
            self.mail_waits();
            return Ok(true);
        }
        self.commit_counted(ctx, batch, &quota, user).await?;
        Ok(sender.send(&sms).await.is_ok())
    }

    /// The text message that carries a code.
    pub(super) fn code_text(&self, ctx: &Context, phone: &str, code: &Secret) -> OutgoingSms {
        let text = Message::new(MessageKey::UseCode).with("code", code.expose());
        let text = Secret::from(self.config().message(&ctx.language, &text));
        OutgoingSms { to: phone.to_owned(), text }
    }

    /// Compares a code; the change that spends it when it is right. Count the attempt first.
    ///
    /// Where codes are strict, one by mail or text message is right only if it was sent. One that was
    /// sent ahead of its time is right for as long as if its time were the one in which it was sent.
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

    /// From when on the code of a step is too old, whatever it is given for.
    pub(super) fn closed_at(&self, step: Step) -> Timestamp {
        let config = self.config();
        let second = config.two_factor.iter().flat_map(TwoFactor::windows);
        let windows = second.chain(config.unified.iter().flat_map(Unified::windows));
        let closed = windows.map(|window| self.totp_rules().closed_at(step, window));
        closed.max().unwrap_or(Timestamp::MAX)
    }

    /// Counts an attempt at somebody's codes.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if no attempt is left. Nothing was counted.
    pub(super) async fn count_attempt(
        &self,
        ctx: &Context,
        user: &User,
        used_as: CodeUse,
        sign_in: Option<&str>,
    ) -> Result<(), FlowError> {
        self.count(ctx, &self.code_quota(user, used_as, sign_in), Some(user)).await
    }

    /// Tells that somebody gave no right code.
    pub(super) fn code_failed(&self, user: &User, reason: &'static str) {
        self.emit(Event::AuthenticationFailed { user: Some(Subject::of(user)), reason });
    }

    /// Forgets the attempts at somebody's codes: the right one was given.
    pub(super) fn forget_attempts(
        &self,
        batch: &mut Batch,
        user: &User,
        used_as: CodeUse,
        sign_in: Option<&str>,
    ) {
        let forgotten = self.code_quota(user, used_as, sign_in).success();
        forgotten.into_iter().for_each(|change| batch.push(change));
    }

    pub(super) fn code_quota(&self, user: &User, used_as: CodeUse, sign_in: Option<&str>) -> Quota {
        self.limits().codes.known(self.counters(), used_as, &user.id, sign_in)
    }
}
