//! Builder that creates and starts a security from a store and a few settings.

use std::io;
use std::ops::Deref;
use std::sync::Arc;

use fs_core::config::ConfigErrors;
use fs_core::port::{BreachChecker, EventSink, MailComposer, Mailer, SmsSender, UserStore};
use fs_core::secret::Secret;
use fs_core::{Config, Ports, Security};

use crate::console_mailer::ConsoleMailer;
use crate::hash_pool::HashPoolSize;
use crate::outbox_worker::{OutboxBell, OutboxWorker};
use crate::ports::ports_with;

/// Returns a [`Builder`] for an application that keeps its users in `store`.
///
/// ```
/// use fs_store_memory::MemoryStore;
///
/// # async fn run() -> Result<(), fs_services::StartError> {
/// let security = fs_services::builder(MemoryStore::new())
///     .signing_key("a secret of at least 32 random bytes")
///     .base_url("https://example.org")
///     .http()
///     .start()?;
/// // Serve requests with `&security`, which is a `WebSecurity`, then:
/// security.shutdown().await;
/// # Ok(())
/// # }
/// ```
pub fn builder(store: impl UserStore + 'static) -> Builder {
    Builder {
        config: Config::default(),
        ports: Outside {
            store: Arc::new(store),
            mailer: None,
            sms: None,
            breaches: None,
            events: Vec::new(),
            hash_pool: HashPoolSize::default(),
        },
        key_variable: None,
    }
}

/// Builder for a [`Security`] with all its ports. Create one with [`builder`].
///
/// Without further settings it uses the default profile of [`Config`], prints mails to the terminal
/// and hashes passwords on threads of its own.
#[must_use]
pub struct Builder {
    config: Config,
    ports: Outside,
    key_variable: Option<String>,
}

/// External services that a [`Builder`] was given.
struct Outside {
    store: Arc<dyn UserStore>,
    mailer: Option<Arc<dyn Mailer>>,
    sms: Option<Arc<dyn SmsSender>>,
    breaches: Option<Arc<dyn BreachChecker>>,
    events: Vec<Arc<dyn EventSink>>,
    hash_pool: HashPoolSize,
}

impl Builder {
    /// Sets the key that signs tokens and seals sessions: at least 32 random bytes, kept outside of
    /// the source and the same on every node.
    pub fn signing_key(mut self, key: impl Into<Secret>) -> Self {
        self.config.signing_keys = vec![key.into()];
        self
    }

    /// Reads the signing key from an environment variable when the security starts.
    pub fn signing_key_from_env(mut self, variable: impl Into<String>) -> Self {
        self.key_variable = Some(variable.into());
        self
    }

    /// Sets the public address of the application, such as `https://example.org`. Links in mails
    /// begin with it.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.config.base_url = Some(url.into());
        self
    }

    /// Replaces the configuration. Signing keys and the base URL that were given before are kept if
    /// `config` has none.
    pub fn config(mut self, config: Config) -> Self {
        let before = std::mem::replace(&mut self.config, config);
        if self.config.signing_keys.is_empty() {
            self.config.signing_keys = before.signing_keys;
        }
        self.config.base_url = self.config.base_url.take().or(before.base_url);
        self
    }

    /// Changes the configuration in place.
    ///
    /// ```
    /// # let builder = fs_services::builder(fs_store_memory::MemoryStore::new());
    /// let builder = builder.configure(|config| config.usernames = true);
    /// # drop(builder);
    /// ```
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Sends mails with `mailer`. By default they are printed to the terminal.
    pub fn mailer(mut self, mailer: impl Mailer + 'static) -> Self {
        self.ports.mailer = Some(Arc::new(mailer));
        self
    }

    /// Sends text messages with `sender`.
    pub fn sms(mut self, sender: impl SmsSender + 'static) -> Self {
        self.ports.sms = Some(Arc::new(sender));
        self
    }

    /// Looks new passwords up in a list of breached ones.
    pub fn breached_passwords(mut self, checker: impl BreachChecker + 'static) -> Self {
        self.ports.breaches = Some(Arc::new(checker));
        self
    }

    /// Adds a sink that is called for every event. Call this method once for each sink.
    pub fn events(mut self, sink: impl EventSink + 'static) -> Self {
        self.ports.events.push(Arc::new(sink));
        self
    }

    /// Sets the number of hashing threads and the length of their queue.
    pub fn hash_pool(mut self, size: HashPoolSize) -> Self {
        self.ports.hash_pool = size;
        self
    }

    /// Checks the configuration and starts the hashing threads and the task that delivers mails,
    /// for an application without HTTP. `composer` writes the mails. Must be called within a tokio
    /// runtime.
    ///
    /// # Errors
    ///
    /// - Returns [`StartError::Configuration`] with every mistake of the configuration.
    /// - Returns [`StartError::MissingVariable`] if the environment variable of the signing key is
    ///   not set.
    /// - Returns [`StartError::Threads`] if the operating system cannot start the hashing threads.
    pub fn start(self, composer: Arc<dyn MailComposer>) -> Result<Started<Security>, StartError> {
        let (config, ports, bell) = self.into_parts()?;
        let security = Security::new(config, ports, composer)?;
        let worker = OutboxWorker::start(security.clone(), &bell);
        Ok(Started { security, worker })
    }

    /// Splits the builder into the configuration, the ports and the bell that wakes the worker.
    pub(crate) fn into_parts(self) -> Result<(Config, Ports, OutboxBell), StartError> {
        let Self { mut config, ports, key_variable } = self;
        if let Some(variable) = key_variable {
            let key = std::env::var(&variable).ok().filter(|key| !key.is_empty());
            let key = key.ok_or(StartError::MissingVariable(variable))?;
            config.signing_keys = vec![Secret::from(key)];
        }
        let Outside { store, mailer, sms, breaches, events, hash_pool } = ports;
        let mailer = mailer.unwrap_or_else(|| {
            tracing::warn!("mails are printed to the terminal: set a mailer to send them");
            Arc::new(ConsoleMailer::default())
        });
        let bell = OutboxBell::default();
        let mut ports = ports_with(hash_pool, store, mailer, &bell).map_err(StartError::Threads)?;
        ports.sms = sms;
        ports.breaches = breaches;
        ports.events = events;
        Ok((config, ports, bell))
    }
}

