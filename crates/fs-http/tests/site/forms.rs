//! Tests of forms with fields of the application's own.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fs_core::config::{SignInLinks, TwoFactor, Unified};
use fs_core::flow::{Problem, SignInOutcome};
use fs_core::message::Message;
use fs_core::{ExtraField, FieldCheck, FieldChoice, InputKind};
use fs_http::{Exchange, FormCheck, FormName};
use fs_testkit::site::{PASSWORD, Setup, Site};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::people::ANN;

/// Every form, its path, and whether it requires a signed-in user.
const FORMS: [(FormName, &str, bool); 20] = [
    (FormName::SignIn, "/login", false),
    (FormName::Verify, "/verify", true),
    (FormName::Register, "/register", false),
    (FormName::ForgotPassword, "/reset", false),
    (FormName::ResetPassword, "/reset/token", false),
    (FormName::ChangePassword, "/change", true),
    (FormName::SendConfirmation, "/confirm", false),
    (FormName::SendSignInLink, "/login", false),
    (FormName::TwoFactorSetup, "/tf-setup", true),
    (FormName::TwoFactorCode, "/tf-validate", false),
    (FormName::TwoFactorRescue, "/tf-rescue", false),
    (FormName::RecoveryCodes, "/mf-recovery-codes", true),
    (FormName::UseRecoveryCode, "/mf-recovery", false),
    (FormName::AuthTokens, "/auth-tokens", true),
    (FormName::UnifiedSignIn, "/us-signin", false),
    (FormName::UnifiedSignIn, "/us-signin/send-code", false),
    (FormName::UnifiedSetup, "/us-setup", true),
    (FormName::UnifiedSetupValidate, "/us-setup/state", true),
    (FormName::UnifiedVerify, "/us-verify", true),
    (FormName::UnifiedVerify, "/us-verify/send-code", true),
];

/// Form check that records its calls, and refuses robots.
#[derive(Default)]
struct Watch(Mutex<Vec<(FormName, Map<String, Value>)>>);

#[async_trait]
impl FormCheck for Watch {
    async fn check(
        &self,
        _: &Exchange,
        form: FormName,
        values: &Map<String, Value>,
    ) -> Vec<Problem> {
        self.0.lock().unwrap().push((form, values.clone()));
        match values.get("kind") {
            Some(kind) if kind == "robot" => {
                vec![Problem::new("kind", Message::words("No robots."))]
            }
            _ => Vec::new(),
        }
    }
}

/// Creates a site whose form of that name has a checkbox and a `kind` field.
fn site(form: FormName) -> (Site, Arc<Watch>) {
    let mut setup = Setup::standard();
    setup.config.two_factor = Some(TwoFactor::default());
    setup.config.unified = Some(Unified::default());
    if form == FormName::SendSignInLink {
        let links = SignInLinks::new(Duration::from_secs(60));
        setup.config.sign_in_links = Some(links);
    }
    let mut terms = ExtraField::new("terms", "I accept the terms");
    terms.kind = InputKind::Checkbox;
    terms.required = true;
    let fields = vec![terms, ExtraField::new("kind", "What are you?")];
    setup.http.form_fields.insert(form, fields);
    let watch = Arc::new(Watch::default());
    setup.hooks.form_check = Some(watch.clone());
    (setup.build(), watch)
}

#[tokio::test]
async fn every_form_takes_more_fields() {
    let covered: BTreeSet<_> = FORMS.iter().map(|(form, ..)| *form).collect();
    assert_eq!(covered.len(), FormName::ALL.len(), "a form is missing in this test");
    for (form, target, signed_in) in FORMS {
        let case = format!("{} at {target}", form.as_str());
        let (site, watch) = site(form);
        let user = site.add_user(ANN).await;
        let mut browser = site.browser();
        if signed_in {
            sign_in(&site, &mut browser, &user).await;
        }
        if form == FormName::AuthTokens {
            // The page has a form for each token.
            let mut user = site.user(ANN).await.unwrap();
            let _ = site.core().auth_tokens().issue(&site.context(), &mut user).await.unwrap();
        }
        watch.0.lock().unwrap().clear();

        // As JSON: the error is under the field's name, and the check of the whole form is not
        // called.
        let answer = browser.post_json(target, json!({ "kind": "otter" })).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{case}");
        let errors = answer.json()["response"]["errors"].clone();
        assert_eq!(errors["terms"], json!(["Fill in this field."]), "{case}");
        assert_eq!(*watch.0.lock().unwrap(), [], "{case}");

        // On the page: the field is shown with its value and its error.
        let page = browser.post_form(target, &[("kind", "<otter>")]).await.text();
        assert!(page.contains("Fill in this field."), "{case}: {page}");
        if form != FormName::UnifiedSetupValidate {
            let (_, shown) = page.split_once(&format!("<form name=\"{}\"", form.as_str())).unwrap();
            let (shown, _) = shown.split_once("</form>").unwrap();
            for part in ["name=\"terms\"", "aria-invalid=\"true\"", "value=\"&lt;otter&gt;\""] {
                assert!(shown.contains(part), "{case}: {part} in {shown}");
            }
        }

        // Errors of the check of the whole form are reported as well.
        let typed = json!({ "terms": true, "kind": "robot" });
        let answer = browser.post_json(target, typed).await;
        assert_eq!(answer.json()["response"]["errors"]["kind"], json!(["No robots."]), "{case}");
        let seen = std::mem::take(&mut *watch.0.lock().unwrap());
        let values = json!({ "terms": true, "kind": "robot" });
        assert_eq!(seen, [(form, values.as_object().unwrap().clone())], "{case}");

        // With valid fields, the form itself is processed.
        let typed = json!({ "terms": true, "kind": "otter" });
        let answer = browser.post_json(target, typed).await;
        for name in ["terms", "kind"] {
            assert!(answer.json().pointer(&format!("/response/errors/{name}")).is_none(), "{case}");
        }
    }
}

