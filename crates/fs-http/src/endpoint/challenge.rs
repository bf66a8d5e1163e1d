//! Answers while a sign-in waits for its second factor.

use std::time::Duration;

use bytes::Bytes;
use fs_core::config::CodeMethod;
use fs_core::flow::Challenge;
use fs_core::message::MessageKey;
use fs_core::model::User;
use fs_core::second_factor::PendingStage;
use fs_core::secret::Secret;
use fs_core::token::DeviceToken;
use http::{Response, StatusCode};
use serde_json::{Map, json};

use crate::exchange::Exchange;
use crate::fields::FieldValue;
use crate::route::Endpoint;

impl Exchange {
    /// Returns the answer to a request that started a pending sign-in: a redirect to the second
    /// factor, or JSON. It reveals nothing about the user.
    pub fn challenged(&self, challenge: &Challenge) -> Response<Bytes> {
        if let Some(error) = &challenge.error {
            tracing::error!(%error, "the code of the second factor was not sent");
        }
        if !challenge.sent && challenge.wait.is_none() {
            let failed = MessageKey::FailedToSendCode;
            if self.wants_json() {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                return self.json(status, json!({ "error": self.text(failed) }), None);
            }
            self.flash(failed);
            return self.redirect(&self.endpoint_url(Endpoint::SignIn, &[]));
        }
        if let (Some(wait), false) = (challenge.wait, self.wants_json()) {
            self.flash(self.try_again_later(wait.as_secs().max(1)));
        }
        let (state, endpoint) = match challenge.stage {
            PendingStage::Code => ("ready", Endpoint::TwoFactorValidate),
            PendingStage::SetUp => ("setup_from_login", Endpoint::TwoFactorSetup),
        };
        if !self.wants_json() {
            return self.redirect(&self.step_url(endpoint));
        }
        let mut more = Map::new();
        more.insert("tf_required".to_owned(), true.into());
        more.insert("tf_state".to_owned(), state.into());
        if let Some(wait) = challenge.wait {
            let seconds = wait.as_secs().max(1);
            more.insert("tf_not_sent".to_owned(), self.text(self.try_again_later(seconds)).into());
            more.insert("tf_retry_after".to_owned(), seconds.into());
        }
        if let Some(method) = challenge.method {
            more.insert("tf_primary_method".to_owned(), method.name().into());
        }
        self.json_ok(None, None, more)
    }

    /// Returns the device token, with which the browser skips the second factor: from a JSON body
    /// or a cookie.
    pub(super) fn device_token(&self) -> Option<Secret> {
        let fields = &self.request().fields;
        if fields.object().is_some_and(|body| !body.is_empty()) {
            return match fields.get("tf_validity_token") {
                Some(FieldValue::Text(token)) => Some(Secret::from(token)),
                _ => None,
            };
        }
        let (signer, now) = (self.core().tokens(), self.context().now);
        let good = |value: &str| DeviceToken::verify(signer, value, now, Duration::MAX).is_ok();
        self.request().cookie_that_is(&self.config().device_cookie.name, good).map(Secret::from)
    }

    /// Returns the answer to a user who must give the second factor before a change. It leads back
    /// to `then`.
    pub(super) fn factor_first(&self, user: &User, then: Endpoint) -> Response<Bytes> {
        let needed = MessageKey::FactorProofNeeded;
        if self.wants_json() {
            let method = self.core().second_factors().method_of(user).map(CodeMethod::name);
            let told = json!({
                "error": self.text(needed), "tf_proof_required": true, "tf_primary_method": method,
            });
            return self.json(StatusCode::UNAUTHORIZED, told, None);
        }
        self.flash(needed);
        let then = self.endpoint_url(then, &[]);
        self.redirect(&self.endpoint_url(Endpoint::TwoFactorValidate, &[("next", &then)]))
    }

    /// Returns the answer to a user who must set up a second factor first: a redirect to the set-up
    /// if the session allows it, and otherwise to the sign-in page, which leads there.
    pub(crate) fn second_factor_required(&self) -> Response<Bytes> {
        let required = MessageKey::SecondFactorRequired;
        let held = self.with_session(|session| session.pending().is_some());
        if self.wants_json() {
            let mut told = Map::new();
            told.insert("error".to_owned(), self.text(required).into());
            told.insert("tf_required".to_owned(), true.into());
            if held {
                told.insert("tf_state".to_owned(), "setup_from_login".into());
            }
            return self.json(StatusCode::UNAUTHORIZED, told.into(), None);
        }
        self.flash(required);
        let here = self.request().path_and_query().to_owned();
        let step = if held { Endpoint::TwoFactorSetup } else { Endpoint::SignIn };
        self.redirect(&self.endpoint_url(step, &[("next", &here)]))
    }

    /// Returns the answer if no sign-in is pending: a redirect to the sign-in page.
    pub(super) fn nothing_pending(&self) -> Response<Bytes> {
        let denied = MessageKey::TwoFactorPermissionDenied;
        if self.wants_json() {
            return self.refusal(StatusCode::BAD_REQUEST, denied.into());
        }
        self.flash(denied);
        let wish = self.wish();
        let query: Vec<_> = wish.iter().map(|next| ("next", next.as_str())).collect();
        self.redirect(&self.endpoint_url(Endpoint::SignIn, &query))
    }
}
