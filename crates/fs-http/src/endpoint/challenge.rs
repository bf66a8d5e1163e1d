//! Answers while a sign-in waits for its second factor.

use std::time::Duration;

use bytes::Bytes;
use fs_core::flow::Challenge;
use fs_core::message::MessageKey;
use fs_core::second_factor::PendingStage;
use fs_core::secret::Secret;
use fs_core::token::DeviceToken;
use http::{Response, StatusCode};
use serde_json::{Map, json};

use crate::exchange::Exchange;
use crate::fields::FieldValue;
use crate::reply::try_again_later;
use crate::route::Endpoint;

impl Exchange {
    /// The answer of whatever led to a pending sign-in: on to the second factor, as a redirect or
    /// as JSON. It tells nothing of the user.
    pub fn challenged(&self, challenge: &Challenge) -> Response<Bytes> {
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
            self.flash(try_again_later(wait.as_secs().max(1)));
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
            more.insert("tf_not_sent".to_owned(), self.text(try_again_later(seconds)).into());
            more.insert("tf_retry_after".to_owned(), seconds.into());
        }
        if let Some(method) = challenge.method {
            more.insert("tf_primary_method".to_owned(), method.name().into());
        }
        self.json_ok(None, None, more)
    }

    /// What the browser brings to be spared the second factor: in a JSON body, or as a cookie.
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

    /// The answer where nothing is under way: back to the sign-in page.
    pub(super) fn nothing_pending(&self) -> Response<Bytes> {
        let denied = MessageKey::TwoFactorPermissionDenied;
        if self.wants_json() {
            return self.refusal(StatusCode::BAD_REQUEST, denied.into());
        }
        self.flash(denied);
        self.redirect(&self.endpoint_url(Endpoint::SignIn, &[]))
    }
}
