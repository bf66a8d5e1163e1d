//! Rate limits for registrations.

use serde::{Deserialize, Serialize};

use super::quota::OnSuccess::Keep;
use super::{Cap, CounterNames, DAY, Limit, MINUTE, Network, Quota};

/// Rate limits for registrations.
///
/// A registration costs a hash and a mail. Registrations are counted separately from sign-ins and
/// from requested mails, so that many registrations from one address do not lock others there out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RegistrationLimits {
    /// Registrations per network, successful or not: 100 per 15 minutes, 500 per day. These caps
    /// apply to an IPv4 address or an IPv6 /64; a /56 has twice the caps, a /48 four times the
    /// caps.
    pub network: Vec<Cap>,
}

impl Default for RegistrationLimits {
    fn default() -> Self {
        Self { network: vec![Cap::new(100, 15 * MINUTE), Cap::new(500, DAY)] }
    }
}

impl RegistrationLimits {
    /// Returns no limits.
    pub const fn none() -> Self {
        Self { network: Vec::new() }
    }

    /// Returns the quota of a registration. Count it before the password is hashed.
    pub fn of_network(&self, names: &CounterNames, network: &Network) -> Quota {
        let (caps, limit) = (&self.network, Limit::RegistrationNetwork);
        Quota::default().with_network(names, limit, caps, (&[], network), Keep)
    }
}
