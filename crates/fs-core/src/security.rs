//! The main object of an application: configuration, ports and keys.

use std::fmt;
use std::sync::Arc;

use crate::Timestamp;
use crate::config::{CodeMethod, Config, ConfigError, ConfigErrors, SignInMethod};
use crate::context::Context;
use crate::csrf::CsrfSigner;
use crate::event::{Event, EventRecord};
use crate::flow::{DeliveryTimes, FamilyKey, FlowError, TokenUses};
use crate::identity::{IdentityAttribute, Region};
use crate::limit::CounterNames;
use crate::model::{PasswordHash, SessionId, Uniquifier};
use crate::password::{
    HashAnswer, HashJob, HashLane, HashTask, PasswordHasher, SlowComparison, Verification,
};
use crate::port::{
    BreachChecker, Clock, Entropy, EventSink, HashPool, HashPoolError, MailComposer, Mailer,
    OutboxId, OutboxWaker, SmsSender, UserStore,
};
use crate::recovery_code::RecoveryCodeHasher;
use crate::secret::Secret;
use crate::session::Sealer;
use crate::token::{SigningKeys, TokenSigner};
use crate::totp::{TotpRules, Wallet};

/// Accounts and sign-in, with their configuration and ports. It is cheap to clone.
///
/// Its flows are async methods that do not depend on HTTP. They come in groups:
///
/// | method | flows |
/// | --- | --- |
/// | [`accounts`](Self::accounts) | registration, confirmation, look-up, passwords |
/// | [`sign_in`](Self::sign_in) | sign-in with a password, a code or a link |
/// | [`sessions`](Self::sessions) | user of a session, reauthentication, remembered browsers, sign-out |
/// | [`second_factors`](Self::second_factors) | set-up, check, recovery codes, undo links |
/// | [`sign_in_methods`](Self::sign_in_methods) | set-up and removal of unified sign-in methods |
/// | [`auth_tokens`](Self::auth_tokens) | tokens of programs |
/// | [`admin`](Self::admin) | administration of accounts and roles |
#[derive(Clone)]
pub struct Security(Arc<Inner>);

struct Inner {
    config: Config,
    ports: Ports,
    composer: Arc<dyn MailComposer>,
    hasher: Arc<PasswordHasher>,
    tokens: TokenSigner,
    csrf: CsrfSigner,
    base_url: Option<Arc<str>>,
    sealer: Sealer,
    undo_sealer: Sealer,
    wallet: Option<Arc<Wallet>>,
    totp_rules: TotpRules,
    recovery_codes: RecoveryCodeHasher,
    counters: CounterNames,
    family_key: FamilyKey,
    token_uses: TokenUses,
    delivery_times: DeliveryTimes,
}

/// The external services that a [`Security`] needs. See [`crate::port`].
#[derive(Clone)]
#[non_exhaustive]
pub struct Ports {
    /// Database.
    pub store: Arc<dyn UserStore>,
    /// Thread pool that hashes passwords.
    pub hash_pool: Arc<dyn HashPool>,
    /// Sender of mails.
    pub mailer: Arc<dyn Mailer>,
    /// Sender of text messages. `None` is a configuration error if a method needs it.
    pub sms: Option<Arc<dyn SmsSender>>,
    /// Waker of the task that delivers mails. `None` if [`deliver_mails`](Security::deliver_mails)
    /// is called on a schedule only.
    pub outbox_waker: Option<Arc<dyn OutboxWaker>>,
    /// List of breached passwords, if the password rules require it.
    pub breaches: Option<Arc<dyn BreachChecker>>,
    /// Source of the current time.
    pub clock: Arc<dyn Clock>,
    /// Source of randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Receivers of events.
    pub events: Vec<Arc<dyn EventSink>>,
}

impl Ports {
    /// Creates the ports that every application needs. The others are not connected.
    pub fn new(
        store: Arc<dyn UserStore>,
        hash_pool: Arc<dyn HashPool>,
        mailer: Arc<dyn Mailer>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            store,
            hash_pool,
            mailer,
            sms: None,
            outbox_waker: None,
            breaches: None,
            clock,
            entropy,
            events: Vec::new(),
        }
    }
}

