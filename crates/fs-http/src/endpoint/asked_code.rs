//! What a page says of the code that it asks for.

use fs_core::config::CodeMethod;
use fs_core::identity::{mask_email, mask_phone};
use fs_core::model::User;
use fs_core::session::Session;
use http::Response;

use crate::exchange::Exchange;
use crate::pages::PageView;

/// Method and destination of a code.
#[derive(Clone)]
pub(super) struct AskedCode {
    method: CodeMethod,
    /// Address or number, masked.
    to: Option<String>,
}

impl AskedCode {
    /// Returns the code of `method` for `user`; text messages go to `phone`.
    pub(super) fn new(method: CodeMethod, user: Option<&User>, phone: Option<&str>) -> Self {
        let to = match method {
            CodeMethod::Email => user.map(|user| mask_email(&user.email)),
            CodeMethod::Sms => phone.map(mask_phone),
            CodeMethod::Authenticator => None,
        };
        Self { method, to }
    }

    /// Tells the page's template where the code comes from, and whether this request sent it.
    pub(super) fn tell(&self, page: &mut PageView, sent: bool) {
        page.extra.insert("chosen_method".to_owned(), self.method.name().into());
        page.extra.insert("code_sent".to_owned(), (sent && self.method.is_sent()).into());
        if let Some(to) = &self.to {
            page.extra.insert("send_code_to".to_owned(), to.as_str().into());
        }
    }
}

impl Exchange {
    /// Returns the code of the second factor that is being set up, or that a pending sign-in waits
    /// for. `None` if there is no such code, or the answer is no page.
    pub(super) async fn asked_code(
        &self,
        session: &Session,
        current: Option<&User>,
    ) -> Result<Option<AskedCode>, Box<Response<bytes::Bytes>>> {
        if self.wants_json() {
            return Ok(None);
        }
        let core = self.core();
        let mut session = session.clone();
        if let Some(begun) = session.enrolment().cloned() {
            let user =
                core.second_factors().enrolling_user(self.context(), &mut session, current).await;
            let user = user.map_err(|error| self.flow_failed(&error))?;
            return Ok(Some(AskedCode::new(begun.method, user.as_deref(), begun.phone.as_deref())));
        }
        let pending = core.second_factors().pending(self.context(), &session).await;
        let Some((_, user)) = pending.map_err(|error| self.flow_failed(&error))? else {
            return Ok(None);
        };
        let phone = user.second_factor.phone.as_deref();
        let method = core.second_factors().method_of(&user);
        Ok(method.map(|method| AskedCode::new(method, Some(&user), phone)))
    }
}
