//! Revoking all sessions, tokens and remembered browsers of an account except those of the browser
//! at hand, because its second factor or sign-in method changed.

use super::FlowError;
use super::holder::Holder;
use super::remember::{AtHand, NewRemembered, RememberChange};
use crate::context::Context;
use crate::model::{
    CredentialKey, CredentialKind, SessionKey, SessionKind, SessionRecord, Uniquifier, User,
    UserField, UserId,
};
use crate::port::Change;
use crate::security::Security;
use crate::session::{Session, SessionSignIn};

/// Uniquifiers, session and remembered browser with which an account continues. All fields except
/// `owner` are empty if the change revokes nothing.
pub(super) struct NewTrust {
    /// Uniquifiers before and after the change.
    names: Option<[Uniquifier; 2]>,
    /// New uniquifier of auth tokens, if they have one of their own.
    token: Option<Uniquifier>,
    sign_in: Option<(SessionSignIn, SessionRecord)>,
    before: Option<SessionKey>,
    /// Remembered browser that `remember` replaces.
    at_hand: Option<AtHand>,
    remember: Option<NewRemembered>,
    /// User whose remembered browsers are revoked.
    owner: UserId,
}

impl Security {
    /// Generates the uniquifier of an account whose second factor changes. Returns `None` if the
    /// change does not revoke sessions.
    pub(super) fn uniquifier_of_new_factor(&self) -> Result<Option<Uniquifier>, FlowError> {
        let ends = self.config().sessions.end_with_second_factor;
        ends.then(|| self.new_uniquifier()).transpose()
    }

    /// Generates the uniquifier of the account's auth tokens, if they have one of their own.
    pub(super) fn token_uniquifier_of_new_factor(
        &self,
        user: &User,
    ) -> Result<Option<Uniquifier>, FlowError> {
        let has_one = user.token_uniquifier.is_some();
        if has_one { self.uniquifier_of_new_factor() } else { Ok(None) }
    }

    /// Prepares the revocation of all other sessions, tokens and remembered browsers.
    ///
    /// If the session is still the user's, it continues under a new id and does not become fresh,
    /// and a browser that `remember_cookie` remembers as the user stays remembered. A caller who
    /// authenticated by other means, without a valid session of the user, gets no session.
    pub(super) async fn renew_trust(
        &self,
        ctx: &Context,
        session: &Session,
        user: &User,
        remember_cookie: Option<&str>,
    ) -> Result<NewTrust, FlowError> {
        let Some(new) = self.uniquifier_of_new_factor()? else {
            let (names, token, sign_in) = (None, None, None);
            let (before, at_hand, remember, owner) = (None, None, None, user.id.clone());
            return Ok(NewTrust { names, token, sign_in, before, at_hand, remember, owner });
        };
        let theirs = self.sessions().user_of(ctx, session).await?;
        let theirs = theirs.user().is_some_and(|owner| owner.id == user.id);
        let before = session.sign_in().filter(|_| theirs);
        let at_hand = match theirs {
            true => self.remembered_as(ctx, user, remember_cookie).await?,
            false => None,
        };
        let remember = match &at_hand {
            Some(at_hand) => {
                let holder = Holder { id: Some(&user.id), uniquifier: &new };
                self.remember(ctx, holder, at_hand.heir())?
            }
            None => None,
        };
        let sign_in = before
            .map(|before| {
                let expires_at = ctx.now.plus(self.config().sessions.lifetime);
                let (id, mut record) =
                    self.session_record(ctx, SessionKind::SignIn, &new, expires_at)?;
                record.authenticated_at = before.authenticated_at;
                let end = before.until.unwrap_or(record.expires_at);
                record.expires_at = record.expires_at.min(end);
                let family = remember.as_ref().and_then(NewRemembered::key);
                let heir = || before.parent.as_ref().map(CredentialKey::heir);
                let first = || CredentialKey::of_sign_in(&record.key);
                record.parent = Some(family.or_else(heir).unwrap_or_else(first));
                let parent = record.parent.clone();
                let until = Some(record.expires_at);
                Ok::<_, FlowError>((SessionSignIn { id, parent, until, ..before.clone() }, record))
            })
            .transpose()?;
        Ok(NewTrust {
            token: self.token_uniquifier_of_new_factor(user)?,
            names: Some([user.uniquifier.clone(), new]),
            sign_in,
            before: before.map(|before| before.id.key()),
            at_hand,
            remember,
            owner: user.id.clone(),
        })
    }
}

impl NewTrust {
    /// Returns the fields of the user to write, in addition to the change itself.
    pub(super) fn fields(&self) -> Vec<UserField> {
        let name = self.names.iter().map(|[_, new]| UserField::Uniquifier(new.clone()));
        let token = self.token.iter().map(|new| UserField::TokenUniquifier(Some(new.clone())));
        name.chain(token).collect()
    }

    /// Checks whether the change revokes other sessions.
    pub(super) fn ends(&self) -> bool {
        self.names.is_some()
    }

    /// Returns the changes to commit after the change of the user.
    pub(super) fn changes(&self) -> Vec<Change> {
        let end = |[old, _]: &[Uniquifier; 2]| Change::EndSessionsOf {
            uniquifier: old.clone(),
            except: None,
        };
        // A concurrent sign-out wins: the session does not come back.
        let mut changes: Vec<_> = self.before.iter().cloned().map(Change::EndLiveSession).collect();
        changes.extend(self.at_hand.as_ref().and_then(AtHand::end));
        if self.names.is_some() {
            let (owner, kind) = (self.owner.clone(), CredentialKind::RememberFamily);
            changes.push(Change::RemoveCredentialsOf { owner, kind, except: None });
        }
        changes.extend(self.remember.as_ref().and_then(NewRemembered::change));
        changes.extend(self.names.as_ref().map(end));
        let records = self.sign_in.iter().map(|(_, record)| record);
        changes.extend(records.cloned().map(Change::InsertSession));
        changes
    }

    /// Continues in the browser at hand. Call it after the commit.
    pub(super) fn settle(self, session: &mut Session, user: &mut User) -> RememberChange {
        if let Some([_, new]) = self.names {
            user.uniquifier = new;
        }
        if self.token.is_some() {
            user.token_uniquifier = self.token;
        }
        if let Some((sign_in, _)) = self.sign_in {
            session.set_sign_in(Some(sign_in));
        }
        match self.remember {
            Some(new) => new.into_change(),
            None => RememberChange::Keep,
        }
    }
}
