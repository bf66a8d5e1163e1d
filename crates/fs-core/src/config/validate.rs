//! Validation of the configuration as a whole.

use super::extra_field::ExtraField;
use super::{CodeMethod, Config, ConfigError, ConfigErrors, Disclosure, SignInMethod, TokenFormat};
use crate::identity::{IdentityAttribute, IdentityRule};
use crate::message::Language;
use crate::second_factor::FactorKind;

impl Config {
    /// Returns all errors of this configuration.
    pub fn errors(&self) -> ConfigErrors {
        let mut found = Vec::new();
        let mut wrong = |when: bool, path: &str, problem: &str, remedy: &str| {
            if when {
                found.push(ConfigError::new(path, problem, remedy));
            }
        };
        wrong(
            self.signing_keys.is_empty(),
            "signing_keys",
            "is empty",
            "give at least one random key of 32 bytes or more, kept outside of the source \
             (openssl rand -hex 32)",
        );
        let strict = self.disclosure == Disclosure::Generic;
        // A migrated application keeps its key, and may learn its address from `Host`.
        let native = strict || self.token_format == TokenFormat::Native;
        wrong(
            self.signing_keys.iter().any(|key| key.expose().len() < if native { 32 } else { 1 }),
            "signing_keys",
            "has a key of less than 32 bytes",
            "use 32 random bytes or more for every key (openssl rand -hex 32)",
        );
        wrong(
            self.languages.is_empty(),
            "languages",
            "is empty",
            "name at least one language, such as \"en\"",
        );
        let tags: std::collections::BTreeSet<_> =
            self.languages.iter().map(Language::tag).collect();
        wrong(
            tags.len() < self.languages.len(),
            "languages",
            "names one language more than once",
            "name each language once",
        );
        wrong(
            self.identities.order.is_empty(),
            "identities.order",
            "is empty, so nobody can sign in",
            "name at least one attribute, such as email",
        );
        wrong(
            native && self.base_url.is_none() && self.sends_links(),
            "base_url",
            "is not set, but links in mails need it",
            "set the public address of the application, such as https://example.org",
        );
        // Without the value, which may hold a password.
        wrong(
            self.base_url.as_deref().is_some_and(|url| !is_base_url(url)),
            "base_url",
            "is not an address that links can begin with",
            "write http:// or https:// and a host, without a path and without a slash at the end",
        );
        let by_name = |rule: &IdentityRule| rule.attribute == IdentityAttribute::Username;
        wrong(
            strict && !self.usernames && self.identities.order.iter().any(by_name),
            "identities.order",
            "names the username, but usernames is off",
            "set usernames to true, or leave the username out",
        );
        wrong(
            strict && self.registration.is_some() && self.confirmation.is_none(),
            "registration",
            "without confirmation reveals which addresses have accounts",
            "set confirmation, or disclosure to Explicit",
        );
        wrong(
            self.token_format != TokenFormat::Native
                && self.recovery.as_ref().is_some_and(|rules| rules.confirms),
            "recovery.confirms",
            "needs links that are bound to their address",
            "set token_format to Native, or recovery.confirms to false",
        );
        let without = self.confirmation.as_ref().is_some_and(|rules| rules.sign_in_without);
        wrong(
            without && self.recovery.as_ref().is_some_and(|rules| rules.confirms),
            "recovery.confirms",
            "is for accounts that nobody has used, but confirmation.sign_in_without lets the person \
             who created the account set up a way in first",
            "set one of them to false",
        );
        let codes = self.two_factor.as_ref().and_then(|rules| rules.recovery_codes);
        wrong(
            codes.is_some_and(|count| !(1..=100).contains(&count)),
            "two_factor.recovery_codes",
            "is not from 1 to 100",
            "write a number of codes, or leave it out for none",
        );
        wrong(
            (strict || self.freshness.grace_limit.is_some())
                && self.freshness.within.is_some_and(|within| within.is_zero()),
            "freshness.within",
            "is zero: no sign-in is ever that recent, and a grace period would let the second \
             request pass without a proof",
            "write for how long a proof counts, such as a minute with a grace of zero",
        );
        wrong(
            strict && without,
            "confirmation.sign_in_without",
            "signs new accounts in at once, which reveals which addresses have none",
            "set it to false, or disclosure to Explicit",
        );
        if !is_mailbox(&self.mail.from) {
            let remedy = "write one address, such as no-reply@example.org, or Otter Box \
                          <no-reply@example.org>";
            let error = ConfigError::new("mail.from", "is not a mail address", remedy);
            found.push(error.with_value(format!("{:?}", self.mail.from)));
        }
        if !self.mail.text && !self.mail.html {
            let problem = "and mail.html are false, so mails are empty";
            found.push(ConfigError::new("mail.text", problem, "set one of them to true"));
        }
        if let Some(registration) = &self.registration {
            let own = ["email", "username", "password", "password_confirm", "next"];
            found.extend(ExtraField::errors("registration.fields", &registration.fields, &own));
        }
        found.extend(self.one_kind_errors(true));
        found.extend(self.hashing.errors());
        found.extend(self.password.errors());
        found.extend(self.totp.errors());
        ConfigErrors(found)
    }