/// Signs in without the forms.
async fn sign_in(
    site: &Site,
    browser: &mut fs_testkit::site::Browser,
    user: &fs_core::model::User,
) {
    let mut session = fs_core::session::Session::default();
    let ctx = site.context();
    let core = site.core();
    let signed_in =
        core.sign_in().sign_in_user(&ctx, &mut session, user, None, vec!["password"]).await;
    assert!(matches!(signed_in.unwrap(), SignInOutcome::Done { .. }));
    let nonce = core.random().unwrap();
    let sealed = core.sealer().seal(&session, ctx.now, nonce).unwrap();
    let name = site.web.config().session_cookie.name.clone();
    browser.cookies.insert(name, sealed);
}

#[tokio::test]
async fn the_page_to_prove_a_method_has_them_too() {
    let (site, _) = site(FormName::UnifiedSetupValidate);
    let user = site.add_user(ANN).await;
    let mut browser = site.browser();
    sign_in(&site, &mut browser, &user).await;
    let page = browser.post_form("/us-setup", &[("chosen_method", "authenticator")]).await.text();
    let (_, form) = page.split_once("<form name=\"us_setup_validate_form\"").unwrap();
    assert!(form.split_once("</form>").unwrap().0.contains("name=\"terms\""), "{form}");
}

#[tokio::test]
async fn nothing_happens_when_the_application_objects() {
    let (site, _) = site(FormName::Register);
    let mut typed = json!({ "email": ANN, "password": PASSWORD, "terms": true, "kind": "robot" });
    let refused = site.browser().post_json("/register", typed.clone()).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(site.user(ANN).await.is_none() && site.mails().await.is_empty());

    typed["kind"] = "otter".into();
    let done = site.browser().post_json("/register", typed).await;
    assert_eq!(done.status, StatusCode::OK);
    let user = site.user(ANN).await.unwrap();
    assert!(user.attributes.is_empty(), "fields of a form are not the account's");
}

#[tokio::test]
async fn without_a_csrf_token_nobody_is_asked() {
    let (site, watch) = site(FormName::SignIn);
    let body = r#"{"terms": true}"#;
    let request = fs_testkit::site::Browser::json_request(http::Method::POST, "/login");
    let request = fs_testkit::site::Browser::with_body(request, "application/json", body);
    let answer = site.browser().send(request).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(*watch.0.lock().unwrap(), []);
}

#[tokio::test]
async fn fields_of_the_account_are_kept_with_it() {
    let mut setup = Setup::standard();
    let choice = |value: &str| FieldChoice { value: value.to_owned(), label: value.to_owned() };
    let mut nickname = ExtraField::new("nickname", "Nickname");
    nickname.check = Some(FieldCheck::new(|text| match text.contains(' ') {
        true => Err("One word.".to_owned()),
        false => Ok(()),
    }));
    let of_kind = |name: &str, label: &str, kind| {
        let mut field = ExtraField::new(name, label);
        field.kind = kind;
        field
    };
    setup.config.registration.as_mut().unwrap().fields = vec![
        nickname,
        of_kind("age", "Age", InputKind::Number),
        of_kind("news", "News", InputKind::Checkbox),
        of_kind("side", "Side", InputKind::Choice(vec![choice("north"), choice("south")])),
    ];
    let site = setup.build();
    let page = site.browser().get("/register").await.text();
    for part in ["type=\"number\"", "type=\"checkbox\"", "value=\"south\"", "name=\"nickname\""] {
        assert!(page.contains(part), "{part}");
    }
    let typed = [("email", ANN), ("password", PASSWORD), ("nickname", "a b"), ("side", "east")];
    let page = site.browser().post_form("/register", &typed).await.text();
    assert!(page.contains("One word.") && page.contains("Choose one of the options."), "{page}");
    assert!(page.contains("value=\"a b\""), "what was typed is kept");

    let typed = [
        ("email", ANN),
        ("password", PASSWORD),
        ("nickname", "otter"),
        ("age", "41"),
        ("side", "south"),
        ("roles", "admin"),
    ];
    assert_eq!(site.browser().post_form("/register", &typed).await.status, StatusCode::FOUND);
    let kept = json!({ "nickname": "otter", "age": 41, "news": false, "side": "south" });
    assert_eq!(Value::from(site.user(ANN).await.unwrap().attributes), kept);
}

#[test]
fn names_that_a_form_has_already_are_refused() {
    let mut setup = Setup::standard();
    let fields = ["password", "csrf_token", "kind", "kind"];
    let fields = fields.map(|name| ExtraField::new(name, "Extra")).to_vec();
    setup.http.form_fields.insert(FormName::SignIn, fields);
    let mistakes = setup.http.errors();
    assert_eq!(mistakes.len(), 3, "{mistakes:?}");
    assert!(mistakes.iter().all(|mistake| mistake.path == "form_fields.login_user_form.name"));
}
