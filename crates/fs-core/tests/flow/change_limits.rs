//! Tests that successful changes of credentials are limited, and that their owner is not locked
//! out.

use std::time::Duration;

use fs_core::config::CodeMethod;
use fs_core::flow::{
    ChangeOutcome, EnrolOutcome, FactorChoice, FlowError, MakeRecoveryCodesOutcome,
    ProveSetupOutcome, RemoveMethodOutcome, ResetOutcome, UndoOutcome, ValidateOutcome,
};
use fs_core::session::Session;
use fs_core::totp::TotpSecret;
use fs_testkit::site::{PASSWORD, Site};

use crate::factors::{ann_with, code, enrol, every_way, key, set_up_method, signed_in};
use crate::people::{ANN, NEW, mailed_token, new_password, refused};

const HOUR: Duration = Duration::from_secs(3_600);
/// Default number of changes per hour.
const MOST: usize = 10;

/// A signed-in browser of Ann, with her authenticator app.
struct Browser {
    site: Site,
    session: Session,
    app: TotpSecret,
}

/// Kinds of change that share the limit.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Password,
    Factor,
    FactorOff,
    Method,
    MethodRemoved,
    RecoveryCodes,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Password,
        Self::Factor,
        Self::FactorOff,
        Self::Method,
        Self::MethodRemoved,
        Self::RecoveryCodes,
    ];
}

impl Browser {
    async fn open() -> Self {
        let site = every_way().build();
        let app = key(1);
        ann_with(&site, &app).await;
        let session = signed_in(&site, &app).await;
        Self { site, session, app }
    }

    /// Makes new recovery codes.
    async fn recovery_codes(&self) -> Result<(), FlowError> {
        let (ctx, user) = (self.site.context(), self.site.user(ANN).await.unwrap());
        match self
            .site
            .core()
            .second_factors()
            .make_recovery_codes(&ctx, &self.session, &user)
            .await?
        {
            MakeRecoveryCodesOutcome::Made(_) => Ok(()),
            other => refused(other),
        }
    }

    /// Attempts a change that is allowed, apart from the limit.
    async fn change(&mut self, kind: Kind) -> Result<(), FlowError> {
        // Each code of an app works once.
        self.site.clock.advance(Duration::from_secs(31));
        let (ctx, core) = (self.site.context(), self.site.core());
        let user = self.site.user(ANN).await.unwrap();
        let session = &mut self.session;
        let done = match kind {
            Kind::Password => {
                let (now, new) = (PASSWORD.into(), new_password(NEW));
                let changed =
                    core.accounts().change_password(&ctx, session, &user, &now, new, None);
                matches!(changed.await?, ChangeOutcome::Done { .. })
            }
            Kind::Factor => {
                let app = enrol(&self.site, session).await;
                let code = code(&self.site, &app);
                let factors = core.second_factors();
                let proven = factors.validate(&ctx, session, Some(&user), &code, None).await?;
                self.app = app;
                matches!(proven, ValidateOutcome::Changed { .. })
            }
            Kind::FactorOff => {
                let factors = core.second_factors();
                let off =
                    factors.enrol(&ctx, session, Some(&user), FactorChoice::Disabled, None).await?;
                matches!(off, EnrolOutcome::Disabled { .. })
            }
            Kind::Method => {
                let (app, state) = set_up_method(&self.site, &user).await;
                let code = code(&self.site, &app);
                let methods = core.sign_in_methods();
                let proven = methods.prove(&ctx, session, &user, &state, &code, None).await?;
                matches!(proven, ProveSetupOutcome::Done { .. })
            }
            Kind::MethodRemoved => {
                let (methods, method) = (core.sign_in_methods(), CodeMethod::Authenticator);
                let removed = methods.remove(&ctx, session, &user, method, None).await?;
                matches!(removed, RemoveMethodOutcome::Done { .. })
            }
            Kind::RecoveryCodes => return self.recovery_codes().await,
        };
        assert!(done, "{kind:?}");
        Ok(())
    }

    /// Uses the limit up.
    async fn use_up(&mut self) {
        for _ in 0..MOST {
            self.recovery_codes().await.unwrap();
        }
    }

