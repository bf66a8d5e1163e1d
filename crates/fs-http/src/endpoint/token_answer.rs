//! The auth token of a JSON answer, where it is asked for.

use bytes::Bytes;
use fs_core::model::User;
use fs_core::session::Session;
use http::Response;
use serde_json::Map;
use serde_json::Value;

use crate::exchange::Exchange;

impl Exchange {
    /// Checks whether the JSON answer must contain an auth token.
    fn asks_for_token(&self) -> bool {
        let asked = self.request().query_value("include_auth_token").is_some();
        self.wants_json() && (asked || self.config().always_hand_out_token)
    }

    /// Returns the auth token for a JSON answer, if the request asks for one.
    pub(super) async fn token_on_request(
        &self,
        user: &User,
    ) -> Result<Option<String>, Box<Response<Bytes>>> {
        if !self.asks_for_token() {
            return Ok(None);
        }
        let issued = self.core().auth_tokens().issue(self.context(), &mut user.clone()).await;
        issued
            .map(|token| Some(token.expose().to_owned()))
            .map_err(|error| self.flow_failed(&error))
    }

    /// Returns the auth token for a user who proved the first factor again in a session, if the
    /// request asks for a token. The session may be that of a remembered browser, which was not
    /// asked for the second factor. A token outlives the session: without a recent second factor,
    /// the answer contains no token, and `more` says so.
    pub(super) async fn token_for_factors(
        &self,
        session: &Session,
        user: &User,
        more: &mut Map<String, Value>,
    ) -> Result<Option<String>, Box<Response<Bytes>>> {
        if !self.asks_for_token() {
            return Ok(None);
        }
        let needed = self.core().second_factors().needs_proof(self.context(), session, user).await;
        match needed.map_err(|error| self.flow_failed(&error))? {
            true => {
                more.insert("tf_proof_required".to_owned(), true.into());
                Ok(None)
            }
            false => self.token_on_request(user).await,
        }
    }
}
