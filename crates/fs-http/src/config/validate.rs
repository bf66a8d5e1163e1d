//! Validation of the configuration.

use fs_core::ExtraField;
use fs_core::config::ConfigError;

use super::{CsrfScope, HttpConfig, SameSite};

impl HttpConfig {
    /// Returns all errors of this configuration.
    pub fn errors(&self) -> Vec<ConfigError> {
        let mut found = Vec::new();
        if !self.url_prefix.is_empty()
            && (!self.url_prefix.starts_with('/') || self.url_prefix.ends_with('/'))
        {
            let remedy = "begin it with a slash and end it without one";
            let error = ConfigError::new("url_prefix", "is not a path prefix", remedy);
            found.push(error.with_value(format!("{:?}", self.url_prefix)));
        }
        for (endpoint, path) in &self.urls {
            if !path.starts_with('/') {
                let at = format!("urls.{endpoint:?}");
                let error = ConfigError::new(at, "is not a path", "begin it with a slash");
                found.push(error.with_value(format!("{path:?}")));
            }
        }
        for (form, fields) in &self.form_fields {
            let csrf = [self.csrf.field.as_str()];
            let own = [form.own_fields(), &csrf].concat();
            let path = format!("form_fields.{}", form.as_str());
            found.extend(ExtraField::errors(&path, fields, &own));
        }
        found.extend(super::csp::errors(&self.csp));
        let cookies = [
            ("session_cookie", &self.session_cookie),
            ("remember_cookie", &self.remember_cookie),
            ("device_cookie", &self.device_cookie),
        ];
        for (path, cookie) in cookies {
            if cookie.name.starts_with("__Host-")
                && (!cookie.secure || cookie.path != "/" || cookie.domain.is_some())
            {
                let problem = "begins with __Host-, which needs Secure, Path=/ and no domain";
                let remedy =
                    "for plain HTTP use HttpConfig::insecure_cookies(), or change the name";
                let error = ConfigError::new(format!("{path}.name"), problem, remedy);
                found.push(error.with_value(&cookie.name));
            }
            if cookie.same_site == Some(SameSite::None) && !cookie.secure {
                let (problem, remedy) =
                    ("is None, which browsers accept with Secure only", "set secure");
                found.push(ConfigError::new(format!("{path}.same_site"), problem, remedy));
            }
        }
        if self.csrf.enabled && self.csrf.cookie.is_some() && self.csrf.scope == CsrfScope::Forms {
            found.push(ConfigError::new(
                "csrf.cookie",
                "is for headers, which the scope Forms does not check",
                "set csrf.scope to Everything or Mechanisms",
            ));
        }
        if self.csrf.ignore_strangers && self.csrf.scope == CsrfScope::Everything {
            found.push(ConfigError::new(
                "csrf.ignore_strangers",
                "has no effect while everything is checked",
                "set csrf.scope to Mechanisms",
            ));
        }
        found
    }
}