    /// Returns the token of the undo link in the newest notice.
    async fn undo_token(&self) -> String {
        let mails = self.site.mails().await;
        let mut texts = mails.iter().rev().filter_map(|mail| mail.text.as_deref());
        let (_, token) = texts.find_map(|text| text.split_once("/undo-change/")).unwrap();
        token.split_whitespace().next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn changes_of_every_kind_share_one_limit() {
    for kind in Kind::ALL {
        let mut browser = Browser::open().await;
        // A method to remove: the first change.
        browser.change(Kind::Method).await.unwrap();
        for _ in 1..MOST {
            browser.recovery_codes().await.unwrap();
        }
        let before = browser.site.user(ANN).await.unwrap();
        browser.site.mails().await;
        let limited = browser.change(kind).await;
        assert!(matches!(limited, Err(FlowError::TooMany(_))), "{kind:?} {limited:?}");
        assert_eq!(browser.site.user(ANN).await.unwrap(), before, "{kind:?}");
        assert!(browser.site.mails().await.is_empty(), "{kind:?}");
    }
}

#[tokio::test]
async fn each_kind_of_change_is_counted() {
    for kind in Kind::ALL {
        let mut browser = Browser::open().await;
        browser.change(Kind::Method).await.unwrap();
        browser.change(kind).await.unwrap();
        // Recovery codes belong to a second factor.
        if matches!(kind, Kind::FactorOff) {
            browser.change(Kind::Factor).await.unwrap();
        }
        let made = if matches!(kind, Kind::FactorOff) { 3 } else { 2 };
        for _ in made..MOST {
            browser.recovery_codes().await.unwrap();
        }
        assert!(matches!(browser.recovery_codes().await, Err(FlowError::TooMany(_))), "{kind:?}");
    }
}

#[tokio::test]
async fn changes_are_permitted_again_after_an_hour_and_thirty_a_day() {
    let mut browser = Browser::open().await;
    for _ in 0..3 {
        browser.use_up().await;
        assert!(matches!(browser.recovery_codes().await, Err(FlowError::TooMany(_))));
        browser.site.clock.advance(HOUR);
        browser.session = signed_in(&browser.site, &browser.app).await;
    }
    assert!(matches!(browser.recovery_codes().await, Err(FlowError::TooMany(_))));
    browser.site.clock.advance(24 * HOUR);
    browser.session = signed_in(&browser.site, &browser.app).await;
    browser.recovery_codes().await.unwrap();
}

#[tokio::test]
async fn an_owner_whose_limit_an_intruder_used_up_resets_the_password_and_goes_on() {
    let mut browser = Browser::open().await;
    browser.use_up().await;
    let (ctx, core) = (browser.site.context(), browser.site.core());
    let _ = core.accounts().request_reset(&ctx, ANN).await.unwrap();
    let token = mailed_token(&browser.site).await;
    let (form, mut session) = (new_password(PASSWORD), Session::default());
    let reset = core.accounts().reset_password(&ctx, &mut session, &token, form).await.unwrap();
    assert!(matches!(reset, ResetOutcome::Done { .. }));
    browser.site.clock.advance(Duration::from_secs(31));
    browser.session = signed_in(&browser.site, &browser.app).await;
    browser.recovery_codes().await.unwrap();
}

#[tokio::test]
async fn an_owner_whose_limit_an_intruder_used_up_undoes_the_changes_and_goes_on() {
    let mut browser = Browser::open().await;
    browser.use_up().await;
    let token = browser.undo_token().await;
    let (ctx, mut session) = (browser.site.context(), Session::default());
    let undone =
        browser.site.core().second_factors().undo_changes(&ctx, &mut session, &token).await;
    let UndoOutcome::Done { reset, .. } = undone.unwrap() else { panic!("not undone") };
    let form = new_password(PASSWORD);
    let accounts = browser.site.core().accounts();
    let reset = accounts.reset_password(&ctx, &mut session, reset.expose(), form).await.unwrap();
    assert!(matches!(reset, ResetOutcome::Done { .. }));
    browser.site.clock.advance(Duration::from_secs(31));
    browser.session = signed_in(&browser.site, &browser.app).await;
    browser.recovery_codes().await.unwrap();
}
