//! Judging a new password.

use super::{FlowError, Problem};
use crate::message::MessageKey;
use crate::password::{BreachFinding, BreachQuery};
use crate::secret::Secret;
use crate::security::Security;

/// A new password that fulfils the rules, normalised.
#[derive(Debug)]
pub struct ValidPassword(pub(crate) Secret);

impl Security {
    /// Normalises a new password and holds it against the rules: length, breaches, complexity.
    /// `words` are what an attacker would try first: the address, the name, the product.
    ///
    /// # Errors
    ///
    /// The outer error means that no answer was found; the inner one holds what is wrong.
    pub async fn check_new_password(
        &self,
        field: &'static str,
        typed: &Secret,
        words: &[&str],
    ) -> Result<Result<ValidPassword, Vec<Problem>>, FlowError> {
        let rules = &self.config().password;
        let reader = &self.config().readers.password;
        let normalised = self.read_password(typed);
        if normalised.expose().contains('\0') {
            return Ok(Err(vec![Problem::new(field, MessageKey::InvalidInput)]));
        }
        let breached = match &self.ports().breaches {
            Some(checker) if rules.asks_breach_list(&normalised) => {
                BreachQuery::ask(&**checker, &normalised).await
            }
            _ => BreachFinding::NotAsked,
        };
        Ok(match reader.validate(rules, &normalised, words, breached) {
            Ok(()) => Ok(ValidPassword(normalised)),
            Err(wrong) => Err(wrong.into_iter().map(|wrong| Problem::new(field, wrong)).collect()),
        })
    }
}
