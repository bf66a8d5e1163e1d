//! System under measurement: a site with accounts, a worker that empties the outbox, and a mailer
//! that takes no time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fs_core::config::{SignInLinks, Unified};
use fs_core::limit::{Cap, Limits};
use fs_core::model::{NewUser, Uniquifier};
use fs_core::password::{HashingRules, NewHash};
use fs_core::port::{Batch, Change, Clock, MailError, Mailer, OutboxId, OutgoingMail, UserStore};
use fs_core::secret::Secret;
use fs_core::totp::TotpSecret;
use fs_core::{Config, Ports, Security, Timestamp};
use fs_http::{Hooks, HttpConfig, WebSecurity};
use fs_services::outbox_worker::{OutboxBell, OutboxWorker};
use fs_services::system::SystemClock;

use crate::Outcome;

/// Password of all accounts.
pub(crate) const PASSWORD: &str = "marble otter candle seven";

/// Mailer that takes no time, because the network is not part of the measurement.
struct NoMailer;

#[async_trait]
impl Mailer for NoMailer {
    async fn send(&self, _: &OutboxId, _: &OutgoingMail) -> Result<(), MailError> {
        Ok(())
    }
}

/// Properties of the accounts of a measurement.
#[derive(Clone, Copy)]
pub(crate) struct Accounts {
    /// Prefix of their addresses.
    pub(crate) name: &'static str,
    /// Whether their addresses are confirmed.
    pub(crate) confirmed: bool,
    /// Whether they have a secret for mailed codes.
    pub(crate) codes: bool,
}

/// System clock that skips the random waits.
struct WithoutWaits(SystemClock);

impl Clock for WithoutWaits {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// Site on a store, in two configurations.
pub(crate) struct Site {
    /// Site with passwords and codes.
    pub(crate) web: WebSecurity,
    /// Site with sign-in links instead of passwords, on the same store.
    pub(crate) links: WebSecurity,
    pub(crate) worker: OutboxWorker,
}

impl Site {
    /// Starts the site. Must be called within a tokio runtime.
    pub(crate) fn start(store: Arc<dyn UserStore>, waits: bool) -> Outcome<Self> {
        let bell = OutboxBell::default();
        let mut hashing = HashingRules::default();
        hashing.create = NewHash::CheapestForTests;
        let mut config = config()?;
        config.limits = wide();
        config.hashing = hashing;
        let mut ports = fs_services::ports(store, Arc::new(NoMailer), &bell)?;
        if !waits {
            ports.clock = Arc::new(WithoutWaits(SystemClock));
        }
        let within = Duration::from_secs(3_600);
        let by_link = SignInLinks::new(within);
        let mut links = config.clone();
        links.sign_in_links = Some(by_link);
        let web = web(config, ports.clone())?;
        let links = self::web(links, ports)?;
        let worker = OutboxWorker::start(web.core().clone(), &bell);
        Ok(Self { web, links, worker })
    }

    /// Creates the accounts `{name}000000@site.test`, `{name}000001@site.test` and so on.
    pub(crate) async fn add_users(&self, accounts: Accounts, many: usize) -> Outcome<()> {
        let Accounts { name, confirmed, codes } = accounts;
        let core = self.web.core();
        let hash = core.hash_password(Secret::from(PASSWORD)).await?;
        let sealed = core.second_factors().seal_totp(&TotpSecret::from_random([7; 20])).await?;
        let mut batch = Batch::new();
        for number in 0..many {
            let uniquifier = Uniquifier::from_random(core.random()?);
            let mut user = NewUser::new(address(name, number), uniquifier);
            user.password = Some(hash.clone());
            user.confirmed_at = confirmed.then(|| core.now());
            if codes {
                user.sign_in_secrets = BTreeMap::from([("email".to_owned(), sealed.clone())]);
            }
            batch.push(Change::InsertUser(Box::new(user)));
            if batch.changes().len() == 100 || number + 1 == many {
                core.store().commit(std::mem::take(&mut batch)).await?;
            }
        }
        Ok(())
    }
}

/// Returns the address of an account.
pub(crate) fn address(name: &str, number: usize) -> String {
    format!("{name}{number:06}@site.test")
}

/// Creates a configuration with the default profile and unified sign-in, so that every measured
/// endpoint exists.
pub(crate) fn config() -> Outcome<Config> {
    let mut config = Config::default();
    config.signing_keys = vec![Secret::from("a key of this measurement, 32 bytes long")];
    config.base_url = Some("https://site.test".to_owned());
    config.unified = Some(Unified::default());
    config.identities.email.allow_test_domains = true;
    Ok(config)
}

/// Creates a site without a worker.
pub(crate) fn web(config: Config, ports: Ports) -> Outcome<WebSecurity> {
    Ok(WebSecurity::new(config, HttpConfig::default(), ports, Hooks::default())?)
}

/// Creates ports on a store, with a mailer that takes no time.
pub(crate) fn ports(store: Arc<dyn UserStore>) -> Outcome<Ports> {
    Ok(fs_services::ports(store, Arc::new(NoMailer), &OutboxBell::default())?)
}

/// Returns rate limits that are counted as usual but never reached.
pub(crate) fn wide() -> Limits {
    let mut limits = Limits::default();
    let Limits { passwords, codes, registrations, mails, texts, .. } = &mut limits;
    let lists = [
        &mut passwords.here,
        &mut passwords.everywhere,
        &mut passwords.network,
        &mut passwords.signed_in,
        &mut passwords.new,
        &mut codes.here,
        &mut codes.everywhere,
        &mut codes.network,
        &mut codes.sign_in,
        &mut codes.second_factor,
        &mut codes.signed_in,
        &mut registrations.network,
        &mut mails.to,
        &mut mails.network,
        &mut texts.to,
        &mut texts.network,
    ];
    for cap in lists.into_iter().flatten() {
        *cap = Cap::new(1_000_000_000, cap.within);
    }
    limits
}

/// Delivers the waiting mails, so that the next measurement begins with an empty outbox.
pub(crate) async fn settle(core: &Security) -> Outcome<()> {
    core.deliver_mails().await?;
    tokio::task::yield_now().await;
    Ok(())
}
