//! Signing out.

use super::{FlowError, RememberChange};
use crate::event::{Event, Subject};
use crate::model::User;
use crate::port::{Batch, Change};
use crate::security::{Context, Security};
use crate::session::{CsrfCookieState, Session};

impl Security {
    /// Ends the session and forgets the browser: every session that was made from its remember cookie,
    /// or from a copy of it, ends too. What the application kept in the session for who
    /// was signed in goes as well, so that the next person at the browser does not see it.
    ///
    /// `user` is who is signed in, for the event; `remember_cookie` what the browser sent.
    ///
    /// # Errors
    ///
    /// The database failed: the session still stands, and the caller must not be told otherwise.
    pub async fn sign_out(
        &self,
        ctx: &Context,
        session: &mut Session,
        user: Option<&User>,
        remember_cookie: Option<&str>,
    ) -> Result<RememberChange, FlowError> {
        let sign_in = session.sign_in();
        let parent = sign_in.and_then(|sign_in| sign_in.parent.clone());
        let family = parent.map(|key| Change::RemoveCredential { key, expect: None });
        let remembered = remember_cookie.and_then(|cookie| self.end_remembered(ctx, cookie));
        let ended = sign_in.map(|sign_in| Change::EndSession(sign_in.id.key()));
        let mut batch = Batch::new();
        family.into_iter().chain(remembered).chain(ended).for_each(|change| batch.push(change));
        if !batch.is_empty() {
            self.store().commit(batch).await?;
        }
        forget(session);
        if let Some(user) = user {
            self.emit(Event::UserSignedOut { user: Subject::of(user) });
        }
        Ok(match remember_cookie {
            Some(_) => RememberChange::Clear,
            None => RememberChange::Keep,
        })
    }
}

/// Takes out of a browser's session what belongs to who was signed in.
pub(super) fn forget(session: &mut Session) {
    session.set_pending(None);
    session.set_enrolment(None);
    session.set_registered(None);
    if session.sign_in().is_some() {
        session.set_sign_in(None);
        session.set_csrf(None);
        if session.csrf_cookie() != CsrfCookieState::Absent {
            session.set_csrf_cookie(CsrfCookieState::Clear);
        }
    }
}