impl Security {
    /// Validates the configuration and creates a `Security`. `fs-http` provides a `composer` with
    /// templates; an application without HTTP provides its own.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigErrors`] with every mistake of the configuration.
    pub fn new(
        config: Config,
        ports: Ports,
        composer: Arc<dyn MailComposer>,
    ) -> Result<Self, ConfigErrors> {
        let mut errors = config.errors();
        errors.0.extend(missing_ports(&config, &ports));
        errors.0.extend(missing_features(&config));
        let hasher = PasswordHasher::new(config.hashing.clone());
        let keys = SigningKeys::new(config.signing_keys.clone());
        let tokens = keys.as_ref().ok().map(|keys| {
            let signer = TokenSigner::new(keys, config.token_format, &config.salts);
            let recovery_codes = RecoveryCodeHasher::new(keys);
            (signer, CsrfSigner::new(keys, config.token_format), recovery_codes)
        });
        let (hasher, tokens, csrf, recovery_codes) = match (hasher, tokens) {
            (Ok(hasher), Some((Ok(tokens), csrf, codes))) => (hasher, tokens, csrf, codes),
            (_, Some((Err(error), ..))) => {
                let remedy = "give each purpose a salt of its own";
                errors.0.push(ConfigError::new(
                    "salts",
                    format!("cannot be used: {error}"),
                    remedy,
                ));
                return Err(errors);
            }
            _ => return Err(errors),
        };
        let wallet = match (&keys, config.totp.keys.is_empty()) {
            (_, false) => Wallet::new(config.totp.keys.clone(), config.totp.format),
            (Ok(keys), true) => Wallet::from_keys(keys),
            (Err(_), true) => return Err(errors),
        };
        let wallet = match wallet {
            Ok(wallet) => Some(Arc::new(wallet)),
            Err(error) => {
                let remedy = "check each key and its name";
                errors.0.push(ConfigError::new(
                    "totp.keys",
                    format!("cannot be used: {error}"),
                    remedy,
                ));
                None
            }
        };
        let counters = config.signing_keys.first().cloned().map(CounterNames::new);
        let family_key = config.signing_keys.first().cloned().map(FamilyKey::new);
        let (Some(counters), Some(family_key)) = (counters, family_key) else {
            return Err(errors);
        };
        let totp_rules = config.totp.rules();
        errors.into_result()?;
        let Ok(totp_rules) = totp_rules else {
            return Err(config.errors());
        };
        let inner = Inner {
            hasher: Arc::new(hasher),
            tokens,
            csrf,
            base_url: config.base_url.as_deref().map(Arc::from),
            sealer: Sealer::new(&config.signing_keys, "session"),
            undo_sealer: Sealer::new(&config.signing_keys, "factor undo"),
            wallet,
            totp_rules,
            recovery_codes,
            counters,
            family_key,
            token_uses: TokenUses::default(),
            delivery_times: DeliveryTimes::default(),
            config,
            ports,
            composer,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Returns the configuration.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Returns the database.
    pub fn store(&self) -> &dyn UserStore {
        &*self.0.ports.store
    }

    /// Returns the current time.
    pub fn now(&self) -> Timestamp {
        self.0.ports.clock.now()
    }

    /// Returns the signer of links and tokens.
    pub fn tokens(&self) -> &TokenSigner {
        &self.0.tokens
    }

    /// Returns the signer of CSRF tokens.
    pub fn csrf(&self) -> &CsrfSigner {
        &self.0.csrf
    }

    /// Returns the sealer, which encrypts sessions for cookies.
    pub fn sealer(&self) -> &Sealer {
        &self.0.sealer
    }

    pub(crate) fn undo_sealer(&self) -> &Sealer {
        &self.0.undo_sealer
    }

    /// Returns random bytes.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Entropy`] if the source of randomness failed.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], FlowError> {
        let mut bytes = [0; N];
        self.0.ports.entropy.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Returns a context for a flow that does not start from a request, such as a script or a
    /// scheduled job.
    pub fn context(&self) -> Context {
        Context {
            now: self.now(),
            client_ip: None,
            user_agent: None,
            base_url: self.base_url().unwrap_or_default(),
            language: self.config().default_language(),
        }
    }

    /// Returns the configured base URL.
    pub fn base_url(&self) -> Option<Arc<str>> {
        self.0.base_url.clone()
    }

    /// Returns the names of counters.
    pub(crate) fn counters(&self) -> &CounterNames {
        &self.0.counters
    }

    /// Returns the key for remembered browsers.
    pub(crate) fn family_key(&self) -> &FamilyKey {
        &self.0.family_key
    }

    /// Returns the uses of auth tokens that are not written yet.
    pub(crate) fn token_uses(&self) -> &TokenUses {
        &self.0.token_uses
    }

    /// Returns the durations of the latest deliveries.
    pub(crate) fn delivery_times(&self) -> &DeliveryTimes {
        &self.0.delivery_times
    }

    /// Returns the rules by which codes are generated and checked.
    pub fn totp_rules(&self) -> TotpRules {
        self.0.totp_rules
    }

    pub(crate) fn wallet(&self) -> Option<Arc<Wallet>> {
        self.0.wallet.clone()
    }

    pub(crate) fn recovery_code_hasher(&self) -> &RecoveryCodeHasher {
        &self.0.recovery_codes
    }

    /// Runs work that takes as long as `hashes` password hashes on the hashing threads.
    pub(crate) async fn run_slow<T: Send + 'static>(
        &self,
        lane: HashLane,
        hashes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, FlowError> {
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let work = SlowComparison::new(move || tell.send(work()).is_ok());
        let work = work.as_long_as(u32::try_from(hashes).unwrap_or(u32::MAX));
        self.run_hash(lane, HashTask::Compare(work)).await?;
        told.try_recv().map_err(|_| FlowError::HashPool(HashPoolError::Stopped))
    }

    pub(crate) fn composer(&self) -> &dyn MailComposer {
        &*self.0.composer
    }

    pub(crate) fn ports(&self) -> &Ports {
        &self.0.ports
    }

    pub(crate) fn emit(&self, ctx: &Context, event: Event) {
        if !self.0.ports.events.is_empty() {
            let record = EventRecord::new(event, ctx);
            self.0.ports.events.iter().for_each(|sink| sink.emit(&record));
        }
    }

    pub(crate) fn new_uniquifier(&self) -> Result<Uniquifier, FlowError> {
        self.random().map(Uniquifier::from_random)
    }

    pub(crate) fn new_session_id(&self) -> Result<SessionId, FlowError> {
        self.random().map(SessionId::from_random)
    }

    pub(crate) fn new_outbox_id(&self) -> Result<OutboxId, FlowError> {
        let bytes: [u8; 16] = self.random()?;
        Ok(OutboxId(data_encoding::HEXLOWER.encode(&bytes)))
    }

    /// Hashes a normalized password with the configured scheme, on the hashing threads.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Busy`] if too many jobs are waiting already.
    pub async fn hash_password(&self, password: Secret) -> Result<PasswordHash, FlowError> {
        self.hash_in(HashLane::application(), password).await
    }

    /// Hashes a normalized password in the given lane.
    pub(crate) async fn hash_in(
        &self,
        lane: HashLane,
        password: Secret,
    ) -> Result<PasswordHash, FlowError> {
        let salt = self.random()?;
        match self.run_hash(lane, HashTask::Create { password, salt }).await? {
            HashAnswer::Created(hash) => Ok(hash),
            HashAnswer::Refused(refusal) => Err(FlowError::Unhashable(refusal)),
            HashAnswer::Verified(_) | HashAnswer::VerifiedBoth(_) => {
                Err(FlowError::HashPool(HashPoolError::Stopped))
            }
        }
    }

    /// Verifies a normalized password against a stored hash, on the hashing threads. Without a hash
    /// it does the same work and does not match.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Busy`] if too many jobs are waiting already.
    pub async fn verify_password(
        &self,
        password: Secret,
        stored: Option<PasswordHash>,
    ) -> Result<Verification, FlowError> {
        self.verify_in(HashLane::application(), password, stored).await
    }

    /// Verifies a normalized password in the given lane.
    pub(crate) async fn verify_in(
        &self,
        lane: HashLane,
        password: Secret,
        stored: Option<PasswordHash>,
    ) -> Result<Verification, FlowError> {
        let (exists, stored) = (stored.is_some(), self.hash_or_nobodys(stored));
        match self.run_hash(lane, HashTask::Verify { password, stored }).await? {
            HashAnswer::Verified(verification) => {
                Ok(Some(verification).filter(|_| exists).unwrap_or_default())
            }
            _ => Err(FlowError::HashPool(HashPoolError::Stopped)),
        }
    }

    /// Verifies two forms of a password, always both.
    pub(crate) async fn verify_both_in(
        &self,
        lane: HashLane,
        spellings: [Secret; 2],
        stored: Option<PasswordHash>,
    ) -> Result<[Verification; 2], FlowError> {
        let (exists, stored) = (stored.is_some(), self.hash_or_nobodys(stored));
        match self.run_hash(lane, HashTask::VerifyBoth { spellings, stored }).await? {
            HashAnswer::VerifiedBoth(verifications) => {
                Ok(Some(verifications).filter(|_| exists).unwrap_or_default())
            }
            _ => Err(FlowError::HashPool(HashPoolError::Stopped)),
        }
    }

    /// Returns the stored hash. Without one, returns a hash in memory of its own as well, so that
    /// the next request finds the memory in the same state.
    fn hash_or_nobodys(&self, stored: Option<PasswordHash>) -> PasswordHash {
        stored.unwrap_or_else(|| self.0.hasher.hash_of_nobody().clone())
    }

    /// Checks the binding of a token. Slow comparisons run on the hashing threads.
    pub(crate) async fn check_binding(
        &self,
        lane: HashLane,
        slow: bool,
        bound: impl FnOnce() -> bool + Send + 'static,
    ) -> Result<bool, FlowError> {
        if !slow {
            return Ok(bound());
        }
        match self.run_hash(lane, HashTask::Compare(SlowComparison::new(bound))).await? {
            HashAnswer::Verified(verification) => Ok(verification.matched),
            _ => Ok(false),
        }
    }

    async fn run_hash(&self, lane: HashLane, task: HashTask) -> Result<HashAnswer, FlowError> {
        let job = HashJob { hasher: Arc::clone(&self.0.hasher), lane, task };
        self.0.ports.hash_pool.run(job).await.map_err(FlowError::from)
    }

    /// Returns the HMAC that replaces a password before it is hashed (Flask-Security's `get_hmac`):
    /// base64 of HMAC-SHA512 under the pepper. Returns `None` without a pepper.
    pub fn password_hmac(&self, password: &Secret) -> Option<Secret> {
        self.0.hasher.password_hmac(password)
    }
}

/// Returns the mistakes of ports that the configuration requires and that are missing.
fn missing_ports(config: &Config, ports: &Ports) -> Vec<ConfigError> {
    let mut missing = Vec::new();
    if config.password.breached.is_some() && ports.breaches.is_none() {
        missing.push(ConfigError::new(
            "password.breached",
            "is set, but no list of breached passwords is connected",
            "give Ports::breaches one, or leave it out",
        ));
    }
    let two_factor = config.two_factor.as_ref().map(|rules| &rules.methods);
    let unified = config.unified.as_ref().map(|rules| &rules.methods);
    let texts = [
        ("two_factor", two_factor.is_some_and(|all| all.contains(&CodeMethod::Sms))),
        ("unified", unified.is_some_and(|all| all.contains(&SignInMethod::Code(CodeMethod::Sms)))),
    ];
    for (which, _) in texts.into_iter().filter(|(_, asked)| *asked && ports.sms.is_none()) {
        missing.push(ConfigError::new(
            format!("{which}.methods"),
            "names \"sms\", but nothing sends text messages",
            "give Ports::sms a sender, or leave \"sms\" out",
        ));
    }
    missing
}

/// Returns the errors of a configuration that needs a feature which this build leaves out.
fn missing_features(config: &Config) -> Vec<ConfigError> {
    let mut missing = Vec::new();
    if config.password.complexity.is_some() && !cfg!(feature = "password-strength") {
        missing.push(ConfigError::new(
            "password.complexity",
            "is set, but nothing estimates passwords",
            "enable the feature `password-strength`, or leave it out",
        ));
    }
    let identities = config.identities.order.iter();
    let needs_phones = identities.map(|rule| rule.attribute).any(|a| a == IdentityAttribute::Phone)
        || config.two_factor.as_ref().is_some_and(|rules| rules.methods.contains(&CodeMethod::Sms))
        || config
            .unified
            .as_ref()
            .is_some_and(|rules| rules.methods.contains(&SignInMethod::Code(CodeMethod::Sms)));
    // An application may read numbers by itself, so the reader is asked.
    let reads = || config.readers.phone.normalise(Region::default(), "+14155550123").is_ok();
    if needs_phones && !cfg!(feature = "phone") && !reads() {
        missing.push(ConfigError::new(
            "readers.phone",
            "reads no phone numbers, but they are used",
            "enable the feature `phone`, or give it a reader of your own",
        ));
    }
    missing
}

impl fmt::Debug for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Security(..)")
    }
}
