//! Builder of a site.

use std::sync::Arc;

use fs_core::authn::Mechanism;
use fs_core::authz::{Fresh, Requirement};
use fs_core::config::FlaskKeys;
use fs_core::password::NewHash;
use fs_core::port::SmsSender;
use fs_core::secret::Secret;
use fs_core::{Config, Ports};
use fs_http::{Hooks, HttpConfig, WebSecurity};
use fs_store_memory::MemoryStore;
use serde_json::{Map, json};

use super::{BASE_URL, Site, mails};
use crate::calls::{Calls, InlineHashPool, WatchedEntropy, WatchedStore};
use crate::clock::VirtualClock;
use crate::entropy::SeededEntropy;
use crate::events::EventLog;
use crate::outbox::MemoryMailer;

/// Configuration of a site. Start from a profile, change what the test needs, and build it.
pub struct Setup {
    /// Configuration of accounts.
    pub config: Config,
    /// Configuration of the HTTP layer.
    pub http: HttpConfig,
    /// Hooks of the application. The context of all templates (`*`) is replaced by the site's own.
    pub hooks: Hooks,
    /// Sender of text messages, or `None`.
    pub sms: Option<Arc<dyn SmsSender>>,
    /// Paths that the application answers, with their requirements.
    pub routes: Vec<(&'static str, Requirement)>,
}

impl Setup {
    /// Returns the default profile with the cheapest hashing.
    pub fn standard() -> Self {
        let mut config = Config::default();
        config.signing_keys = vec![Secret::from("0123456789abcdef0123456789abcdef")];
        config.base_url = Some(BASE_URL.to_owned());
        config.hashing.create = NewHash::CheapestForTests;
        config.identities.email.allow_test_domains = true;
        Self::with(config, HttpConfig::default())
    }

    /// Returns the profile of Flask-Security 4.1 with all features enabled and the cheapest
    /// hashing.
    pub fn flask_security_4() -> Self {
        let keys = json!({
            "SECRET_KEY": "a key of the test",
            "SECURITY_PASSWORD_SALT": "a salt of the test",
            "SECURITY_REGISTERABLE": true,
            "SECURITY_CONFIRMABLE": true,
            "SECURITY_RECOVERABLE": true,
            "SECURITY_CHANGEABLE": true,
            "SECURITY_TRACKABLE": true,
            "SECURITY_EMAIL_VALIDATOR_ARGS": { "test_environment": true },
        });
        let mut keys = FlaskKeys::from_map(keys.as_object().cloned().unwrap_or_default());
        let mut config = Config::from_flask(&mut keys);
        let http = HttpConfig::from_flask(&mut keys, false);
        config.hashing.create = NewHash::CheapestForTests;
        Self::with(config, http)
    }

    fn with(config: Config, http: HttpConfig) -> Self {
        let every = [Mechanism::Token, Mechanism::Session, Mechanism::Basic];
        let routes = vec![
            ("/", Requirement::anyone()),
            ("/private", Requirement::signed_in()),
            ("/every-way", Requirement::signed_in().by(every)),
            ("/fresh", Requirement::signed_in().fresh(Fresh::default())),
            ("/editors", Requirement::signed_in().any_role(["editor"])),
        ];
        Self { config, http, hooks: Hooks::default(), sms: None, routes }
    }

    /// Uses mails of a word or two, whose rendering can be made to fail.
    #[must_use]
    pub fn with_plain_mails(mut self) -> Self {
        self.config.mail.html = false;
        self.http.pages.directory = Some(mails::plain_templates());
        self
    }

    /// Builds the site.
    ///
    /// # Panics
    ///
    /// Panics if the configuration has mistakes.
    pub fn build(self) -> Site {
        self.build_with(|_| {})
    }

    /// Builds the site after `change` was applied to its ports.
    ///
    /// # Panics
    ///
    /// Panics if the configuration has mistakes.
    #[expect(clippy::expect_used, reason = "a test with a wrong configuration has failed")]
    pub fn build_with(mut self, change: impl FnOnce(&mut Ports)) -> Site {
        let (calls, clock) = (Calls::new(), VirtualClock::default());
        let (mailer, events) = (MemoryMailer::new(), EventLog::new());
        let store = Arc::new(MemoryStore::new());
        let entropy = Arc::new(SeededEntropy::new(2024));
        let mut ports = Ports::new(
            Arc::new(WatchedStore::new(store.clone(), calls.clone())),
            Arc::new(InlineHashPool::new(calls.clone())),
            Arc::new(mailer.clone()),
            Arc::new(clock.clone()),
            Arc::new(WatchedEntropy::new(entropy, calls.clone())),
        );
        ports.sms = self.sms;
        ports.events = vec![Arc::new(events.clone())];
        change(&mut ports);
        let watched = calls.clone();
        let context = Arc::new(move |exchange: Option<&_>| match exchange {
            Some(_) => Map::new(),
            None => mails::context(&watched),
        });
        self.hooks.page_context.insert("*".to_owned(), context);
        let web = WebSecurity::new(self.config, self.http, ports, self.hooks);
        let web = web.expect("the configuration has no mistakes");
        let client_ip = Some([203, 0, 113, 7].into());
        Site { web, calls, clock, mailer, events, client_ip, store, routes: Arc::new(self.routes) }
    }
}
