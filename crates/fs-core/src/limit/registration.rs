//! How often accounts may be registered.

use serde::{Deserialize, Serialize};

use super::tally::OnSuccess::Keep;
use super::{Cap, CounterNames, DAY, Limit, MINUTE, Network, Tally};

/// How many accounts may be registered.
///
/// A registration costs a hash and a mail. It is counted apart from sign-ins and from mails that
/// are asked for: many who register behind one address do not keep others there from signing in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationLimits {
    /// From one network, whatever comes of them: 100 in 15 minutes, 500 in a day. For IPv6, twice as
    /// many in 56 bits of an address and four times as many in 48.
    pub network: Vec<Cap>,
}

impl Default for RegistrationLimits {
    fn default() -> Self {
        Self { network: vec![Cap::new(100, 15 * MINUTE), Cap::new(500, DAY)] }
    }
}

impl RegistrationLimits {
    /// No limits.
    pub const fn none() -> Self {
        Self { network: Vec::new() }
    }

    /// What a registration counts, before the hash that it costs.
    pub fn of_network(&self, names: &CounterNames, network: &Network) -> Tally {
        let (caps, limit) = (&self.network, Limit::RegistrationNetwork);
        Tally::default().with_network(names, limit, caps, (&[], network), Keep)
    }
}
