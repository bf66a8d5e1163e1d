//! Fault injection at every port call of users' operations on their accounts.

use std::time::Duration;

use fs_core::authn::AuthOutcome;
use fs_core::flow::{
    ChangeOutcome, ConfirmOutcome, FlowError, RegisterOutcome, RememberChange, ResetOutcome,
    ResetRequestOutcome, SendConfirmationOutcome, SignInOutcome, VerifyOutcome,
};
use fs_core::model::User;
use fs_core::session::Session;
use fs_testkit::site::{PASSWORD, Setup, Site};

use crate::every_fault::every_fault;
use crate::people::{
    ANN, NEW, PROFILES, credentials, mailed_token, new_password, refused, register_ann,
    registration, remember_cookie, sign_ann_in,
};

const YEAR: Duration = Duration::from_secs(366 * 86_400);

pub(crate) async fn add_ann(site: &Site, _: &mut Session) -> User {
    site.add_user(ANN).await
}

async fn add_unconfirmed_ann(site: &Site, _: &mut Session) {
    register_ann(site).await;
}

async fn register(site: &Site, session: &mut Session) -> Result<(), FlowError> {
    match site.core().accounts().register(&site.context(), session, registration(ANN)).await? {
        RegisterOutcome::Done(_) => Ok(()),
        other => refused(other),
    }
}

async fn sign_in(site: &Site, session: &mut Session) -> Result<(), FlowError> {
    match site.core().sign_in().with_password(&site.context(), session, credentials()).await? {
        SignInOutcome::Done { .. } => Ok(()),
        other => refused(other),
    }
}

async fn signed_in_ann(site: &Site, session: &mut Session) -> (User, RememberChange) {
    let user = site.add_user(ANN).await;
    let remember = sign_ann_in(site, session).await;
    (user, remember)
}

async fn ann_with_reset_token(site: &Site, session: &mut Session) -> String {
    add_ann(site, session).await;
    let _ = site.core().accounts().request_reset(&site.context(), ANN).await.unwrap();
    mailed_token(site).await
}

#[tokio::test]
async fn registering() {
    for setup in PROFILES {
        every_fault(
            setup,
            async |_, _| (),
            async |site, session, ()| register(site, session).await,
        )
        .await;
    }
    let run = async |site: &Site, session: &mut Session, _| register(site, session).await;
    every_fault(Setup::standard, add_ann, run).await;
}

#[tokio::test]
async fn asking_for_a_confirmation() {
    for setup in PROFILES {
        every_fault(setup, add_unconfirmed_ann, async |site, _, ()| {
            match site.core().accounts().send_confirmation(&site.context(), ANN).await? {
                SendConfirmationOutcome::Sent { .. } => Ok::<_, FlowError>(()),
                other => refused(other),
            }
        })
        .await;
    }
    every_fault(
        Setup::standard,
        async |_, _| (),
        async |site, _, ()| {
            site.core().accounts().send_confirmation(&site.context(), ANN).await.map(drop)
        },
    )
    .await;
}

#[tokio::test]
async fn confirming() {
    let link = async |site: &Site, session: &mut Session| {
        add_unconfirmed_ann(site, session).await;
        mailed_token(site).await
    };
    for setup in PROFILES {
        every_fault(setup, link, async |site, session, token: String| {
            let outcome = site
                .core()
                .accounts()
                .confirm(&site.context(), session, None, None, &token, crate::people::chosen())
                .await?;
            match outcome {
                ConfirmOutcome::Done { .. } => Ok::<_, FlowError>(()),
                other => refused(other),
            }
        })
        .await;
        every_fault(setup, link, async |site, session, token: String| {
            site.clock.advance(YEAR);
            let outcome = site
                .core()
                .accounts()
                .confirm(&site.context(), session, None, None, &token, crate::people::chosen())
                .await?;
            match outcome {
                ConfirmOutcome::Expired(_) => Ok::<_, FlowError>(()),
                other => refused(other),
            }
        })
        .await;
    }
}

