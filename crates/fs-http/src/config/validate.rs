//! Validation of the configuration.

use fs_core::ExtraField;

use super::{CsrfScope, HttpConfig, SameSite};

impl HttpConfig {
    /// Returns all mistakes of this configuration.
    pub fn mistakes(&self) -> Vec<String> {
        let mut found = Vec::new();
        if !self.url_prefix.is_empty()
            && (!self.url_prefix.starts_with('/') || self.url_prefix.ends_with('/'))
        {
            found.push("url_prefix must start with a slash and end without one".to_owned());
        }
        for (endpoint, path) in &self.urls {
            if !path.starts_with('/') {
                found.push(format!("urls: the path of {endpoint:?} must start with a slash"));
            }
        }
        for (form, fields) in &self.form_fields {
            let csrf = [self.csrf.field.as_str()];
            let own = [form.own_fields(), &csrf].concat();
            let mistakes = ExtraField::mistakes(fields, &own).into_iter();
            let form = form.as_str();
            found.extend(mistakes.map(|mistake| format!("form_fields.{form}: {mistake}")));
        }
        found.extend(super::csp::mistakes(&self.csp));
        for cookie in [&self.session_cookie, &self.remember_cookie, &self.device_cookie] {
            if cookie.name.starts_with("__Host-")
                && (!cookie.secure || cookie.path != "/" || cookie.domain.is_some())
            {
                found.push(format!(
                    "the cookie {}: a name with __Host- needs Secure, Path=/ and no domain; for \
                     plain HTTP use HttpConfig::insecure_cookies()",
                    cookie.name
                ));
            }
            if cookie.same_site == Some(SameSite::None) && !cookie.secure {
                found.push(format!("the cookie {}: SameSite=None needs Secure", cookie.name));
            }
        }
        if self.csrf.enabled && self.csrf.cookie.is_some() && self.csrf.scope == CsrfScope::Forms {
            found.push(
                "csrf.cookie needs a scope that checks headers: Everything or Mechanisms"
                    .to_owned(),
            );
        }
        if self.csrf.ignore_strangers && self.csrf.scope == CsrfScope::Everything {
            found.push(
                "csrf.ignore_strangers has no effect while everything is checked: use the scope \
                 Mechanisms"
                    .to_owned(),
            );
        }
        found
    }
}
