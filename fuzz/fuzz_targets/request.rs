//! Any request to a site with an account: no panic, no server error, and a refusal writes nothing.

#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::Bytes;
use fs_core::config::{SignInLinks, Unified};
use fs_testkit::site::{Browser, PASSWORD, Setup, Site};
use futures::executor::block_on;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request};
use libfuzzer_sys::fuzz_target;

const ANN: &str = "ann@site.test";
const ORIGIN: &str = "https://site.test";

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    endpoint: Endpoint,
    method: Verb,
    kind: Kind,
    /// Appended to the path of the endpoint, with or without a slash or question mark.
    tail: &'a str,
    headers: Vec<(Name, &'a [u8])>,
    body: &'a [u8],
    signed_in: bool,
    csrf: bool,
}

/// Declares an enum with a text for each variant.
macro_rules! texts {
    ($name:ident { $($variant:ident = $text:expr),+ $(,)? }) => {
        #[derive(Arbitrary, Clone, Copy, Debug)]
        enum $name { $($variant),+ }

        impl $name {
            fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

texts!(Endpoint {
    Any = "/",
    SignIn = "/login",
    SignOut = "/logout",
    Register = "/register",
    Confirm = "/confirm",
    Reset = "/reset",
    Change = "/change",
    Verify = "/verify",
    Undo = "/undo-change",
    SecondFactor = "/tf-validate",
    SecondFactorSetup = "/tf-setup",
    SecondFactorRescue = "/tf-rescue",
    RecoveryCodes = "/mf-recovery-codes",
    UseRecoveryCode = "/mf-recovery",
    UnifiedSignIn = "/us-signin",
    UnifiedSetup = "/us-setup",
    UnifiedVerify = "/us-verify",
    UnifiedLink = "/us-verify-link",
});

texts!(Verb { Get = "GET", Head = "HEAD", Post = "POST", Put = "PUT", Options = "OPTIONS" });

texts!(Kind {
    None = "",
    Json = "application/json",
    Form = "application/x-www-form-urlencoded",
    Multipart = "multipart/form-data; boundary=x",
});

texts!(Name {
    Cookie = "cookie",
    Authorization = "authorization",
    Token = "authentication-token",
    Accept = "accept",
    Language = "accept-language",
    Agent = "user-agent",
    Host = "host",
    Origin = "origin",
    Referer = "referer",
    Csrf = "x-csrf-token",
    Forwarded = "x-forwarded-for",
    Kind = "content-type",
});

fn request(input: &Input<'_>) -> Option<Request<Bytes>> {
    let method = Method::from_bytes(input.method.text().as_bytes()).ok()?;
    let target = format!("{ORIGIN}{}{}", input.endpoint.text(), input.tail);
    let mut request = Request::builder().method(method).uri(target).header("host", "site.test");
    if !input.kind.text().is_empty() {
        request = request.header(CONTENT_TYPE, input.kind.text());
    }
    if matches!(input.kind, Kind::Json) {
        request = request.header("accept", "application/json");
    }
    for (name, value) in &input.headers {
        request = request.header(name.text(), HeaderValue::from_bytes(value).ok()?);
    }
    request.body(Bytes::copy_from_slice(input.body)).ok()
}

async fn open(signed_in: bool) -> (Site, Browser) {
    let mut setup = Setup::standard();
    setup.config.unified = Some(Unified::default());
    setup.config.sign_in_links = Some(SignInLinks::new(Duration::from_secs(3_600)));
    let site = setup.build();
    site.add_user(ANN).await;
    let mut browser = site.browser();
    if signed_in {
        browser.sign_in(ANN, PASSWORD).await;
    }
    (site, browser)
}

fuzz_target!(|input: Input<'_>| {
    let Some(mut request) = request(&input) else { return };
    block_on(async {
        let (site, mut browser) = open(input.signed_in).await;
        if input.csrf {
            let token = browser.csrf_token().await;
            request.headers_mut().insert("x-csrf-token", token.parse().unwrap());
        }
        let before = site.dump().await;
        let answer = browser.send(request).await;
        assert!(!answer.status.is_server_error(), "{}", answer.status);
        if answer.status.is_client_error() {
            assert!(site.dump().await == before, "a refused request wrote something");
            assert!(site.mails().await.is_empty(), "a refused request mailed something");
        }
    });
});
