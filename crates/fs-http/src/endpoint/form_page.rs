//! Common parts of endpoints with a form: its problems, its page and the links below it.

use bytes::Bytes;
use fs_core::flow::Problem;
use fs_core::message::{Label, MessageKey};
use http::{Response, StatusCode};

use crate::exchange::{CsrfStanding, Exchange};
use crate::form::FormName;
use crate::pages::{FormView, LinkView, PageView};
use crate::route::Endpoint;

impl Exchange {
    /// Checks whether the request submits a form.
    pub(super) fn submits(&self) -> bool {
        self.request().is_unsafe()
    }

    /// Returns the answer to a form with mistakes: JSON with the mistakes, or the page again.
    pub(super) fn mistakes(
        &self,
        problems: &[Problem],
        page: impl FnOnce(&[Problem]) -> PageView,
    ) -> Response<Bytes> {
        match self.wants_json() {
            true => self.json_problems(StatusCode::BAD_REQUEST, problems),
            false => self.page(self.status_of_mistakes(), page(problems)),
        }
    }

    /// Returns the status of a page that shows a form again.
    pub(super) fn status_of_mistakes(&self) -> StatusCode {
        match self.state().csrf {
            CsrfStanding::Refused(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::OK,
        }
    }

    /// Returns the problems with the CSRF token of a form.
    pub(super) fn csrf_problems(
        &self,
        signed_in: bool,
    ) -> Result<Vec<Problem>, Box<Response<Bytes>>> {
        let key = self.csrf_of_form(signed_in).map_err(|error| self.flow_failed(&error))?;
        let problem = |key: MessageKey| Problem {
            field: self.config().csrf.field.clone().into(),
            message: key.into(),
        };
        Ok(key.map(problem).into_iter().collect())
    }

    /// Returns the problems with a form before its endpoint reads it: with its CSRF token, or with
    /// fields that the application asks for.
    pub(super) async fn form_problems(
        &self,
        form: FormName,
        signed_in: bool,
    ) -> Result<Vec<Problem>, Box<Response<Bytes>>> {
        let mut problems = self.csrf_problems(signed_in)?;
        if problems.is_empty() {
            problems = self.added_problems(form).await;
        }
        Ok(problems)
    }

    /// Returns a page with one form and the links to the other pages.
    pub(super) fn form_page(&self, template: &str, title: Label, form: FormView) -> PageView {
        let mut page = PageView::new(template, self.label(title));
        page.forms.push(form);
        page.links = self.links(template);
        page
    }

    /// Links to other pages of accounts that make sense for strangers.
    pub(super) fn links(&self, template: &str) -> Vec<LinkView> {
        let all = [
            (Endpoint::SignIn, "security/login_user.html", Label::SignIn),
            (Endpoint::UnifiedSignIn, "security/us_signin.html", Label::SignInWithCode),
            (Endpoint::Register, "security/register_user.html", Label::CreateAnAccount),
            (Endpoint::ForgotPassword, "security/forgot_password.html", Label::ResetYourPassword),
            (
                Endpoint::SendConfirmation,
                "security/send_confirmation.html",
                Label::ConfirmYourAddress,
            ),
        ];
        let shown_to_strangers =
            all.iter().any(|(_, name, _)| *name == template) || template.contains("reset");
        if !shown_to_strangers {
            return Vec::new();
        }
        all.into_iter()
            .filter(|(endpoint, name, _)| {
                *name != template && self.site().routes.path(*endpoint).is_some()
            })
            .map(|(endpoint, _, text)| LinkView {
                href: self.step_url(endpoint),
                text: self.label(text),
            })
            .collect()
    }

    /// Returns a problem if the `next` of the request is not safe.
    pub(super) fn next_problem(&self) -> Option<Problem> {
        let in_body = match self.request().fields.get("next") {
            Some(crate::fields::FieldValue::Text(next)) => Some(next),
            _ => None,
        };
        let next = in_body.or_else(|| self.request().query_value("next"))?;
        if next.is_empty() || self.is_safe(&next) {
            return None;
        }
        self.flash(MessageKey::InvalidRedirect);
        Some(Problem::new("next", MessageKey::InvalidRedirect))
    }
}