#[tokio::test]
async fn confirming_in_the_browser_of_somebody_else() {
    let prepare = async |site: &Site, session: &mut Session| {
        let (current, remember) = signed_in_ann(site, session).await;
        let (ctx, bob) = (site.context(), registration("bob@site.test"));
        let _ = site.core().accounts().register(&ctx, &mut Session::default(), bob).await.unwrap();
        (current, remember, mailed_token(site).await)
    };
    for setup in PROFILES {
        every_fault(setup, prepare, async |site, session, (current, remember, token)| {
            let (ctx, cookie) = (site.context(), Some(remember_cookie(&remember)));
            let outcome = site
                .core()
                .accounts()
                .confirm(&ctx, session, Some(&current), cookie, &token, crate::people::chosen())
                .await?;
            match outcome {
                ConfirmOutcome::Done { signed_out: true, .. } => Ok::<_, FlowError>(()),
                other => refused(other),
            }
        })
        .await;
    }
}

#[tokio::test]
async fn signing_in() {
    for setup in PROFILES {
        let run = async |site: &Site, session: &mut Session, _| sign_in(site, session).await;
        every_fault(setup, add_ann, run).await;
        every_fault(setup, add_ann, async |site, session, user: User| {
            let ctx = site.context();
            let signed =
                site.core().sign_in().sign_in_user(&ctx, session, &user, Some(true), vec!["own"]);
            match signed.await? {
                SignInOutcome::Done { .. } => Ok::<_, FlowError>(()),
                other => refused(other),
            }
        })
        .await;
    }
}

#[tokio::test]
async fn restoring_a_remembered_browser() {
    for setup in PROFILES {
        let prepare = async |site: &Site, session: &mut Session| {
            let (_, remember) = signed_in_ann(site, session).await;
            *session = Session::default();
            remember
        };
        every_fault(setup, prepare, async |site, session, remember| {
            let cookie = remember_cookie(&remember);
            let restored =
                site.core().sessions().restore_remembered(&site.context(), session, cookie).await?;
            match restored.outcome {
                AuthOutcome::Authenticated(_) => Ok::<_, FlowError>(()),
                other => refused(other),
            }
        })
        .await;
    }
}

#[tokio::test]
async fn ending_a_family_whose_cookie_is_used_again() {
    let prepare = async |site: &Site, session: &mut Session| {
        let (_, remember) = signed_in_ann(site, session).await;
        let cookie = remember_cookie(&remember);
        let back = site
            .core()
            .sessions()
            .restore_remembered(&site.context(), session, cookie)
            .await
            .unwrap();
        assert!(back.outcome.is_authenticated());
        site.clock.advance(Duration::from_secs(61));
        *session = Session::default();
        remember
    };
    every_fault(Setup::standard, prepare, async |site, session, remember| {
        let cookie = remember_cookie(&remember);
        let restored =
            site.core().sessions().restore_remembered(&site.context(), session, cookie).await?;
        assert_eq!(restored.remember, RememberChange::Clear);
        Ok::<_, FlowError>(())
    })
    .await;
}

#[tokio::test]
async fn ending_auth_tokens() {
    let prepare = async |site: &Site, session: &mut Session| {
        let mut user = add_ann(site, session).await;
        for _ in 0..2 {
            let _ = site.core().auth_tokens().issue(&site.context(), &mut user).await.unwrap();
        }
        user
    };
    every_fault(Setup::standard, prepare, async |site, _, user| {
        let (core, ctx) = (site.core(), site.context());
        let tokens = core.auth_tokens().list(&ctx, &user).await?;
        assert!(core.auth_tokens().end(&ctx, &user, &tokens[0].id).await?);
        Ok::<_, FlowError>(())
    })
    .await;
    every_fault(Setup::standard, prepare, async |site, _, user| {
        site.core().auth_tokens().end_all(&site.context(), &user).await
    })
    .await;
}

