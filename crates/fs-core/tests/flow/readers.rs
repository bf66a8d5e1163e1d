//! Tests of an application's own rules for typed identities.

use std::sync::Arc;

use fs_core::config::{CodeMethod, SignInMethod, Unified};
use fs_core::flow::{
    Credentials, NewAccount, Problem, RegisterOutcome, RegistrationForm, ResetRequestOutcome,
    SetupOutcome, SignInOutcome,
};
use fs_core::identity::{
    EmailAddress, EmailProblem, EmailRules, IdentityAttribute, IdentityRule, PhoneNumber, Region,
    Username, UsernameRules, normalise_email,
};
use fs_core::message::{Message, MessageKey};
use fs_core::password::{BreachFinding, PasswordRules};
use fs_core::reading::{ReadEmail, ReadPassword, ReadPhone, ReadUsername};
use fs_core::secret::Secret;
use fs_core::session::Session;
use fs_testkit::site::{PASSWORD, Setup, Site};

use crate::send_limits::Telephone;

/// Rule that converts to lower case, and restricts new accounts to one company.
struct Colleagues;

impl ReadEmail for Colleagues {
    fn normalise(&self, rules: &EmailRules, typed: &str) -> Result<EmailAddress, EmailProblem> {
        let address = normalise_email(rules, typed.trim())?.into_string();
        Ok(EmailAddress::unchecked(address.to_lowercase()))
    }

    fn validate(&self, rules: &EmailRules, typed: &str) -> Result<EmailAddress, Message> {
        let address = self.normalise(rules, typed);
        let address = address.map_err(|_| Message::from(MessageKey::InvalidEmailAddress))?;
        match address.as_str().ends_with("@otter.test") {
            true => Ok(address),
            false => Err(Message::words("Use your address at work.")),
        }
    }
}

/// Rule for names that begin with a tilde, which is not stored.
struct Tilde;

impl ReadUsername for Tilde {
    fn normalise(&self, _: &UsernameRules, typed: &str) -> Option<String> {
        typed.strip_prefix('~').map(str::to_owned)
    }

    fn validate(&self, rules: &UsernameRules, typed: &str) -> Result<Option<Username>, Message> {
        let name = self.normalise(rules, typed);
        let name = name.ok_or_else(|| Message::words("Begin with a tilde."))?;
        Ok(Some(Username::unchecked(name)))
    }
}

/// Rule for the extensions of a telephone system.
struct Extensions;

impl ReadPhone for Extensions {
    fn normalise(&self, _: Region, typed: &str) -> Result<PhoneNumber, Message> {
        match typed.len() == 4 && typed.bytes().all(|byte| byte.is_ascii_digit()) {
            true => Ok(PhoneNumber::unchecked(format!("+15550{typed}"))),
            false => Err(Message::words("Four digits.")),
        }
    }
}

/// Rule that ignores case, and forbids "otter".
struct Lenient;

impl ReadPassword for Lenient {
    fn normalise(&self, rules: &PasswordRules, typed: &str) -> Secret {
        rules.normalise(&typed.to_lowercase())
    }

    fn validate(
        &self,
        _: &PasswordRules,
        password: &Secret,
        _: &[&str],
        _: BreachFinding,
    ) -> Result<(), Vec<Message>> {
        match password.expose().contains("otter") {
            true => Err(vec![Message::words("No otters."), Message::words("Really.")]),
            false => Ok(()),
        }
    }
}

fn site() -> Site {
    let mut setup = Setup::standard();
    let by = |attribute| IdentityRule { attribute, ignore_case: true };
    setup.config.usernames = true;
    setup.config.identities.order =
        vec![by(IdentityAttribute::Email), by(IdentityAttribute::Username)];
    let methods = vec![SignInMethod::Code(CodeMethod::Sms)];
    let mut rules = Unified::default();
    rules.methods = methods;
    setup.config.unified = Some(rules);
    setup.sms = Some(Arc::new(Telephone::default()));
    setup.config.readers.email = Arc::new(Colleagues);
    setup.config.readers.username = Arc::new(Tilde);
    setup.config.readers.phone = Arc::new(Extensions);
    setup.config.readers.password = Arc::new(Lenient);
    setup.build()
}

