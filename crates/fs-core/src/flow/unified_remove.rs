//! Removing sign-in methods, by their owner or by a password reset.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::groups::SignInMethodFlows;
use super::{FlowError, Problem, RememberChange};
use crate::config::{CodeMethod, SignInMethod};
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::message::MessageKey;
use crate::model::{SealedSecret, User, UserField};
use crate::port::{Batch, Change, MailKind, MethodChange};
use crate::security::Security;
use crate::session::Session;

/// Outcome of removing a sign-in method.
#[derive(Debug)]
#[must_use]
pub enum RemoveMethodOutcome {
    /// The method is removed. Other sessions and remembered browsers of the account are revoked, if
    /// the configuration says so.
    Done {
        /// User without the method.
        user: Arc<User>,
        /// Change of the remember cookie.
        remember: RememberChange,
    },
    /// The user does not have the method, or it is the last way to sign in. Nothing was changed.
    Refused(Problem),
    /// The second factor must be given first.
    ProofNeeded,
}

impl SignInMethodFlows<'_> {
    /// Returns the methods that a user has set up and can remove. Mail is never among them: it
    /// needs no set-up, because its codes go to the address of the account.
    pub fn removable(self, user: &User) -> Vec<CodeMethod> {
        let names = user.sign_in_secrets.keys().map(String::as_str);
        let mut methods: Vec<_> = names.filter_map(|name| name.parse().ok()).collect();
        methods.retain(|method| *method != CodeMethod::Email);
        methods.sort();
        methods.dedup();
        methods
    }

    /// Removes a sign-in method of the signed-in `user`. If [`Sessions::end_with_second_factor`] is
    /// set, this revokes all other sessions, tokens and remembered browsers of the account.
    ///
    /// `remember_cookie` is the remember cookie of the request. If it belongs to the user and the
    /// removal revokes it, it is replaced.
    ///
    /// [`Sessions::end_with_second_factor`]: crate::config::Sessions::end_with_second_factor
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Contended`] if the account changed at the same time, and an [error of a
    /// port](FlowError#errors-of-ports) if one fails. Nothing was removed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, model::User, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, user: User,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::config::CodeMethod;
    /// use fs_core::flow::RemoveMethodOutcome;
    ///
    /// match security.sign_in_methods().remove(&ctx, &mut session, &user, CodeMethod::Sms, None).await? {
    ///     RemoveMethodOutcome::Done { .. } => println!("removed"),
    ///     RemoveMethodOutcome::Refused(problem) => println!("{problem:?}"),
    ///     RemoveMethodOutcome::ProofNeeded => println!("ask for the second factor"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn remove(
        self,
        ctx: &Context,
        session: &mut Session,
        user: &User,
        method: CodeMethod,
        remember_cookie: Option<&str>,
    ) -> Result<RemoveMethodOutcome, FlowError> {
        let refused = |key| Ok(RemoveMethodOutcome::Refused(Problem::new("delete_method", key)));
        if !self.removable(user).contains(&method) {
            return refused(MessageKey::UsMethodNotAvailable);
        }
        if self.core.second_factors().needs_proof(ctx, session, user).await? {
            return Ok(RemoveMethodOutcome::ProofNeeded);
        }
        let mut after = user.sign_in_secrets.clone();
        after.retain(|name, _| name.parse() != Ok(method));
        if !self.core.leaves_a_way_in(user, &after) {
            return refused(MessageKey::LastWayIn);
        }
        let trust = self.core.renew_trust(ctx, session, user, remember_cookie).await?;
        let mut set = vec![UserField::SignInSecrets(after.clone())];
        let phone = (method == CodeMethod::Sms).then_some(UserField::Phone(None));
        set.extend(phone.clone());
        set.extend(trust.fields());
        let mut batch = Batch::from(methods_still_so(user, set));
        batch.extend(trust.changes());
        self.core.notify_of_method(ctx, &mut batch, user, method, MethodChange::Removed).await?;
        self.core.commit_change(ctx, batch, user).await?;
        self.core.mail_waits();
        let mut user = user.clone();
        user.sign_in_secrets = after;
        phone.into_iter().for_each(|field| field.write(&mut user));
        let remember = trust.settle(session, &mut user);
        self.core.emit(
            ctx,
            Event::SignInMethodRemoved { user: Subject::of(&user), method: method.name() },
        );
        Ok(RemoveMethodOutcome::Done { user: Arc::new(user), remember })
    }
}

impl Security {
    /// Checks whether the user can still sign in with the remaining methods.
    fn leaves_a_way_in(&self, user: &User, left: &BTreeMap<String, SealedSecret>) -> bool {
        let config = self.config();
        let by = |method: SignInMethod| {
            config.unified.as_ref().is_some_and(|rules| rules.methods.contains(&method))
        };
        let by_code =
            |name: &String| name.parse().is_ok_and(|method| by(SignInMethod::Code(method)));
        user.password.is_some()
            || config.recovery.is_some()
            || config.sign_in_links.is_some()
            || by(SignInMethod::Code(CodeMethod::Email))
            || left.keys().any(by_code)
    }

    /// Checks whether a password reset removes the sign-in methods that were set up.
    pub(super) fn resets_end_methods(&self) -> bool {
        self.config().unified.as_ref().is_some_and(|rules| rules.end_with_reset)
    }

    /// Returns the fields by which a password reset removes the sign-in methods that were set up,
    /// and the phone number that belongs to one of them.
    pub(super) fn without_methods(&self, user: &User) -> Vec<UserField> {
        if !self.resets_end_methods() || user.sign_in_secrets.is_empty() {
            return Vec::new();
        }
        let mut set = vec![UserField::SignInSecrets(BTreeMap::new())];
        if user.sign_in_secrets.contains_key(CodeMethod::Sms.name()) {
            set.push(UserField::Phone(None));
        }
        set
    }

    /// Records the state before a change of a sign-in method in the batch that changes it, and adds
    /// the notice, if notices are enabled. Other notices lead back to the state as well.
    pub(super) async fn notify_of_method(
        &self,
        ctx: &Context,
        batch: &mut Batch,
        user: &User,
        method: CodeMethod,
        change: MethodChange,
    ) -> Result<(), FlowError> {
        let send = self.config().unified.as_ref().is_some_and(|rules| rules.send_notice);
        self.notify_of_change(ctx, batch, user, send, |undo| MailKind::SignInMethodChanged {
            method,
            change,
            undo,
        })
        .await
    }
}

/// Returns the change that writes `set` if the account is active and its uniquifier and sign-in
/// methods are unchanged.
pub(super) fn methods_still_so(user: &User, set: Vec<UserField>) -> Change {
    Change::UpdateUser {
        user: user.id.clone(),
        expect: vec![
            UserField::Active(true),
            UserField::Uniquifier(user.uniquifier.clone()),
            UserField::SignInSecrets(user.sign_in_secrets.clone()),
        ],
        set,
    }
}
