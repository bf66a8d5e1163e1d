//! Ending all trust in an account but in the browser at hand: its second factor changed.

use super::FlowError;
use super::remember::{NewRemembered, RememberChange};
use crate::model::{SessionKey, SessionKind, SessionRecord, Uniquifier, User, UserField};
use crate::port::Change;
use crate::security::{Context, Security};
use crate::session::{Visit, VisitSignIn};

/// The trust that an account goes on with. Nothing of it where a change ends none.
pub(super) struct NewTrust {
    /// The names of the trust before and after.
    names: Option<[Uniquifier; 2]>,
    sign_in: Option<(VisitSignIn, SessionRecord)>,
    before: Option<SessionKey>,
    remember: Option<NewRemembered>,
}

impl Security {
    /// The uniquifier of an account whose second factor becomes another one; nothing where the old
    /// one stays.
    pub(super) fn uniquifier_of_new_factor(&self) -> Result<Option<Uniquifier>, FlowError> {
        let ends = self.config().sessions.end_with_second_factor;
        ends.then(|| self.new_uniquifier()).transpose()
    }

    /// Prepares the end of all other trust. The session at hand goes on under a new id, no fresher
    /// than it is; whether the browser is remembered (`remembered`), it stays.
    pub(super) fn renew_trust(
        &self,
        ctx: &Context,
        visit: &Visit,
        user: &User,
        remembered: bool,
    ) -> Result<NewTrust, FlowError> {
        let Some(new) = self.uniquifier_of_new_factor()? else {
            return Ok(NewTrust { names: None, sign_in: None, before: None, remember: None });
        };
        let before = visit.sign_in();
        let sign_in = before
            .map(|before| {
                let expires_at = ctx.now.plus(self.config().sessions.lifetime);
                let (id, mut record) =
                    self.session_record(ctx, SessionKind::SignIn, &new, expires_at)?;
                record.authenticated_at = before.authenticated_at;
                Ok::<_, FlowError>((VisitSignIn { id, ..before.clone() }, record))
            })
            .transpose()?;
        let remember = if remembered { self.remember(ctx, &new)? } else { None };
        Ok(NewTrust {
            names: Some([user.uniquifier.clone(), new]),
            sign_in,
            before: before.map(|before| before.id.key()),
            remember,
        })
    }
}

impl NewTrust {
    /// What is written to the user, beside what changes.
    pub(super) fn field(&self) -> Option<UserField> {
        self.names.as_ref().map(|[_, new]| UserField::Uniquifier(new.clone()))
    }

    /// What belongs into the batch behind the change of the user.
    pub(super) fn changes(&self) -> Vec<Change> {
        let end = |[old, _]: &[Uniquifier; 2]| Change::EndSessionsOf {
            uniquifier: old.clone(),
            except: None,
        };
        let mut changes: Vec<_> = self.names.as_ref().map(end).into_iter().collect();
        changes.extend(self.before.iter().cloned().map(Change::EndSession));
        let records = self.sign_in.iter().map(|(_, record)| record);
        let records = records.chain(self.remember.iter().filter_map(|new| new.record.as_ref()));
        changes.extend(records.cloned().map(Change::InsertSession));
        changes
    }

    /// Goes on in the browser at hand. Call it after the commit.
    pub(super) fn settle(self, visit: &mut Visit, user: &mut User) -> RememberChange {
        if let Some([_, new]) = self.names {
            user.uniquifier = new;
        }
        if let Some((sign_in, _)) = self.sign_in {
            visit.set_sign_in(Some(sign_in));
        }
        match self.remember {
            Some(NewRemembered { cookie, expires_at, .. }) => {
                RememberChange::Set { cookie, expires_at }
            }
            None => RememberChange::Keep,
        }
    }
}