    /// Returns an error for each second factor that is useless, because every first factor is of
    /// the same kind. `sign_in_page` says whether there is a sign-in page for passwords or links
    /// besides unified sign-in. [`Security::new`](crate::Security::new) assumes that there is one;
    /// call this again if there is none.
    pub fn one_kind_errors(&self, sign_in_page: bool) -> Vec<ConfigError> {
        let Some(rules) = self.two_factor.as_ref().filter(|rules| rules.strict) else {
            return Vec::new();
        };
        let unified = self.unified.iter().flat_map(|unified| &unified.methods);
        let mut first: Vec<_> = unified.map(|method| FactorKind::of(*method)).collect();
        // Links take the place of passwords at the sign-in page.
        let of_page = match self.sign_in_links {
            Some(_) => FactorKind::Mailbox,
            None => FactorKind::Password,
        };
        first.extend(sign_in_page.then_some(of_page));
        let alone =
            |method: &&CodeMethod| first.iter().all(|kind| *kind == FactorKind::of_code(**method));
        let named = rules.methods.iter().filter(alone).map(|method| {
            let problem =
                "is of the same kind as the only way to sign in, and both count as one factor";
            let remedy = "leave it out, add another way to unified.methods, or set \
                          two_factor.strict to false";
            let value = format!("{:?}", method.name());
            ConfigError::new("two_factor.methods", problem, remedy).with_value(value)
        });
        named.collect()
    }

    fn sends_links(&self) -> bool {
        let code = SignInMethod::Code(CodeMethod::Email);
        self.confirmation.is_some()
            || self.recovery.is_some()
            || self.sign_in_links.is_some()
            || self.unified.as_ref().is_some_and(|unified| unified.methods.contains(&code))
    }
}

/// Checks whether the text is a valid sender: an address, or a name and an address in angle
/// brackets. A name with special characters must be quoted.
fn is_mailbox(text: &str) -> bool {
    const SIGNS: &str = "<>,;:@\"()[]\\";
    let text = text.trim();
    let (name, address) = match text.strip_suffix('>').and_then(|named| named.rsplit_once('<')) {
        Some((name, address)) => (name.trim(), address),
        None => ("", text),
    };
    let quoted = name.len() > 1 && name.starts_with('"') && name.ends_with('"');
    let plain = |text: &str| !text.contains(|sign: char| SIGNS.contains(sign));
    let word = |text: &str| !text.is_empty() && plain(text) && !text.contains(char::is_whitespace);
    !text.contains(char::is_control)
        && (quoted || plain(name))
        && address.split_once('@').is_some_and(|(local, domain)| word(local) && word(domain))
}

