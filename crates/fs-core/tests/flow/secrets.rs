//! Tests that public types that hold secrets do not show them.

use std::fmt::Debug;
use std::sync::Arc;

use fs_core::Config;
use fs_core::config::FlaskKeys;
use fs_core::csrf::CsrfSecret;
use fs_core::flow::NewAccount;
use fs_core::model::{NewUser, PasswordHash, SealedSecret, SessionId, Uniquifier, UserField};
use fs_core::password::{HashAnswer, HashJob, HashLane, HashTask, PasswordHasher};
use fs_core::port::{
    Batch, Change, MailDraft, MailKind, OutboxEntry, OutboxId, OutboxMessage, OutgoingMessage,
    OutgoingSms, UserLookup,
};
use fs_core::recovery_code::RecoveryCodeHash;
use fs_core::secret::Secret;
use fs_core::session::Session;
use fs_core::token::{
    AuthToken, BindingSalt, ConfirmToken, RememberToken, ResetToken, SignInLinkToken,
};
use fs_testkit::site::{PASSWORD, Setup};

use crate::people::{
    ANN, NEW, PROFILES, credentials, mailed_token, new_password, refused, registration,
    remember_cookie,
};

/// All text that was shown, and all secrets that it must not contain.
#[derive(Default)]
struct Shown {
    text: String,
    secrets: Vec<String>,
}

impl Shown {
    fn show(&mut self, value: &impl Debug) {
        self.text += &format!("{value:?}\n{value:#?}\n");
    }

    fn hide(&mut self, secret: &str) {
        assert!(secret.len() >= 8);
        self.secrets.push(secret.to_owned());
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        for secret in &self.secrets {
            for line in self.text.lines() {
                assert!(!line.contains(secret.as_str()), "{secret} in {line}");
            }
        }
    }
}

#[tokio::test]
async fn outcomes_and_what_leads_to_them() {
    for setup in PROFILES {
        let mut shown = Shown::default();
        shown.hide(PASSWORD);
        shown.hide(NEW);
        let site = setup().build();
        let (core, ctx) = (site.core(), site.context());
        let mut session = Session::default();

        shown.show(&registration(ANN));
        shown.show(&core.accounts().register(&ctx, &mut session, registration(ANN)).await);
        let token = mailed_token(&site).await;
        shown.hide(&token);
        shown.show(
            &core
                .accounts()
                .confirm(&ctx, &mut session, None, None, &token, crate::people::chosen())
                .await,
        );
        shown.show(
            &core
                .accounts()
                .confirm(&ctx, &mut session, None, None, &token, crate::people::chosen())
                .await,
        );

        shown.show(&credentials());
        let signed_in =
            core.sign_in().with_password(&ctx, &mut session, credentials()).await.unwrap();
        shown.show(&signed_in);
        let fs_core::flow::SignInOutcome::Done { remember, .. } = &signed_in else {
            refused(signed_in)
        };
        let cookie = remember_cookie(remember);
        shown.show(remember);
        shown.hide(cookie);
        shown.show(&session);
        let user = site.user(ANN).await.unwrap();
        shown.show(&core.sessions().verify(&ctx, &mut session, &user, &PASSWORD.into()).await);
        let new = new_password(NEW);
        shown.show(&new);
        let old = PASSWORD.into();
        let cookie = Some(cookie);
        shown.show(
            &core.accounts().change_password(&ctx, &mut session, &user, &old, new, cookie).await,
        );

        shown.show(&core.accounts().request_reset(&ctx, ANN).await);
        shown.show(&core.accounts().send_confirmation(&ctx, ANN).await);
        site.clock.advance(std::time::Duration::from_secs(1));
        let mail = site.mails().await;
        shown.show(&mail);
        let _ = core.accounts().request_reset(&ctx, ANN).await;
        let token = mailed_token(&site).await;
        shown.hide(&token);
        shown.show(&core.accounts().check_reset(&ctx, &token).await);
        let same = core
            .accounts()
            .reset_password(&ctx, &mut session, &token, new_password(PASSWORD))
            .await;
        shown.show(&same);
        shown.show(&core.sessions().authenticate(&ctx, &session).await);
        shown.show(&core.sign_in().check_credentials(&ctx, ANN, &PASSWORD.into()).await);
        shown.show(&core.accounts().check_new_password("password", &NEW.into(), &[]).await);

        let mut user = site.user(ANN).await.unwrap();
        let token = core.auth_tokens().issue(&ctx, &mut user).await.unwrap();
        shown.hide(token.expose());
        shown.show(&token);
        shown.show(&core.auth_tokens().authenticate(&ctx, token.expose()).await);
        let mut new = NewAccount::default();
        new.password = Some(PASSWORD.into());
        shown.show(&new);
        shown.show(&core.admin().create_user(&ctx, new).await);
        shown.show(&site.events.events());
        shown.show(core);

        let dump = site.dump().await;
        shown.show(&dump);
        if let Some(sign_in) = session.sign_in() {
            shown.hide(sign_in.id.as_str());
        }
        for user in dump.users {
            shown.hide(user.uniquifier.as_str());
            shown.hide(user.password.unwrap().expose());
        }
    }
}

