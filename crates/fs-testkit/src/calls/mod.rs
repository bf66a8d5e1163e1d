//! Record of port calls, with fault injection.
//!
//! [`WatchedStore`], [`WatchedEntropy`] and [`InlineHashPool`] share one [`Calls`], which records
//! their calls and makes a chosen call fail. To test a fault at every call, run with
//! [`fail_at`](Calls::fail_at) 0, 1, 2, … until [`disarm`](Calls::disarm) returns that no call
//! failed.

mod batch_rules;
mod entropy;
mod hash_pool;
mod store;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use entropy::WatchedEntropy;
pub use hash_pool::InlineHashPool;
#[cfg(feature = "adapter")]
pub(crate) use store::MADE_TO_FAIL;
pub use store::WatchedStore;

/// Call of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// [`UserStore::user`](fs_core::port::UserStore::user)
    User,
    /// [`UserStore::session`](fs_core::port::UserStore::session)
    Session,
    /// [`UserStore::sessions_of`](fs_core::port::UserStore::sessions_of)
    SessionsOf,
    /// [`UserStore::credential`](fs_core::port::UserStore::credential)
    Credential,
    /// [`UserStore::credentials_of`](fs_core::port::UserStore::credentials_of)
    CredentialsOf,
    /// [`UserStore::role`](fs_core::port::UserStore::role)
    Role,
    /// [`UserStore::users`](fs_core::port::UserStore::users)
    Users,
    /// [`UserStore::roles`](fs_core::port::UserStore::roles)
    Roles,
    /// [`UserStore::commit`](fs_core::port::UserStore::commit)
    Commit,
    /// [`UserStore::claim_messages`](fs_core::port::UserStore::claim_messages)
    ClaimMails,
    /// [`HashPool::run`](fs_core::port::HashPool::run)
    Hash(HashKind),
    /// [`Entropy::fill`](fs_core::port::Entropy::fill), with the number of bytes.
    Entropy(usize),
    /// [`MailComposer::compose`](fs_core::port::MailComposer::compose)
    Compose,
}

/// Kind of hashing work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashKind {
    /// A new password is hashed.
    Create,
    /// A password is verified against a stored hash.
    Verify,
    /// Two forms of a password are verified.
    VerifyBoth,
    /// The binding of a token is compared.
    Compare,
}

impl Call {
    /// Checks whether the call reads from the store.
    pub const fn is_read(self) -> bool {
        matches!(
            self,
            Self::User
                | Self::Session
                | Self::SessionsOf
                | Self::Credential
                | Self::CredentialsOf
                | Self::Role
                | Self::Users
                | Self::Roles
                | Self::ClaimMails
        )
    }
}

/// Way in which a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call does nothing and returns an error.
    Refused,
    /// The call succeeds but returns an error, as when the connection to a database breaks between
    /// a commit and its answer. Only a commit can fail in this way; any other call is refused.
    AnswerLost,
}

/// Recorded calls, and the call that is to fail. Clones share both.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    calls: Vec<Call>,
    fault: Option<(usize, Fault)>,
    failed: Option<Call>,
    commits: usize,
    rows: Vec<String>,
}

impl Calls {
    /// Creates an empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the calls since the last time, in order, and resets the count to zero.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.state().calls)
    }

    /// Returns the changes that were committed since the last time, in order: the name of each,
    /// with the length of a mail. Failed batches are left out.
    pub fn take_rows(&self) -> Vec<String> {
        std::mem::take(&mut self.state().rows)
    }

    /// Returns the number of all successful commits, except those that only change counters.
    pub fn commits(&self) -> usize {
        self.state().commits
    }

    /// Makes the call with that number fail. Calls are counted from 0, starting now.
    pub fn fail_at(&self, number: usize, fault: Fault) {
        let mut state = self.state();
        state.calls.clear();
        state.fault = Some((number, fault));
        state.failed = None;
    }

    /// Stops fault injection, and returns the call that failed.
    pub fn disarm(&self) -> Option<Call> {
        let mut state = self.state();
        state.fault = None;
        state.failed.take()
    }

    /// Records a call. Returns the fault if the call is to fail.
    pub(crate) fn note(&self, call: Call) -> Option<Fault> {
        let mut state = self.state();
        let number = state.calls.len();
        state.calls.push(call);
        let fault = state.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        if fault.is_some() {
            state.failed = Some(call);
        }
        fault
    }

    fn committed(&self, rows: Vec<String>, counts_alone: bool) {
        let mut state = self.state();
        state.rows.extend(rows);
        state.commits += usize::from(!counts_alone);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Yields once, as a real port would while it waits for a disk or a thread.
async fn give_way() {
    let mut gave = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut gave, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_of_that_number_fails_once() {
        let calls = Calls::new();
        calls.note(Call::Commit);
        calls.fail_at(1, Fault::Refused);
        assert_eq!(calls.note(Call::User), None);
        assert_eq!(calls.clone().note(Call::Commit), Some(Fault::Refused));
        assert_eq!(calls.note(Call::Commit), None);
        assert_eq!(calls.disarm(), Some(Call::Commit));
        assert_eq!(calls.disarm(), None);
        assert_eq!(calls.take(), [Call::User, Call::Commit, Call::Commit]);
        assert_eq!(calls.take(), []);
    }
}
