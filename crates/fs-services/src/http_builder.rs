//! Builder that creates and starts a security with its HTTP layer.

use fs_http::{Hooks, HttpConfig, WebSecurity};

use crate::builder::{Builder, StartError, Started};
use crate::outbox_worker::OutboxWorker;

/// Builder for a [`WebSecurity`]. Create one with [`Builder::http`].
#[must_use]
pub struct HttpBuilder {
    core: Builder,
    config: HttpConfig,
    hooks: Hooks,
}

impl Builder {
    /// Continues with the settings of the HTTP layer.
    pub fn http(self) -> HttpBuilder {
        HttpBuilder { core: self, config: HttpConfig::default(), hooks: Hooks::default() }
    }
}

impl HttpBuilder {
    /// Replaces the configuration of the HTTP layer.
    pub fn config(mut self, config: HttpConfig) -> Self {
        self.config = config;
        self
    }

    /// Changes the configuration of the HTTP layer in place.
    pub fn configure(mut self, change: impl FnOnce(&mut HttpConfig)) -> Self {
        change(&mut self.config);
        self
    }

    /// Sends cookies without `Secure`, for plain HTTP on the developer's own machine. See
    /// [`HttpConfig::insecure_cookies`].
    pub fn insecure_cookies(mut self) -> Self {
        self.config = self.config.insecure_cookies();
        self
    }

    /// Sets the hooks: functions of the application that replace or extend the library's answers.
    pub fn hooks(mut self, hooks: Hooks) -> Self {
        self.hooks = hooks;
        self
    }

    /// Checks both configurations and starts the hashing threads and the task that delivers mails.
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// Returns [`StartError::Configuration`] with every mistake of both configurations and of the
    /// templates, and the other variants as [`Builder::start`] does.
    pub fn start(self) -> Result<Started<WebSecurity>, StartError> {
        let Self { core, config, hooks } = self;
        let (core, ports, bell) = core.into_parts()?;
        let security = WebSecurity::new(core, config, ports, hooks)?;
        let worker = OutboxWorker::start(security.core().clone(), &bell);
        Ok(Started::new(security, worker))
    }
}

#[cfg(test)]
mod tests {
    use fs_store_memory::MemoryStore;

    #[tokio::test]
    async fn mistakes_of_both_configurations_are_named_at_once() {
        let started = crate::builder(MemoryStore::new())
            .signing_key("short")
            .base_url("https://example.org")
            .http()
            .configure(|http| http.url_prefix = "app".to_owned())
            .start();
        let text = started.map(drop).unwrap_err().to_string();
        assert!(text.contains("signing_keys") && text.contains("url_prefix"), "{text}");
    }

    #[tokio::test]
    async fn a_started_security_shuts_down() {
        let started = crate::builder(MemoryStore::new())
            .signing_key("a secret of at least 32 random bytes")
            .base_url("https://example.org")
            .http()
            .start()
            .unwrap();
        assert!(started.routes().path(fs_http::route::Endpoint::SignIn).is_some());
        started.shutdown().await;
    }
}
