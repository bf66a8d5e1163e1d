//! Renders pages and mails from templates.
//!
//! An endpoint fills a [`PageView`], and [`Pages::render`] renders it to HTML.
//! [`Pages::render_mail`] renders a mail. Templates are written in Jinja2's language and have the
//! names of Flask-Security 4.1. To replace a template, an application provides one with the same
//! name, in a directory or in the program ([`PagesConfig`]):
//!
//! | template | page |
//! | --- | --- |
//! | `security/base.html` | the frame of all pages, in blocks: `head`, `brand`, `heading`, `intro`, `content`, `menu`, `footer` |
//! | `security/style.css` | the style sheet, which is part of each page; colours are variables at its beginning |
//! | `security/_macros.html` | `render_form`, `render_forms` and `render_field` |
//! | `security/_messages.html`, `security/_menu.html` | the messages above the heading, the links below the forms |
//! | `security/login_user.html`, `register_user.html`, `forgot_password.html`, `reset_password.html`, `change_password.html`, `send_confirmation.html`, `send_login.html`, `verify.html`, `auth_tokens.html` | one endpoint each |
//! | `security/confirm_email.html` | a confirmation link that was opened in another browser than the one that registered |
//! | `security/two_factor_setup.html`, `two_factor_prove.html`, `two_factor_verify_code.html`, `us_signin.html`, `us_setup.html`, `us_verify.html`, `recovery_code.html`, `recovery_codes.html` | further factors: the table below |
//! | `security/_authenticator.html`, `security/_code_from.html` | the key for an authenticator app, and where a code was sent |
//! | `security/notice.html`, `security/error.html` | a notice ([`PageView::notice`]), an error ([`PageView::error`]) |
//! | `security/email/<name>.txt`, `.html` | the two parts of a mail |
//! | `security/email/_base.html` | the frame of HTML mails |
//!
//! The variables of a template are the fields of [`PageView`], `branding`, the entries of
//! [`PageView::extra`], and what the application adds. An unknown name is empty. Values are escaped
//! in `.html` templates, and not in others. `url_for("login")` returns the path of an endpoint,
//! with the prefix. Endpoints are named by [`Endpoint::name`](crate::route::Endpoint::name). The
//! path of a disabled endpoint is empty.
//!
//! The first form of a page about further factors is the one to fill in now. `two_factor_*` and
//! `us_setup` fold away the other forms. These templates have further variables in
//! [`PageView::extra`], all of which are optional:
//!
//! | template | variables |
//! | --- | --- |
//! | `two_factor_setup` | `two_factor_required`, and the variables of a code |
//! | `two_factor_verify_code` | `problem`: empty to open the second form, `lost_device` or `no_mail_access` after that answer; with an answer, `rescue_mail`, the address that was asked for help; the variables of a code |
//! | `us_signin` | `available_methods`, `code_methods` (names of methods); `code_sent` and `chosen_method` after a code was asked for |
//! | `us_verify` | `available_methods`, `code_methods` (names of methods), and after a code was sent, the variables of a code |
//! | `us_setup` | `active_methods`, `setup_methods` (names of methods), and the variables of a code |
//! | `auth_tokens` | `auth_tokens`: each with `id`, `name`, `created_at`, `used_at`, `expires_at` (RFC 3339, or none); the form of each token has the same index in `forms` |
//! | `recovery_codes` | `recovery_codes` (only when they were created), `remaining` (a number) |
//!
//! The variables of a code are `chosen_method` (`email`, `sms` or `authenticator`), `code_sent`
//! (whether this request sent the code) and `send_code_to` (the part of the address or number that
//! may be shown). For an authenticator app, there are also `authr_key`, `authr_qrcode` (a `data:`
//! URI), `authr_username` and `authr_issuer`, and if codes differ from the default, `authr_digits`
//! and `authr_period` (in seconds). They are shown if the first form is
//! `two_factor_verify_code_form` or `us_setup_validate_form`.
//!
//! `t("sign_in")` returns a text of the catalogue in the language of the page, by its name in
//! [`Label`](fs_core::message::Label), [`PageText`](fs_core::message::PageText),
//! [`StatusText`](fs_core::message::StatusText), [`MailText`](fs_core::message::MailText) or
//! [`MessageKey`](fs_core::message::MessageKey). Its values are passed by name:
//! `t("mail_link_works", within=within)`. `lang` is the tag of the language. The filter `wrap`
//! breaks lines of plain text.
//!
//! Pages load no script, font or image. The QR code is part of the page, and the style sheet is
//! inline, with a nonce. A `Content-Security-Policy` of `default-src 'none'; style-src 'nonce-…';
//! img-src data:; form-action 'self'` allows them.
//!
//! ```
//! use fs_http::pages::{PageView, Pages, PagesConfig};
//!
//! let mut config = PagesConfig::default();
//! config.branding.name = "Otter".to_owned();
//! let pages = Pages::new(&config)?;
//! let page = PageView::notice("Check your mail", "We sent you a link.");
//! let html = pages.render(&page, &serde_json::Map::new())?;
//! assert!(html.contains("We sent you a link."));
//! # Ok::<(), fs_http::pages::PagesError>(())
//! ```