#[tokio::test]
async fn signing_out() {
    for setup in PROFILES {
        every_fault(setup, signed_in_ann, async |site, session, (user, remember)| {
            let cookie = Some(remember_cookie(&remember));
            let done = site
                .core()
                .sessions()
                .sign_out(&site.context(), session, Some(&user), cookie)
                .await;
            done.map(drop)
        })
        .await;
    }
}

#[tokio::test]
async fn asking_for_a_reset() {
    for setup in PROFILES {
        every_fault(setup, add_ann, async |site, _, _| {
            match site.core().accounts().request_reset(&site.context(), ANN).await? {
                ResetRequestOutcome::Sent { .. } => Ok::<_, FlowError>(()),
                other => refused(other),
            }
        })
        .await;
    }
    every_fault(
        Setup::standard,
        async |_, _| (),
        async |site, _, ()| {
            site.core().accounts().request_reset(&site.context(), ANN).await.map(drop)
        },
    )
    .await;
}

#[tokio::test]
async fn resetting() {
    for setup in PROFILES {
        every_fault(setup, ann_with_reset_token, async |site, session, token: String| {
            let new = new_password(NEW);
            let outcome = site
                .core()
                .accounts()
                .reset_password(&site.context(), session, &token, new)
                .await?;
            match outcome {
                ResetOutcome::Done { .. } => Ok::<_, FlowError>(()),
                other => refused(other),
            }
        })
        .await;
        every_fault(setup, ann_with_reset_token, async |site, session, token: String| {
            site.clock.advance(YEAR);
            let new = new_password(NEW);
            let outcome = site
                .core()
                .accounts()
                .reset_password(&site.context(), session, &token, new)
                .await?;
            match outcome {
                ResetOutcome::Expired(_) => Ok::<_, FlowError>(()),
                other => refused(other),
            }
        })
        .await;
    }
}

#[tokio::test]
async fn changing_a_password() {
    for setup in PROFILES {
        every_fault(setup, signed_in_ann, async |site, session, (user, remember)| {
            let cookie = Some(remember_cookie(&remember));
            let (ctx, old, new) = (site.context(), PASSWORD.into(), new_password(NEW));
            let outcome = site
                .core()
                .accounts()
                .change_password(&ctx, session, &user, &old, new, cookie)
                .await?;
            match outcome {
                ChangeOutcome::Done { .. } => Ok::<_, FlowError>(()),
                other => refused(other),
            }
        })
        .await;
    }
}

#[tokio::test]
async fn proving_again_who_one_is() {
    for setup in PROFILES {
        every_fault(setup, signed_in_ann, async |site, session, (user, _)| {
            let outcome = site
                .core()
                .sessions()
                .verify(&site.context(), session, &user, &PASSWORD.into())
                .await?;
            match outcome {
                VerifyOutcome::Done => Ok::<_, FlowError>(()),
                other => refused(other),
            }
        })
        .await;
    }
}

#[tokio::test]
async fn using_auth_tokens() {
    let own = || {
        let mut setup = Setup::standard();
        setup.config.auth_tokens.own_uniquifier = true;
        setup
    };
    // The account is older than separate uniquifiers for tokens.
    let prepare = async |site: &Site, session: &mut Session| {
        use fs_core::model::UserField;
        use fs_core::port::Change;
        let mut user = add_ann(site, session).await;
        let set = vec![UserField::TokenUniquifier(None)];
        let change = Change::UpdateUser { user: user.id.clone(), expect: Vec::new(), set };
        site.core().store().commit(change.into()).await.unwrap();
        user.token_uniquifier = None;
        user
    };
    every_fault(own, prepare, async |site, _, mut user| {
        site.core().auth_tokens().issue(&site.context(), &mut user).await.map(drop)
    })
    .await;
    let prepare = async |site: &Site, session: &mut Session| {
        let mut user = add_ann(site, session).await;
        site.core().auth_tokens().issue(&site.context(), &mut user).await.unwrap()
    };
    every_fault(own, prepare, async |site, _, token| {
        match site.core().auth_tokens().authenticate(&site.context(), token.expose()).await? {
            Some(_) => Ok::<_, FlowError>(()),
            other => refused(other),
        }
    })
    .await;
}

