//! Registrations of an address that has an account. They cost the same as a new account, and reveal
//! nothing to the caller.

use std::sync::Arc;

use super::FlowError;
use super::claim::{takes, username_lookup};
use super::register::{RegisterOutcome, Registered, audit, taken_email, taken_username};
use crate::config::Disclosure;
use crate::context::Context;
use crate::identity::IdentityAttribute;
use crate::model::{NewUser, User};
use crate::port::{Batch, Change, CommitError, Identity, MailKind, UniqueAttribute, UserLookup};
use crate::security::Security;
use crate::session::Session;

impl Security {
    /// Answers a registration that lost the race for the address.
    pub(super) async fn lost_the_race(
        &self,
        ctx: &Context,
        session: &mut Session,
        new: NewUser,
        reserved: Vec<Change>,
    ) -> Result<RegisterOutcome, FlowError> {
        if self.config().disclosure == Disclosure::Explicit {
            return Ok(RegisterOutcome::Refused(vec![taken_email(&new.email)]));
        }
        match self.owner_of(&new).await? {
            Some(owner) => self.tell_owner(ctx, session, &owner, new, reserved).await,
            None => Err(FlowError::Contended(CommitError::Conflict(UniqueAttribute::Email))),
        }
    }

    /// Notifies the owner of the address, and reveals nothing to the caller. The chosen username is
    /// reserved for a while, as if a new account had it.
    pub(super) async fn registered_before(
        &self,
        ctx: &Context,
        session: &mut Session,
        owner: &User,
        new: NewUser,
        reserved: Vec<Change>,
    ) -> Result<RegisterOutcome, FlowError> {
        let again = new.clone();
        let told = self.tell_owner(ctx, session, owner, new, reserved).await?;
        if matches!(told, RegisterOutcome::Done(_)) {
            self.register_in_vain(ctx, &again).await?;
        }
        Ok(told)
    }

    async fn tell_owner(
        &self,
        ctx: &Context,
        session: &mut Session,
        owner: &User,
        new: NewUser,
        reserved: Vec<Change>,
    ) -> Result<RegisterOutcome, FlowError> {
        // Issue a token in any case, because a new account costs one as well.
        let token = self.confirmation_of(ctx, &owner.uniquifier, &owner.email)?;
        let confirmation = token.as_ref().map(|(token, within)| (token.expose(), *within));
        let confirmation = confirmation.filter(|_| owner.confirmed_at.is_none());
        let mail = self.mail(ctx, owner, MailKind::AccountExists { confirmation })?;
        let mut batch = self.work_of_new_account(ctx, &new);
        reserved.into_iter().for_each(|change| batch.push(change));
        batch.push(audit(ctx, "registered_again", Some(&owner.id)));
        batch.push(mail);
        let name = new.username.as_deref();
        let quota = self.mail_to_quota("register", &new.email);
        match (self.try_mail(ctx, batch, &quota, Some(owner)).await, name) {
            (Ok(true), _) => self.mail_waits(),
            (Ok(false), _) => {}
            (Err(FlowError::Contended(error)), Some(name))
                if takes(&error, IdentityAttribute::Username) =>
            {
                return Ok(RegisterOutcome::Refused(vec![taken_username(name)]));
            }
            (Err(error), _) => return Err(error),
        }
        Ok(self.told_as_ever(session, new))
    }

    /// Does the work of losing the race for an address. A registration that lost it looks the owner
    /// up and does a second commit, so all others do as well, in vain: otherwise several concurrent
    /// registrations would reveal whether the address was free.
    pub(super) async fn register_in_vain(
        &self,
        ctx: &Context,
        new: &NewUser,
    ) -> Result<(), FlowError> {
        let quota = self.mail_to_quota("register", &new.email);
        if self.config().disclosure == Disclosure::Explicit || quota.is_empty() {
            return Ok(());
        }
        drop(self.owner_of(new).await?);
        let token = self.confirmation_of(ctx, &new.uniquifier, &new.email)?;
        let confirmation = token.as_ref().map(|(token, within)| (token.expose(), *within));
        let mut batch = self.work_of_new_account(ctx, new);
        batch.push(self.no_mail(ctx, &new.email, MailKind::AccountExists { confirmation })?);
        batch.extend(quota.in_vain(ctx.now));
        self.try_in_vain(batch).await?;
        Ok(())
    }

    async fn owner_of(&self, new: &NewUser) -> Result<Option<Arc<User>>, FlowError> {
        let by = UserLookup::Identity(self.email_identity(&new.email));
        Ok(self.store().user(&by).await?)
    }

    /// Returns the answer that hides that no account was created.
    pub(super) fn told_as_ever(&self, session: &mut Session, new: NewUser) -> RegisterOutcome {
        self.note_registration(session, &new.uniquifier);
        RegisterOutcome::Done(Box::new(Registered {
            email: new.email,
            confirmation_sent: self.config().confirmation.is_some(),
            user: None,
            signed_in: None,
            challenge: None,
        }))
    }

    /// Returns changes that take about as long as creating `new` and have no lasting effect. They
    /// claim names that nobody chooses.
    fn work_of_new_account(&self, ctx: &Context, new: &NewUser) -> Batch {
        let nobody = new.uniquifier.as_str();
        let email = |value: &str| Identity { value: value.to_owned(), ..self.email_identity("") };
        let name = new.username.as_ref().map(|_| username_lookup(nobody));
        let account = email(&format!("{nobody} account"));
        let claims = [Some(email(nobody)), name, Some(account)].into_iter().flatten();
        claims.fold(Batch::new(), |batch, name| batch.and(self.claim(ctx, &name)))
    }
}
