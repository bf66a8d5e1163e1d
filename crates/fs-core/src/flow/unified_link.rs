//! Signing in by the link that came with a mailed code.

use super::FlowError;
use super::codes::{CodePurpose, TypedCode, WRONG_CODE};
use super::establish::Remember;
use super::sign_in::{SignInOutcome, SignInRefusal};
use super::unified::{Manner, ProvenPasscode};
use crate::config::{CodeMethod, SignInMethod};
use crate::event::Event;
use crate::model::User;
use crate::second_factor::Entry;
use crate::security::{Context, Security};
use crate::session::Session;

/// What came of following the link of a mailed code.
#[derive(Debug)]
#[must_use]
pub enum CodeLinkOutcome {
    /// The code was right; a session, a pending sign-in, or a refusal came of it.
    Judged(SignInOutcome),
    /// There is no such account.
    UnknownUser,
    /// The account is deactivated.
    Inactive,
    /// The code is wrong, used or too old.
    InvalidCode(Box<User>),
}

impl Security {
    /// Signs in with address and code of a link. `begin` says whether a pending sign-in is begun
    /// where a second factor is wanted.
    ///
    /// # Errors
    ///
    /// Nothing was decided; nobody is signed in.
    pub async fn follow_code_link(
        &self,
        ctx: &Context,
        session: &mut Session,
        email: &str,
        code: &str,
        begin: bool,
    ) -> Result<CodeLinkOutcome, FlowError> {
        let user = self.email_of_stranger(email).await?;
        let attempt = self.sign_in_quota(ctx, email, user.as_ref()).without_password();
        let counted = self.count_sign_in(ctx, attempt, user.as_ref()).await?;
        let method = CodeMethod::Email;
        let rules = self.config().unified.clone();
        let rules = rules.filter(|rules| rules.methods.contains(&SignInMethod::Code(method)));
        let methods = rules.iter().map(|_| method).collect();
        let active = user.as_ref().filter(|user| user.active);
        let lane = self.lane_of_typed(ctx, email);
        let secrets = self.sign_in_secrets(lane, active, methods).await;
        let secret = self.or_uncount(&counted.all(), secrets).await?.pop();
        let Some(user) = user else {
            counted.judge(false)?;
            let reason = SignInRefusal::UnknownIdentity.reason();
            self.emit(Event::AuthenticationFailed { user: None, reason });
            return Ok(CodeLinkOutcome::UnknownUser);
        };
        if !user.active {
            counted.judge(false)?;
            self.code_failed(&user, SignInRefusal::Inactive.reason());
            return Ok(CodeLinkOutcome::Inactive);
        }
        let (Some(rules), Some((_, secret))) = (rules, secret) else {
            counted.judge(false)?;
            self.code_failed(&user, WRONG_CODE);
            return Ok(CodeLinkOutcome::InvalidCode(Box::new(user)));
        };
        let (window, purpose) = (rules.window(method), CodePurpose::SignIn(method));
        let typed =
            TypedCode { user: &user, secret: &secret, typed: code, method, window, purpose };
        let accepted = self.accept_code(ctx, typed).await?;
        counted.judge(accepted.is_some())?;
        if accepted.is_none() {
            self.code_failed(&user, WRONG_CODE);
            return Ok(CodeLinkOutcome::InvalidCode(Box::new(user)));
        }
        if let Some(refusal) = self.may_not_act(&user) {
            return Ok(CodeLinkOutcome::Judged(self.refuse(Some(&user), refusal)));
        }
        let method = SignInMethod::Code(method);
        let uncounted = counted.by_code();
        let proven = ProvenPasscode { method, accepted, rehashed: None, uncounted };
        let remember: Remember = self.remember_by_default();
        let manner = Manner { entry: Entry::CodeLink, remember, device: None, begin };
        let outcome = self.finish_passcode(ctx, session, user.clone(), proven, manner).await?;
        Ok(match outcome {
            SignInOutcome::Refused(SignInRefusal::WrongPassword) => {
                CodeLinkOutcome::InvalidCode(Box::new(user))
            }
            other => CodeLinkOutcome::Judged(other),
        })
    }
}
