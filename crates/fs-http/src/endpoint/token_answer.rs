//! The auth token of a JSON answer, where it is asked for.

use bytes::Bytes;
use fs_core::model::User;
use fs_core::session::Session;
use http::Response;
use serde_json::Map;
use serde_json::Value;

use crate::exchange::Exchange;

impl Exchange {
    /// Whether the JSON answer is to hold an auth token.
    fn asks_for_token(&self) -> bool {
        let asked = self.request().query_value("include_auth_token").is_some();
        self.wants_json() && (asked || self.config().always_hand_out_token)
    }

    /// The auth token for a JSON answer, where it is asked for.
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

    /// The same for whoever proved the first factor again in a session that may have got in without
    /// the second one, from a remembered browser. A token outlives the session: where the factor
    /// was not given lately, none is made, and `more` says so.
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