mod builtin;
mod engine;
mod error;
mod links;
mod mail;
mod overrides;
mod status;
mod texts;
mod view;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use fs_core::message::Language;
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde_json::{Map, Value as Json};

pub(crate) use status::reason;

pub use crate::config::{Branding, PagesConfig};
pub use error::PagesError;
pub use mail::RenderedMail;
pub use view::{
    ButtonView, ChoiceView, FieldKind, FieldView, FlashView, FormMethod, FormView, LinkView,
    PageView,
};

/// Renders a page or mail from the name of its template and its variables. `None` uses the
/// library's template. An error fails the page or mail; it must not contain values of the page.
pub type RenderTemplate = dyn Fn(&str, &Json) -> Option<Result<String, String>> + Send + Sync;

/// All templates, loaded and validated.
#[derive(Debug)]
pub struct Pages {
    /// The engine for the default language.
    env: Environment<'static>,
    /// The engines for further languages, by tag. They differ in the function `t`.
    others: BTreeMap<String, Environment<'static>>,
    files: BTreeMap<String, PathBuf>,
    /// The only entry, `branding`.
    branding: Value,
    renderer: Option<Renderer>,
    links: links::Links,
}

/// The application's own engine.
struct Renderer(Arc<RenderTemplate>);

impl std::fmt::Debug for Renderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Renderer(..)")
    }
}

impl Pages {
    /// Loads and validates the templates.
    ///
    /// # Errors
    ///
    /// - Returns [`PagesError::Read`] if the directory or a file in it cannot be read.
    /// - Returns [`PagesError::Template`], with file and line, if a template is invalid or uses a
    ///   template, filter, test or function that does not exist.
    pub fn new(config: &PagesConfig) -> Result<Self, PagesError> {
        let mut pages = Self {
            env: engine::environment(),
            others: BTreeMap::new(),
            files: BTreeMap::new(),
            branding: context! { branding => Serde(&config.branding) },
            renderer: None,
            links: links::Links::default(),
        };
        pages.links.add_to(&mut pages.env);
        texts::add_to(&mut pages.env, &Language::english());
        for (name, source) in builtin::TEMPLATES {
            pages.env.add_template(name, source).map_err(|error| pages.mistake(&error))?;
        }
        for (name, source) in &config.templates {
            pages.replace(name.clone(), source.clone())?;
        }
        if let Some(directory) = &config.directory {
            pages.override_from(directory)?;
        }
        if config.directory.is_some() || !config.templates.is_empty() {
            pages.try_out()?;
        }
        Ok(pages)
    }

    /// Returns the same, written by the application's own engine where it wants to.
    pub(crate) fn rendered_by(mut self, renderer: Option<Arc<RenderTemplate>>) -> Self {
        self.renderer = renderer.map(Renderer);
        self
    }

    /// Renders the HTML of a page.
    ///
    /// `context` contains additional variables for the application's templates. They cannot replace
    /// those of the page. The library's own templates use one of them: `lang`, the language of the
    /// page (`en` by default). It also chooses the texts among the configured languages.
    ///
    /// # Errors
    ///
    /// - Returns [`PagesError::Unknown`] if the template does not exist.
    /// - Returns [`PagesError::Render`] if it fails, which only a template of the application can.
    pub fn render(
        &self,
        page: &PageView,
        context: &Map<String, Json>,
    ) -> Result<String, PagesError> {
        self.render_template(&page.template, self.page_context(page, context))
    }

    /// Everything that the template of a page knows; of two entries of one name the earlier counts.
    fn page_context(&self, page: &PageView, context: &Map<String, Json>) -> Value {
        context! {
            ..self.branding.clone(),
            ..Serde(page),
            ..Serde(&page.extra),
            ..Serde(context),
        }
    }

    fn render_template(&self, name: &str, context: Value) -> Result<String, PagesError> {
        if let Some(Renderer(render)) = &self.renderer {
            let known = serde_json::to_value(&context).unwrap_or_default();
            if let Some(rendered) = render(name, &known) {
                let failed = |reason| PagesError::Render { file: name.to_owned(), line: 0, reason };
                return rendered.map_err(failed);
            }
        }
        let language = context.get_attr("lang").ok();
        let env = self.env_for(language.as_ref().and_then(Value::as_str));
        let Ok(template) = env.get_template(name) else {
            return Err(PagesError::Unknown(name.to_owned()));
        };
        template.render(context).map_err(|error| self.failure(&error))
    }
}
