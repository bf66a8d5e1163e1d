//! State of the server: created by each reset, and driven by the control plane.

use std::sync::Arc;
use std::time::Duration;

use fs_core::port::HashPool;
use fs_core::{Ports, Timestamp};
use fs_http::WebSecurity;
use fs_testkit::clock::VirtualClock;
use fs_testkit::entropy::SeededEntropy;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::adapter::{ContractServer, Running};
use super::configure::{Unservable, configure};
use super::fixtures::Fixtures;
use super::operations::{self, Failed};
use super::outbox::Outbox;
use super::stores::Stores;

/// Start time of every scenario: 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp::from_secs(1_767_225_600);

/// Configured server with its users.
pub(super) struct State {
    security: WebSecurity,
    clock: VirtualClock,
    outbox: Outbox,
    /// Server of the application with the library.
    pub(super) running: Running,
}

/// Arguments of `reset`.
#[derive(Deserialize)]
pub(super) struct Reset {
    config: Map<String, Value>,
    fixtures: Fixtures,
}

impl State {
    pub(super) async fn reset(
        reset: Reset,
        server: &dyn ContractServer,
        stores: &Stores,
        hash_pool: Arc<dyn HashPool>,
    ) -> Result<Self, Unservable> {
        let configured = configure(reset.config)?;
        let clock = VirtualClock::new(START);
        let outbox = Outbox::new(configured.mail_fails, configured.sms_fails);
        let mut ports = Ports::new(
            stores.empty().await.map_err(Unservable::Failed)?,
            hash_pool,
            Arc::new(outbox.clone()),
            Arc::new(clock.clone()),
            Arc::new(SeededEntropy::new(4_1_6)),
        );
        ports.sms = Some(Arc::new(outbox.clone()));
        ports.breaches = Some(configured.breached);
        ports.events = vec![Arc::new(outbox.clone())];
        let security =
            WebSecurity::new(configured.config, configured.http, ports, configured.hooks)
                .map_err(|mistakes| Unservable::Refused(mistakes.to_string()))?;
        reset.fixtures.fill(security.core()).await.map_err(Unservable::Failed)?;
        let running = Running::start(server, &security).await.map_err(Unservable::Failed)?;
        Ok(Self { security, clock, outbox, running })
    }

    pub(super) fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    pub(super) async fn store(&self, call: &Value) -> Result<Value, Failed> {
        let core = self.security.core();
        operations::run(core, &core.context(), call).await
    }

    /// Delivers the waiting mails, and returns everything that was sent.
    pub(super) async fn outbox(&self) -> Result<Value, String> {
        let delivered = self.security.core().deliver_mails().await;
        delivered.map_err(|error| error.to_string())?;
        Ok(self.outbox.drain())
    }
}