async fn register(site: &Site, email: &str, username: &str, password: &str) -> RegisterOutcome {
    let mut form = RegistrationForm::new(email);
    form.username = Some(username.to_owned());
    form.password = Some(password.into());
    form.fields = serde_json::Map::new();
    site.core().accounts().register(&site.context(), &mut Session::default(), form).await.unwrap()
}

fn words(problems: &[Problem]) -> Vec<(&str, &str)> {
    let words = |problem: &Problem| problem.message.words.clone();
    problems
        .iter()
        .map(|problem| (&*problem.field, words(problem).unwrap_or_default().leak() as &str))
        .collect()
}

#[tokio::test]
async fn addresses_and_names_are_read_as_the_application_says() {
    let site = site();
    let RegisterOutcome::Refused(problems) = register(&site, "ann@site.test", "ann", "lamp").await
    else {
        panic!("it is accepted")
    };
    let wrong = [("email", "Use your address at work."), ("username", "Begin with a tilde.")];
    assert_eq!(words(&problems), wrong);

    let done = register(&site, " ANN@Otter.test ", "~ann", "lamp").await;
    assert!(matches!(done, RegisterOutcome::Done(_)), "{done:?}");
    let ann = site.user("ann@otter.test").await.expect("the address in one spelling");
    assert_eq!(ann.username.as_deref(), Some("ann"));

    let core = site.core();
    for typed in ["Ann@OTTER.test", "~ann"] {
        let found = core.accounts().find_by_identity(typed).await.unwrap();
        assert_eq!(found.map(|user| user.id.clone()), Some(ann.id.clone()), "{typed}");
    }
    // Stored values are found as they are, whatever the rule for typed names.
    assert!(core.accounts().find_by_identity("ann").await.unwrap().is_some());
    assert!(core.accounts().find_by_email("ANN@otter.test ").await.unwrap().is_some());
    site.mails().await;
    let mut new = NewAccount::new(" BOB@otter.test");
    new.confirmed = true;
    core.admin().create_user(&site.context(), new).await.unwrap();
    let asked = core.accounts().request_reset(&site.context(), "Bob@Otter.test ").await.unwrap();
    assert!(matches!(asked, ResetRequestOutcome::Sent { .. }));
    assert_eq!(site.mails().await.len(), 1, "the account is found by any spelling");
}

#[tokio::test]
async fn passwords_are_read_as_the_application_says() {
    let site = site();
    let refused = register(&site, "ann@otter.test", "~ann", "My Otter").await;
    let RegisterOutcome::Refused(problems) = refused else { panic!("it is accepted") };
    assert_eq!(words(&problems), [("password", "No otters."), ("password", "Really.")]);

    let mut new = NewAccount::new("bob@otter.test");
    new.password = Some("Short".into());
    new.confirmed = true;
    site.core().admin().create_user(&site.context(), new).await.unwrap();
    for (password, right) in [("sHORT", true), (PASSWORD, false)] {
        let credentials = Credentials::new("bob@otter.test", password.into());
        let mut session = Session::default();
        let outcome =
            site.core().sign_in().with_password(&site.context(), &mut session, credentials).await;
        assert_eq!(matches!(outcome.unwrap(), SignInOutcome::Done { .. }), right, "{password}");
    }
}

#[tokio::test]
async fn numbers_are_read_as_the_application_says() {
    let site = site();
    let mut new = NewAccount::new("bob@otter.test");
    new.confirmed = true;
    let bob = site.core().admin().create_user(&site.context(), new).await.unwrap();
    let set_up = async |phone| {
        site.core()
            .sign_in_methods()
            .set_up(&site.context(), &bob, CodeMethod::Sms, phone)
            .await
            .unwrap()
    };
    let SetupOutcome::Refused(problem) = set_up("+14155550123").await else {
        panic!("it is accepted")
    };
    assert_eq!(words(&[problem]), [("phone", "Four digits.")]);
    // No SMS sender is configured; the number itself was accepted.
    assert!(!matches!(set_up("0123").await, SetupOutcome::Refused(_)));
}