fn is_base_url(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| {
        !host.is_empty() && !host.contains(['/', '?', '#', '\\', '@', ' ', '\r', '\n'])
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{SignInLinks, Unified};
    use super::*;

    fn complaints(change: impl FnOnce(&mut Config), mut config: Config, about: &str) -> usize {
        change(&mut config);
        config.errors().0.iter().filter(|error| error.to_string().starts_with(about)).count()
    }

    #[test]
    fn fresh_within_no_time_is_refused_where_it_would_ask_for_no_proof() {
        let about = "freshness.within";
        let zero = |config: &mut Config| config.freshness.within = Some(Duration::ZERO);
        assert_eq!(complaints(zero, Config::default(), about), 1);
        let explicit = Config { disclosure: Disclosure::Explicit, ..Config::default() };
        assert_eq!(complaints(zero, explicit, about), 1);
        assert_eq!(complaints(zero, Config::flask_security_4(), about), 0);
        let second = |config: &mut Config| config.freshness.within = Some(Duration::from_secs(1));
        assert_eq!(complaints(second, Config::default(), about), 0);
    }

    #[test]
    fn mails_are_from_one_address() {
        let about = |from: &str| {
            let from = from.to_owned();
            complaints(|config| config.mail.from = from, Config::default(), "mail.from")
        };
        for from in [
            "no-reply@localhost",
            "Otter Box <no-reply@site.test>",
            "\"Otter, Inc.\" <no-reply@site.test>",
            "<no-reply@site.test>",
        ] {
            assert_eq!(about(from), 0, "{from}");
        }
        for from in [
            "",
            "no reply",
            "@site.test",
            "no-reply@",
            "a@site.test, b@site.test",
            "Otter, Inc. <no-reply@site.test>",
            "Otter <no-reply>",
            "no-reply@site.test\r\nBcc: eve@evil.test",
            "a b@site.test",
        ] {
            assert_eq!(about(from), 1, "{from:?}");
        }
    }

    #[test]
    fn codes_are_such_as_apps_can_make_and_all_mistakes_are_told_at_once() {
        let settings = |digits, seconds| {
            move |config: &mut Config| {
                config.totp.digits = digits;
                config.totp.period = Duration::from_secs(seconds);
            }
        };
        let found = |digits, seconds, about| {
            complaints(settings(digits, seconds), Config::default(), about)
        };
        for (digits, seconds, wrong) in [(6, 30, [0, 0]), (8, 60, [0, 0]), (5, 30, [1, 0])] {
            assert_eq!(
                [found(digits, seconds, "totp.digits"), found(digits, seconds, "totp.period")],
                wrong
            );
        }
        assert_eq!([found(9, 14, "totp.digits"), found(9, 14, "totp.period")], [1, 1]);
        let half = |config: &mut Config| config.totp.period = Duration::from_millis(30_500);
        assert_eq!(complaints(half, Config::default(), "totp.period"), 1);
    }

    #[test]
    fn secrets_that_flask_security_reads_are_of_its_codes() {
        let eight = |config: &mut Config| config.totp.digits = 8;
        assert_eq!(complaints(eight, Config::flask_security_4(), "totp.format"), 1);
        assert_eq!(complaints(eight, Config::default(), "totp.format"), 0);
        assert_eq!(complaints(|_| (), Config::flask_security_4(), "totp.format"), 0);
    }

    #[test]
    fn a_reset_proves_an_address_where_nobody_could_come_in_before() {
        let about = "recovery.confirms";
        let without = |config: &mut Config| {
            config.confirmation.as_mut().unwrap().sign_in_without = true;
        };
        assert_eq!(complaints(without, Config::default(), about), 1);
        let neither = |config: &mut Config| {
            without(config);
            config.recovery.as_mut().unwrap().confirms = false;
        };
        assert_eq!(complaints(neither, Config::default(), about), 0);
        let theirs = |config: &mut Config| config.token_format = TokenFormat::Itsdangerous;
        assert_eq!(complaints(theirs, Config::default(), about), 1);
        assert_eq!(complaints(|_| (), Config::flask_security_4(), about), 0);
    }

    #[test]
    fn a_second_factor_of_the_same_kind_as_every_first_one_is_a_mistake() {
        let about = "two_factor.methods = \"email\"";
        let rules = SignInLinks { within: Duration::from_secs(60), once: true, unconfirmed: false };
        let links = |config: &mut Config| {
            config.sign_in_links = Some(rules.clone());
            let methods = &mut config.two_factor.as_mut().unwrap().methods;
            *methods = vec![CodeMethod::Email, CodeMethod::Authenticator];
        };
        assert_eq!(complaints(links, Config::default(), about), 1);
        let unified = |config: &mut Config| {
            links(config);
            config.unified = Some(Unified::default());
        };
        assert_eq!(complaints(unified, Config::default(), about), 0);
        let by_mail = |config: &mut Config| {
            links(config);
            let methods = vec![SignInMethod::Code(CodeMethod::Email)];
            config.unified = Some(Unified { methods, ..Unified::default() });
        };
        assert_eq!(complaints(by_mail, Config::default(), about), 1);
        let lax = |config: &mut Config| {
            links(config);
            config.two_factor.as_mut().unwrap().strict = false;
        };
        assert_eq!(complaints(lax, Config::default(), about), 0);
        let passwords = |config: &mut Config| {
            config.two_factor.as_mut().unwrap().methods = vec![CodeMethod::Email];
        };
        assert_eq!(complaints(passwords, Config::default(), about), 0);
    }

    #[test]
    fn recovery_codes_are_some_but_not_many() {
        for (count, wrong) in
            [(None, 0), (Some(0), 1), (Some(1), 0), (Some(100), 0), (Some(101), 1)]
        {
            let set = |config: &mut Config| {
                config.two_factor.as_mut().unwrap().recovery_codes = count;
            };
            let found = complaints(set, Config::default(), "two_factor.recovery_codes");
            assert_eq!(found, wrong, "{count:?}");
        }
    }
}