/// Checks the only fault that is not an error: renewing the hash of a right password is postponed.
#[tokio::test]
async fn a_hash_that_cannot_be_renewed_now_keeps_nobody_out() {
    use fs_core::password::NewHash;
    use fs_testkit::calls::{Call, Fault, HashKind};

    let setup = || {
        let mut setup = Setup::standard();
        setup.config.hashing.create = NewHash::Bcrypt { cost: 10 };
        setup
    };
    // The hash uses the cheapest Argon2id, as another configuration would.
    let outdated = {
        let cheap = Setup::standard().build();
        cheap.add_user(ANN).await.password
    };
    for number in 0..5 {
        let site = setup().build();
        let user = site.add_user(ANN).await;
        let set = vec![fs_core::model::UserField::Password(outdated.clone())];
        let change = fs_core::port::Change::UpdateUser { user: user.id, expect: Vec::new(), set };
        site.core().store().commit(change.into()).await.unwrap();
        site.calls.fail_at(number, Fault::Refused);
        let result = sign_in(&site, &mut Session::default()).await;
        let failed = site.calls.disarm();
        let stored = site.user(ANN).await.unwrap().password;
        match failed {
            // Four bytes are for the random wait, before anything is checked.
            Some(Call::Entropy(16) | Call::Hash(HashKind::Create)) => {
                assert!(result.is_ok());
                assert_eq!(stored, outdated);
            }
            other => assert!(result.is_err(), "{other:?}"),
        }
    }
}

/// Checks that a mail is delivered at least once: after a fault it is still in the outbox.
#[tokio::test]
async fn delivering_mails() {
    use fs_testkit::calls::Fault;

    for fault in [Fault::Refused, Fault::AnswerLost] {
        for number in 0.. {
            let site = Setup::standard().build();
            site.add_user(ANN).await;
            for _ in 0..2 {
                let _ = site.core().accounts().request_reset(&site.context(), ANN).await.unwrap();
            }
            site.calls.fail_at(number, fault);
            let result = site.core().deliver_mails().await;
            let failed = site.calls.disarm();
            assert_eq!(result.is_err(), failed.is_some());
            site.clock.advance(Duration::from_secs(600));
            site.core().deliver_mails().await.unwrap();
            let mut ids: Vec<_> = site.mailer.sent().into_iter().map(|(id, _)| id).collect();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), 2, "{fault:?} at {number}: {failed:?}");
            if failed.is_none() {
                assert_eq!(site.mailer.sent().len(), 2);
                break;
            }
        }
    }
}

/// Checks two nodes, with a third of a minute for each port call: no mail is sent by both.
#[tokio::test]
async fn a_slow_mail_server_lets_no_mail_be_sent_twice() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    for _ in 0..10 {
        let ann = site.user(ANN).await.unwrap();
        let (ctx, password) = (site.context(), PASSWORD.into());
        site.core().admin().change_password(&ctx, &ann, &password, true).await.unwrap();
    }
    let mut slow = std::pin::pin!(site.core().deliver_mails());
    // Poll until the node has claimed a mail.
    for _ in 0..2 {
        assert!(futures::poll!(slow.as_mut()).is_pending());
    }
    while futures::poll!(slow.as_mut()).is_pending() {
        site.clock.advance(Duration::from_secs(20));
        site.core().deliver_mails().await.unwrap();
    }
    let mut ids: Vec<_> = site.mailer.sent().into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), 10);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 10);
}
