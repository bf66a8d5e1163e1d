//! The endpoints: each reads a form or JSON, runs a flow, and answers.

mod asked_code;
mod auth_tokens;
mod challenge;
mod change_password;
mod confirm;
mod follow_link;
mod forgot_password;
mod press;
mod recovery_codes;
mod register;
mod reset_password;
mod send_confirmation;
mod sign_in;
mod sign_in_link;
mod sign_out;
mod two_factor_rescue;
mod two_factor_setup;
mod two_factor_validate;
mod undo_change;
mod unified_link;
mod unified_setup;
mod unified_sign_in;
mod unified_verify;
mod use_recovery_code;
mod verify;

use std::sync::Arc;

use bytes::Bytes;
use fs_core::authn::Authentication;
use fs_core::authz::Requirement;
use fs_core::flow::Problem;
use fs_core::message::{Label, MessageKey};
use fs_core::model::User;
use fs_core::session::Session;
use http::header::ALLOW;
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::{Map, Value};

use crate::csrf::CsrfStanding;
use crate::exchange::Exchange;
use crate::form::FormName;
use crate::pages::{FormView, LinkView, PageView};
use crate::panic::catch_panic;
use crate::refusal::Refusal;
use crate::route::{Endpoint, Matched, Route};

/// An answer, or the one that takes its place because something failed on the way.
type Answer = Result<Response<Bytes>, Box<Response<Bytes>>>;

/// Answers a request for one of our endpoints, or one that must go no further.
///
/// An answer that says that something failed brings no cookie of a session that was made before it
/// did.
pub(crate) async fn serve(exchange: &Exchange) -> Option<Response<Bytes>> {
    let answer = catch_panic(answer_to(exchange)).await.unwrap_or_else(Some)?;
    if answer.status().is_server_error() {
        exchange.discard();
    }
    Some(answer)
}

async fn answer_to(exchange: &Exchange) -> Option<Response<Bytes>> {
    let found = exchange.security().endpoint_at(&exchange.request().path);
    let not_read = match found {
        Some(_) => exchange.not_read(),
        None => exchange.too_slow(),
    };
    if let Some(refused) = not_read {
        return Some(refused);
    }
    let matched = found.as_ref().map(|(_, matched)| matched.endpoint);
    if matched != Some(Endpoint::SignOut)
        && let Err(refused) = exchange.csrf_for_everything()
    {
        return Some(*refused);
    }
    let (route, matched) = found?;
    if !allows(route, &exchange.request().method) {
        return Some(not_allowed(exchange, route));
    }
    if exchange.request().method == Method::HEAD && route.endpoint.acts_on_get() {
        return Some(exchange.bare(StatusCode::OK));
    }
    // Boxed, as all flows are that few requests come to: else every request would carry their room.
    Some(Box::pin(answer(exchange, matched)).await.unwrap_or_else(|refused| *refused))
}

fn allows(route: &Route, method: &Method) -> bool {
    let head = *method == Method::HEAD && route.methods.contains(&Method::GET);
    head || route.methods.contains(method)
}