#[test]
fn values_of_the_model_and_of_the_ports() {
    let mut shown = Shown::default();
    let secret = "a secret of the test";
    shown.hide(secret);
    let mut user = NewUser::new(ANN, Uniquifier::new(secret));
    user.password = Some(PasswordHash::new(secret));
    user.token_uniquifier = Some(Uniquifier::new(secret));
    user.second_factor.totp_secret = Some(SealedSecret::new(secret));
    user.sign_in_secrets.insert("sms".to_owned(), SealedSecret::new(secret));
    let digest = RecoveryCodeHash::from_bytes(*b"32 octets: a digest of the test.");
    user.recovery_codes = vec![digest.clone()];
    shown.hide(&digest.to_text());
    let set = vec![
        UserField::RecoveryCodes(user.recovery_codes.clone()),
        UserField::Password(user.password.clone()),
        UserField::Uniquifier(user.uniquifier.clone()),
        UserField::TokenUniquifier(user.token_uniquifier.clone()),
        UserField::SecondFactor(user.second_factor.clone()),
        UserField::SignInSecrets(user.sign_in_secrets.clone()),
    ];
    let mail = fs_core::port::OutgoingMail {
        template: "welcome".to_owned(),
        to: ANN.to_owned(),
        from: "site@site.test".to_owned(),
        subject: secret.to_owned(),
        text: Some(secret.to_owned()),
        html: Some(secret.to_owned()),
    };
    let id = OutboxId("1".to_owned());
    let message = OutgoingMessage::Mail(mail);
    shown.show(&OutboxMessage { id: id.clone(), message: message.clone(), attempts: 1 });
    let sms = OutgoingSms { to: "+41446681800".to_owned(), text: secret.into() };
    shown.show(&OutgoingMessage::Sms(sms));
    let at = fs_core::Timestamp::EPOCH;
    let uniquifier = user.uniquifier.clone();
    let batch = Batch::from(Change::InsertUser(Box::new(user)))
        .and(Change::UpdateUser {
            user: fs_core::model::UserId::new("1"),
            expect: set.clone(),
            set,
        })
        .and(Change::EndSession(SessionId::new(secret).key()))
        .and(Change::EndSessionsOf { uniquifier: uniquifier.clone(), except: None })
        .and(Change::Enqueue(Box::new(OutboxEntry { id, message, at })));
    shown.show(&batch);
    shown.show(&UserLookup::Uniquifier(uniquifier.clone()));
    shown.show(&UserLookup::TokenUniquifier(uniquifier));
    let within = std::time::Duration::from_secs(1);
    let kinds = [
        MailKind::Welcome { confirmation: Some((secret, within)) },
        MailKind::ConfirmationInstructions { token: secret, within },
        MailKind::ResetInstructions { token: secret, within },
    ];
    for kind in kinds {
        let language = &fs_core::message::Language::english();
        shown.show(&MailDraft { kind, to: ANN, username: ANN, base_url: "", language });
    }
    shown.show(&Secret::from(secret));
    shown.show(&CsrfSecret::from_random(*b"a secret of the test"));
}

#[test]
fn hashing_jobs() {
    let mut shown = Shown::default();
    shown.hide(PASSWORD);
    let setup = Setup::standard();
    let hasher = Arc::new(PasswordHasher::new(setup.config.hashing).unwrap());
    let password = || Secret::from(PASSWORD);
    let stored = || PasswordHash::new(PASSWORD);
    for task in [
        HashTask::Create { password: password(), salt: [0; 16] },
        HashTask::Verify { password: password(), stored: stored() },
    ] {
        let lane = HashLane::application();
        shown.show(&HashJob { hasher: Arc::clone(&hasher), lane, task });
    }
    shown.show(&HashAnswer::Created(stored()));
    let valid = futures::executor::block_on(async {
        let site = Setup::standard().build();
        site.core().accounts().check_new_password("password", &password(), &[]).await.unwrap()
    });
    shown.show(&valid);
}

#[test]
fn configurations() {
    let mut shown = Shown::default();
    let (key, pepper) = ("the signing key, long enough for it", "the pepper of the test");
    shown.hide(key);
    shown.hide(pepper);
    let keys = [("SECRET_KEY", key), ("SECURITY_PASSWORD_SALT", pepper)];
    let keys = keys.map(|(name, value)| (name.to_owned(), value.into()));
    let mut keys = FlaskKeys::from_map(keys);
    shown.show(&keys);
    let config = Config::from_flask(&mut keys);
    shown.show(&config);
    shown.show(&fs_core::token::SigningKeys::new(config.signing_keys.clone()));
    shown.show(&keys.finish());
}

#[test]
fn tokens_that_were_read() {
    for setup in PROFILES {
        let mut shown = Shown::default();
        let site = setup().build();
        let (signer, now) = (site.core().tokens(), site.core().now());
        let name = Uniquifier::new("the uniquifier of Ann");
        shown.hide(name.as_str());
        let (day, salt) = (std::time::Duration::from_secs(86_400), BindingSalt([7; 12]));
        let remember = RememberToken::issue(signer, name.as_str(), now);
        let auth = AuthToken::issue(signer, &name, now);
        let confirm = ConfirmToken::issue(signer, &name, ANN, salt, now);
        let reset = ResetToken::issue(signer, &name, "ann@site.test", None, salt, now);
        let link = SignInLinkToken::issue(signer, &name, ANN, now);
        for token in [&remember, &auth, &confirm, &reset, &link] {
            shown.hide(token.expose());
            shown.show(token);
        }
        shown.show(&RememberToken::verify(signer, remember.expose(), now, day).unwrap());
        shown.show(&AuthToken::verify(signer, auth.expose(), now, Some(day)).unwrap());
        shown.show(&ConfirmToken::verify(signer, confirm.expose(), now, day).unwrap());
        shown.show(&ResetToken::verify(signer, reset.expose(), now, day).unwrap());
        shown.show(&SignInLinkToken::verify(signer, link.expose(), now, day).unwrap());
        shown.show(signer);
        shown.show(site.core().sealer());
        shown.show(site.core().csrf());
    }
}