/// Handle of a [`Security`] or `WebSecurity`, and of the task that delivers its mails.
///
/// It dereferences to that value. Dropping it stops the task at once; prefer
/// [`shutdown`](Self::shutdown).
#[derive(Debug)]
#[must_use = "dropping the handle stops the delivery of mails"]
pub struct Started<S> {
    security: S,
    worker: OutboxWorker,
}

impl<S> Started<S> {
    #[cfg(feature = "http")]
    pub(crate) fn new(security: S, worker: OutboxWorker) -> Self {
        Self { security, worker }
    }

    /// Stops the delivery of mails after the current pass over the outbox. Mails that still wait
    /// stay in the database and are sent after the next start.
    pub async fn shutdown(self) {
        self.worker.stop().await;
    }
}

impl<S> Deref for Started<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.security
    }
}

/// Error that keeps a security from starting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration has errors.
    #[error(transparent)]
    Configuration(#[from] ConfigErrors),
    /// The environment variable of the signing key is not set, or is empty.
    #[error(
        "the environment variable {0} is not set: set it to a signing key of at least 32 random \
         bytes, e.g. with `export {0}=$(openssl rand -hex 32)`, and keep the key"
    )]
    MissingVariable(String),
    /// The operating system could not start the threads that hash passwords.
    #[error("the threads that hash passwords could not be started: {0}")]
    Threads(#[source] io::Error),
}

#[cfg(test)]
mod tests {
    use fs_store_memory::MemoryStore;

    use super::*;

    #[test]
    fn a_missing_variable_is_named_with_the_remedy() {
        let builder = builder(MemoryStore::new()).signing_key_from_env("FS_TEST_NO_SUCH_KEY");
        let error = builder.into_parts().map(drop).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("FS_TEST_NO_SUCH_KEY is not set"), "{text}");
        assert!(text.contains("openssl rand -hex 32"), "{text}");
    }

    #[test]
    fn a_configuration_without_a_key_keeps_the_key_that_was_given_before() {
        let builder = builder(MemoryStore::new())
            .signing_key("a secret of at least 32 random bytes")
            .base_url("https://example.org")
            .config(Config::default());
        let (config, ..) = builder.into_parts().unwrap();
        assert_eq!(config.signing_keys.len(), 1);
        assert_eq!(config.base_url.as_deref(), Some("https://example.org"));
        let other = super::builder(MemoryStore::new()).signing_key("a key that is replaced below");
        let given = Config::new("another secret of 32 random bytes", "https://example.com");
        let (config, ..) = other.config(given).into_parts().unwrap();
        assert_eq!(config.base_url.as_deref(), Some("https://example.com"));
    }

    #[test]
    fn services_and_settings_reach_the_ports() {
        let builder = builder(MemoryStore::new())
            .signing_key("a secret of at least 32 random bytes")
            .base_url("https://example.org")
            .configure(|config| config.usernames = true)
            .events(|_: &fs_core::event::EventRecord| {})
            .hash_pool(HashPoolSize { threads: 2, ..HashPoolSize::default() });
        let (config, ports, _) = builder.into_parts().unwrap();
        assert!(config.usernames && config.errors().0.is_empty());
        assert_eq!(config.base_url.as_deref(), Some("https://example.org"));
        assert_eq!(ports.events.len(), 1);
        assert!(ports.outbox_waker.is_some() && ports.sms.is_none());
    }
}
