//! After the first factor: signed in, or pending.

use std::time::Duration;

use super::codes::{CodeMessage, CodePurpose};
use super::establish::{Clearance, Holder, Prepared, Remember};
use super::{FlowError, RememberChange};
use crate::config::CodeMethod;
use crate::model::User;
use crate::second_factor::{Entry, Needed, Pending, PendingStage, method_of, needed};
use crate::security::{Context, Security};
use crate::session::Session;
use crate::token::DeviceToken;

/// A sign-in that waits for a second factor.
#[derive(Debug)]
pub struct Challenge {
    /// What it waits for.
    pub stage: PendingStage,
    /// The method whose code is wanted; nothing where one must be set up first.
    pub method: Option<CodeMethod>,
    /// The code went out. If not, the caller may begin again, or choose another way.
    pub sent: bool,
    /// It did not, since too many were sent: for how long at most that stays so. The sign-in waits
    /// all the same: a code that came before may still work, and a recovery code does.
    pub wait: Option<Duration>,
}

impl Challenge {
    /// What would be wanted, without anything having begun.
    pub(super) fn told(needed: Needed) -> Self {
        match needed {
            Needed::Code(method) => {
                Self { stage: PendingStage::Code, method: Some(method), sent: true, wait: None }
            }
            Needed::Nothing | Needed::SetUp | Needed::Another => {
                Self { stage: PendingStage::SetUp, method: None, sent: true, wait: None }
            }
        }
    }
}

impl Security {
    /// What a first factor leads to: the right to a session, or what is still needed.
    pub(super) fn judge(
        &self,
        ctx: &Context,
        user: &User,
        entry: Entry,
        device: Option<&str>,
    ) -> Result<Clearance, Needed> {
        let rules = self.config().two_factor.as_ref();
        let known = device.is_some_and(|token| self.is_known_device(ctx, user, token));
        match needed(rules, self.config().unified.as_ref(), user, entry, known) {
            Needed::Nothing => Ok(Clearance::by_first_factor(entry, user)),
            other => Err(other),
        }
    }

    /// The session that a judgement allows, to be committed; or what is still needed.
    pub(super) fn prepare_judged(
        &self,
        ctx: &Context,
        session: &Session,
        holder: Holder<'_>,
        remember: Remember,
        judged: Result<Clearance, Needed>,
    ) -> Result<Result<Prepared, Needed>, FlowError> {
        match judged {
            Ok(clearance) => {
                self.prepare_session(ctx, session, holder, remember, clearance).map(Ok)
            }
            Err(needed) => Ok(Err(needed)),
        }
    }

    /// The judgement of a way in that need not sign in: where the second factor is of the same kind
    /// as the first, it does not.
    pub(super) fn judge_if(
        &self,
        ctx: &Context,
        signs_in: bool,
        user: &User,
        entry: Entry,
    ) -> Option<Result<Clearance, Needed>> {
        let judged = signs_in.then(|| self.judge(ctx, user, entry, None));
        judged.filter(|judged| !matches!(judged, Err(Needed::Another)))
    }

    /// Signs in after the commit, or begins to wait for what is still needed.
    pub(super) async fn settle_judged(
        &self,
        ctx: &Context,
        session: &mut Session,
        user: &User,
        remember: Remember,
        entry: Entry,
        prepared: Option<Result<Prepared, Needed>>,
    ) -> Result<(Option<RememberChange>, Option<Challenge>), FlowError> {
        Ok(match prepared {
            Some(Ok(prepared)) => (Some(prepared.settle(self, session, user)), None),
            Some(Err(needed)) => {
                (None, Some(self.challenge(ctx, session, user, remember, entry, needed).await?))
            }
            None => (None, None),
        })
    }

    fn is_known_device(&self, ctx: &Context, user: &User, token: &str) -> bool {
        let rules = self.config().two_factor.as_ref();
        let Some(max_age) = rules.and_then(|rules| rules.device) else {
            return false;
        };
        let token = DeviceToken::verify(self.tokens(), token, ctx.now, max_age);
        token.is_ok_and(|token| token.is_for(user))
    }

    /// Begins a pending sign-in, in place of any other, and sends the code.
    pub(super) async fn challenge(
        &self,
        ctx: &Context,
        session: &mut Session,
        user: &User,
        remember: Remember,
        entry: Entry,
        needed: Needed,
    ) -> Result<Challenge, FlowError> {
        let id: [u8; 16] = self.random()?;
        let stage = match needed {
            Needed::Code(_) => PendingStage::Code,
            // Who must begin with another factor was refused before.
            Needed::Nothing | Needed::SetUp | Needed::Another => PendingStage::SetUp,
        };
        session.set_enrolment(None);
        session.set_pending(Some(Pending {
            id: data_encoding::HEXLOWER.encode(&id),
            uniquifier: user.uniquifier.as_str().to_owned(),
            remember: remember == Remember::Yes,
            since: ctx.now,
            stage,
            kind: entry.kind(),
        }));
        let Needed::Code(method) = needed else {
            return Ok(Challenge { stage, method: None, sent: true, wait: None });
        };
        // Where the code may not be sent now, an older one or a recovery code still works.
        let (sent, wait) = match self.send_second_factor(ctx, user, method).await {
            // An app makes its codes itself. If its secret cannot be opened, a recovery code still works.
            Ok(sent) => (sent || !method.is_sent(), None),
            Err(FlowError::TooMany(wait)) => (false, Some(wait)),
            Err(error) => return Err(error),
        };
        Ok(Challenge { stage, method: Some(method), sent, wait })
    }

    /// Sends the code of the user's second factor, by its own method or another one
    /// (Flask-Security's `tf_send_security_token`); whether it went out. Nothing goes out to a user
    /// without a second factor.
    ///
    /// # Errors
    ///
    /// Nothing was sent.
    pub async fn send_second_factor(
        &self,
        ctx: &Context,
        user: &User,
        by: CodeMethod,
    ) -> Result<bool, FlowError> {
        let Some(sealed) = &user.second_factor.totp_secret else {
            return Ok(false);
        };
        let Some(secret) = self.open_totp(ctx, user, sealed).await? else {
            return Ok(false);
        };
        self.send_code(
            ctx,
            CodeMessage {
                user,
                method: by,
                secret: &secret,
                phone: user.second_factor.phone.as_deref(),
                purpose: CodePurpose::SecondFactor,
                link: false,
                new_secret: None,
            },
        )
        .await
    }

    /// The method of the user's second factor.
    pub fn second_factor_of(&self, user: &User) -> Option<CodeMethod> {
        method_of(user)
    }
}