fn not_allowed(exchange: &Exchange, route: &Route) -> Response<Bytes> {
    let mut names: Vec<_> = route.methods.iter().map(Method::as_str).collect();
    if route.methods.contains(&Method::GET) {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    let options = exchange.request().method == Method::OPTIONS;
    let mut response = match options {
        true => Response::new(Bytes::new()),
        false => {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            exchange.page(status, exchange.error_view(status, None))
        }
    };
    if let Ok(allow) = HeaderValue::from_str(&names.join(", ")) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

async fn answer(exchange: &Exchange, matched: Matched) -> Answer {
    let press = exchange.press_of(matched.endpoint);
    if let Some(done) = press.as_ref().and_then(|press| exchange.done_already(press)) {
        return Ok(done);
    }
    let answer = dispatch(exchange, matched).await?;
    if let Some(press) = press {
        exchange.note_done(&press, &answer);
    }
    Ok(answer)
}

async fn dispatch(exchange: &Exchange, matched: Matched) -> Answer {
    let token = matched.token.as_deref().unwrap_or_default();
    if let Some(asked) = follow_link::ask_first(exchange, matched.endpoint, token).await? {
        return Ok(asked);
    }
    match matched.endpoint {
        Endpoint::SignIn if exchange.core().config().sign_in_links.is_some() => {
            sign_in_link::answer(exchange).await
        }
        Endpoint::SignIn if exchange.config().unified_replaces_sign_in => {
            unified_sign_in::answer(exchange).await
        }
        Endpoint::SignIn => sign_in::answer(exchange).await,
        Endpoint::SignOut => sign_out::answer(exchange).await,
        Endpoint::Verify => verify::answer(exchange).await,
        Endpoint::Register => register::answer(exchange).await,
        Endpoint::SendConfirmation => send_confirmation::answer(exchange).await,
        Endpoint::Confirm => confirm::answer(exchange, token).await,
        Endpoint::ForgotPassword => forgot_password::answer(exchange).await,
        Endpoint::ResetPassword => reset_password::answer(exchange, token).await,
        Endpoint::ChangePassword => change_password::answer(exchange).await,
        Endpoint::SignInLink => sign_in_link::follow(exchange, token).await,
        Endpoint::TwoFactorSetup => two_factor_setup::answer(exchange).await,
        Endpoint::TwoFactorValidate => two_factor_validate::answer(exchange).await,
        Endpoint::TwoFactorRescue => two_factor_rescue::answer(exchange).await,
        Endpoint::RecoveryCodes => recovery_codes::answer(exchange).await,
        Endpoint::UseRecoveryCode => use_recovery_code::answer(exchange).await,
        Endpoint::AuthTokens => auth_tokens::answer(exchange).await,
        Endpoint::UnifiedSignIn => unified_sign_in::answer(exchange).await,
        Endpoint::UnifiedSendCode => unified_sign_in::send_code(exchange).await,
        Endpoint::UnifiedSetup => unified_setup::answer(exchange).await,
        Endpoint::UnifiedSetupValidate => unified_setup::validate(exchange, token).await,
        Endpoint::UnifiedVerify => unified_verify::answer(exchange).await,
        Endpoint::UnifiedVerifySendCode => unified_verify::send_code(exchange).await,
        Endpoint::UnifiedLink => unified_link::answer(exchange).await,
        Endpoint::UndoChange => undo_change::answer(exchange, token).await,
    }
}

impl Exchange {
    /// Whether the request hands in a form.
    fn submits(&self) -> bool {
        self.request().is_unsafe()
    }

    /// Returns the signed-in user, for an endpoint that also admits unauthenticated requests.
    async fn caller(&self) -> Result<Option<Authentication>, Box<Response<Bytes>>> {
        self.current().await.map_err(|error| self.flow_failed(&error))
    }

    /// Returns the user of the browser's session, for an endpoint that changes the session.
    async fn session_caller(&self) -> Result<Option<Arc<User>>, Box<Response<Bytes>>> {
        self.session_owner().await.map_err(|error| self.flow_failed(&error))
    }

    /// Returns the user of an endpoint that requires authentication. Call
    /// [`form_problems`](Self::form_problems) next: the CSRF token may be out of date.
    async fn caller_of(&self, endpoint: Endpoint) -> Result<Authentication, Box<Response<Bytes>>> {
        let requirement = endpoint.requirement(self.config());
        let caller = match self.check_user(&requirement).await {
            // What was typed is not lost: `csrf_problems` brings the form back, with a fresh token.
            Err(Refusal::Csrf(problem)) if !self.wants_json() => {
                let caller = self.caller().await?;
                self.state().csrf = CsrfStanding::Refused(problem);
                caller.ok_or(Refusal::Csrf(problem))
            }
            checked => checked,
        };
        let caller = caller.map_err(|refusal| Box::new(self.refuse(&refusal)))?;
        self.only_one_person(&caller).await?;
        Ok(caller)
    }

    /// Refuses to change something for a caller while the browser is signed in as somebody else.
    async fn only_one_person(&self, caller: &Authentication) -> Result<(), Box<Response<Bytes>>> {
        let one = self.refuse_mixed(caller).await;
        one.map_err(|refusal| Box::new(self.refuse(&refusal)))
    }

    /// Sends away who is signed in, from an endpoint for those who are not.
    async fn only_strangers(&self) -> Result<(), Box<Response<Bytes>>> {
        self.authorize(&Requirement::anonymous()).await.map(drop)
    }

    /// A form with mistakes: JSON with the mistakes, or the page again.
    fn mistakes(
        &self,
        problems: &[Problem],
        page: impl FnOnce(&[Problem]) -> PageView,
    ) -> Response<Bytes> {
        match self.wants_json() {
            true => self.json_problems(StatusCode::BAD_REQUEST, problems),
            false => self.page(self.status_of_mistakes(), page(problems)),
        }
    }

    /// The status of a page with a form that comes back.
    fn status_of_mistakes(&self) -> StatusCode {
        match self.state().csrf {
            CsrfStanding::Refused(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::OK,
        }
    }

    /// Returns the problems with the CSRF token of a form.
    fn csrf_problems(&self, signed_in: bool) -> Result<Vec<Problem>, Box<Response<Bytes>>> {
        let key = self.csrf_of_form(signed_in).map_err(|error| self.flow_failed(&error))?;
        let problem = |key: MessageKey| Problem {
            field: self.config().csrf.field.clone().into(),
            message: key.into(),
        };
        Ok(key.map(problem).into_iter().collect())
    }

    /// Returns the problems with a form before its endpoint reads it: with its CSRF token, or with
    /// fields that the application asks for.
    async fn form_problems(
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

    /// Whether the JSON answer is to hold an auth token.
    fn asks_for_token(&self) -> bool {
        let asked = self.request().query_value("include_auth_token").is_some();
        self.wants_json() && (asked || self.config().always_hand_out_token)
    }

    /// The auth token for a JSON answer, where it is asked for.
    async fn token_on_request(&self, user: &User) -> Result<Option<String>, Box<Response<Bytes>>> {
        if !self.asks_for_token() {
            return Ok(None);
        }
        let issued = self.core().issue_auth_token(self.context(), &mut user.clone()).await;
        issued
            .map(|token| Some(token.expose().to_owned()))
            .map_err(|error| self.flow_failed(&error))
    }

    /// The same for whoever proved the first factor again in a session that may have got in without
    /// the second one, from a remembered browser. A token outlives the session: where the factor
    /// was not given lately, none is made, and `more` says so.
    async fn token_for_factors(
        &self,
        session: &Session,
        user: &User,
        more: &mut Map<String, Value>,
    ) -> Result<Option<String>, Box<Response<Bytes>>> {
        if !self.asks_for_token() {
            return Ok(None);
        }
        let needed = self.core().needs_factor_proof(self.context(), session, user).await;
        match needed.map_err(|error| self.flow_failed(&error))? {
            true => {
                more.insert("tf_proof_required".to_owned(), true.into());
                Ok(None)
            }
            false => self.token_on_request(user).await,
        }
    }

    /// A page with one form and the links to the other pages.
    fn form_page(&self, template: &str, title: Label, form: FormView) -> PageView {
        let mut page = PageView::new(template, self.label(title));
        page.forms.push(form);
        page.links = self.links(template);
        page
    }

    /// Links to other pages of accounts that make sense for strangers.
    fn links(&self, template: &str) -> Vec<LinkView> {
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
                *name != template && self.web().routes.path(*endpoint).is_some()
            })
            .map(|(endpoint, _, text)| LinkView {
                href: self.step_url(endpoint),
                text: self.label(text),
            })
            .collect()
    }

    /// A `next` that came with the request and is not safe, as a problem.
    fn next_problem(&self) -> Option<Problem> {
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
