//! Ports: traits for the external services that the core needs.
//!
//! Each trait is small and contains no policy. Implement them with
//! [`async_trait`](https://docs.rs/async-trait): write plain `async fn`, annotate the `impl`.

mod batch;
mod breach;
mod clock;
mod events;
mod hash_pool;
mod mail;
mod outbox;
mod sms;
mod store;

pub use batch::{
    AuditEntry, Batch, Change, Counter, ExpectedCredential, Guard, OutboxEntry, SpentSecret,
};
pub use breach::{BreachChecker, BreachError};
pub use clock::{Clock, Entropy, EntropyError};
pub use events::EventSink;
pub use hash_pool::{HashPool, HashPoolError};
pub use mail::{
    ComposeError, MailComposer, MailDraft, MailError, MailKind, Mailer, MethodChange, OutgoingMail,
};
pub use outbox::{OutboxId, OutboxMessage, OutboxWaker, OutgoingMessage};
pub use sms::{OutgoingSms, SmsError, SmsSender};
pub use store::{
    CommitError, Identity, Page, Receipt, StoreError, UniqueAttribute, UserLookup, UserStore,
    fold_case,
};
