//! Opens the session that a browser sent in its cookies.

use fs_core::Timestamp;
use fs_core::session::Session;

use crate::incoming::Incoming;
use crate::site::Site;

/// The session cookie of a request.
pub(crate) struct SentSession {
    sent: bool,
    session: Option<Session>,
}

/// Returns the session that the browser sent. If it sent several cookies, the valid one counts. If
/// more than one is valid, none counts, since it is unknown which one is the browser's own.
pub(crate) fn sent_session(site: &Site, request: &Incoming, now: Timestamp) -> SentSession {
    let lifetime = site.security.config().sessions.lifetime;
    let (mut sent, mut found) = (false, None::<(&str, Session)>);
    for value in request.cookie_values(&site.config.session_cookie.name) {
        sent = true;
        if found.as_ref().is_some_and(|(known, _)| *known == value) {
            continue;
        }
        let Some(session) = site.security.sealer().open(value, now, lifetime) else { continue };
        if found.is_some() {
            site.warnings.ambiguous_cookie(&site.config.session_cookie.name);
            return SentSession { sent, session: None };
        }
        found = Some((value, session));
    }
    SentSession { sent, session: found.map(|(_, session)| session) }
}

impl SentSession {
    /// Checks whether the browser sent a session cookie.
    pub(crate) const fn was_sent(&self) -> bool {
        self.sent
    }

    /// Checks whether the browser sent a session cookie that cannot be read, or several of which
    /// more than one is valid.
    pub(crate) const fn is_unreadable(&self) -> bool {
        self.sent && self.session.is_none()
    }

    /// Returns the session with the application's data from the second cookie.
    pub(crate) fn with_data(self, site: &Site, request: &Incoming, now: Timestamp) -> Session {
        let mut session = self.session.unwrap_or_default();
        let (sealer, lifetime) = (site.security.sealer(), site.security.config().sessions.lifetime);
        let opens = |value: &str| {
            let mut session = session.clone();
            sealer.open_kept(&mut session, value, now, lifetime);
            !session.keeps_nothing()
        };
        if let Some(sealed) = request.cookie_that_is(&site.data_cookie.name, opens) {
            sealer.open_kept(&mut session, &sealed, now, lifetime);
        }
        session
    }
}
