//! Counting what is limited, before it is done.

use std::time::Duration;

use super::FlowError;
use super::codes::{CodeMessage, CodePurpose};
use crate::config::CodeMethod;
use crate::event::{Event, Subject};
use crate::identity::IdentityAttribute;
use crate::limit::{CodeUse, Limit, Limits, Network, Quota, Reached};
use crate::model::{User, UserId};
use crate::password::HashLane;
use crate::port::{Batch, Change, CommitError, Guard, fold_case};
use crate::security::{Context, Security};

const DAY: Duration = Duration::from_secs(86_400);

impl Security {
    pub(super) fn limits(&self) -> &Limits {
        &self.config().limits
    }

    /// Counts; the limit because of which nothing was counted, if there is one.
    pub(super) async fn try_count(
        &self,
        ctx: &Context,
        quota: &Quota,
        user: Option<&User>,
    ) -> Result<Option<Reached>, FlowError> {
        let mut batch = Batch::new();
        quota.counts(ctx.now).into_iter().for_each(|count| batch.push(count));
        if batch.is_empty() {
            return Ok(None);
        }
        match self.store().commit(batch).await {
            Ok(_) => Ok(None),
            Err(error) => match self.reached(&error, quota, user) {
                Some(reached) => Ok(Some(reached)),
                None => Err(error.into()),
            },
        }
    }

    /// Takes back what was counted for work that was refused: too many passwords are being hashed,
    /// which is no attempt of anybody's.
    pub(super) async fn or_uncount<T>(
        &self,
        quota: &Quota,
        work: Result<T, FlowError>,
    ) -> Result<T, FlowError> {
        if let Err(FlowError::Busy(_) | FlowError::HashPool(_)) = &work {
            self.settle(quota.take_back()).await?;
        }
        work
    }

    /// The lane of a client's hashing work. `account` is the id of a user.
    pub(super) fn lane(&self, ctx: &Context, account: &str) -> HashLane {
        HashLane::of(network(ctx).as_ref(), account)
    }

    /// The same for a client who typed `identity`.
    pub(super) fn lane_of_typed(&self, ctx: &Context, identity: &str) -> HashLane {
        self.lane(ctx, &self.one_spelling(identity))
    }

    /// What a password counts that is given by who is signed in.
    pub(super) fn signed_in_quota(&self, user: &User) -> Quota {
        self.limits().passwords.signed_in(self.counters(), &user.id)
    }

    /// What a new account counts, before the hash that it costs.
    pub(super) fn registration_quota(&self, ctx: &Context) -> Quota {
        let (limits, names) = (&self.limits().registrations, self.counters());
        let counted = network(ctx).map(|network| limits.of_network(names, &network));
        counted.unwrap_or_default()
    }

    /// What a new password of a user counts, before it is checked.
    pub(super) fn new_password_quota(&self, user: &User) -> Quota {
        self.limits().passwords.new_password(self.counters(), &user.id)
    }

    /// One spelling for all that mean the same account. It does not depend on whether there is one.
    ///
    /// What can be read as an address or a number is: there are many ways to write one, and each is
    /// a username as well.
    pub(super) fn one_spelling(&self, identity: &str) -> String {
        let (rules, readers) = (&self.config().identities, &self.config().readers);
        let most_exact_first =
            [IdentityAttribute::Email, IdentityAttribute::Phone, IdentityAttribute::Username];
        let named = |attribute: &IdentityAttribute| {
            rules.order.iter().any(|rule| rule.attribute == *attribute)
        };
        let mut read = most_exact_first.into_iter().filter(named);
        let read = read.find_map(|attribute| rules.read(attribute, readers, identity));
        fold_case(read.as_deref().unwrap_or(identity.trim()))
    }

    /// Counts, and makes no call where nothing is limited.
    ///
    /// # Errors
    ///
    /// [`FlowError::TooMany`]: do not look at what was typed, do not send what was asked for.
    pub(super) async fn count(
        &self,
        ctx: &Context,
        quota: &Quota,
        user: Option<&User>,
    ) -> Result<(), FlowError> {
        self.commit_counted(ctx, Batch::new(), quota, user).await
    }

    /// Writes a batch, and counts with it. Makes no call where there is nothing to write.
    ///
    /// # Errors
    ///
    /// [`FlowError::TooMany`]: nothing is written.
    pub(super) async fn commit_counted(
        &self,
        ctx: &Context,
        mut batch: Batch,
        quota: &Quota,
        user: Option<&User>,
    ) -> Result<(), FlowError> {
        quota.counts(ctx.now).into_iter().for_each(|count| batch.push(count));
        if batch.is_empty() {
            return Ok(());
        }
        match self.store().commit(batch).await {
            Ok(_) => Ok(()),
            Err(error) => Err(match self.reached(&error, quota, user) {
                Some(reached) => FlowError::TooMany(reached.wait),
                None => error.into(),
            }),
        }
    }

    /// Writes what settles a success, where no other batch does.
    pub(super) async fn settle(&self, changes: Vec<Change>) -> Result<(), FlowError> {
        if !changes.is_empty() {
            let mut batch = Batch::new();
            changes.into_iter().for_each(|change| batch.push(change));
            self.store().commit(batch).await?;
        }
        Ok(())
    }

    /// What a mail counts that anybody can ask for. `kind` is a fixed word.
    pub(super) fn mail_quota(&self, ctx: &Context, kind: &'static str, to: &str) -> Quota {
        let (mails, names) = (&self.limits().mails, self.counters());
        let of_network = mails.of_network(names, Limit::MailNetwork, network(ctx).as_ref());
        self.mail_to_quota(kind, to).and(of_network)
    }

    /// What a mail counts for its address alone: the network is counted for what caused it.
    pub(super) fn mail_to_quota(&self, kind: &'static str, to: &str) -> Quota {
        self.limits().mails.to(self.counters(), kind, &fold_case(to))
    }

    /// Writes a batch with a mail that anybody can ask for. False when the address had enough of
    /// them: then nothing is written, and the caller says what it always says.
    ///
    /// # Errors
    ///
    /// [`FlowError::TooMany`] when the network has asked for too many.
    pub(super) async fn commit_mail(
        &self,
        ctx: &Context,
        mut batch: Batch,
        quota: Quota,
        user: Option<&User>,
    ) -> Result<bool, FlowError> {
        quota.counts(ctx.now).into_iter().for_each(|count| batch.push(count));
        match self.store().commit(batch).await {
            Ok(_) => Ok(true),
            Err(error) => match self.reached(&error, &quota, user) {
                Some(Reached { limit: Limit::MailNetwork, wait, .. }) => {
                    Err(FlowError::TooMany(wait))
                }
                Some(_) => Ok(false),
                None => Err(error.into()),
            },
        }
    }

    /// What a code counts that is sent to somebody, from wherever it is asked for.
    ///
    /// Those that nobody but the owner can ask for are counted apart: of a second factor, which come
    /// after the first one, and of whoever is signed in. Else who knows an address or a number could
    /// use up what its owner signs in by.
    pub(super) fn code_message_quota(&self, message: &CodeMessage<'_>) -> Quota {
        let (names, user) = (self.counters(), message.user);
        let kind = match message.purpose {
            CodePurpose::SecondFactor => "second_factor",
            CodePurpose::SignIn(_) => "code",
            CodePurpose::Verify(_) | CodePurpose::SetUp => "code of the owner",
        };
        match (message.method, message.phone) {
            (CodeMethod::Email, _) => self.limits().mails.to(names, kind, &fold_case(&user.email)),
            (CodeMethod::Sms, Some(phone)) => {
                self.limits().texts.text(names, kind, phone, &user.id)
            }
            (CodeMethod::Sms, None) | (CodeMethod::Authenticator, _) => Quota::default(),
        }
    }

    /// The same for an identity without an account. The count of all text messages is another one:
    /// nobody who sends none uses that up.
    pub(super) fn no_code_message_quota(&self, method: CodeMethod, identity: &str) -> Quota {
        let (names, identity) = (self.counters(), self.one_spelling(identity));
        match method {
            CodeMethod::Sms => {
                let nobody = UserId::new(identity.as_str());
                self.limits().texts.text(names, "no code", &identity, &nobody)
            }
            CodeMethod::Email | CodeMethod::Authenticator => {
                self.limits().mails.to(names, "code", &identity)
            }
        }
    }

    /// What a code counts that somebody asks for who is not signed in.
    pub(super) fn code_request_quota(&self, ctx: &Context, method: CodeMethod) -> Quota {
        let (limits, limit) = match method {
            CodeMethod::Sms => (&self.limits().texts, Limit::TextNetwork),
            CodeMethod::Email | CodeMethod::Authenticator => {
                (&self.limits().mails, Limit::MailNetwork)
            }
        };
        limits.of_network(self.counters(), limit, network(ctx).as_ref())
    }

    /// The limit because of which a batch was not written, and tells of it.
    pub(super) fn reached(
        &self,
        error: &CommitError,
        quota: &Quota,
        user: Option<&User>,
    ) -> Option<Reached> {
        let CommitError::Stale(Guard::Counter(counter)) = error else {
            return None;
        };
        let reached = quota.reached(counter)?;
        let (user, limit) = (user.map(Subject::of), reached.limit.name());
        self.emit(Event::LimitReached { user, limit });
        Some(reached)
    }

    /// Forgets failures at an account whose password is replaced: all at the password, but those
    /// of one network; of those at codes, what is remembered for more than a day. So who was
    /// locked out comes in again, and who reads the mail gets no more tries a day at the codes.
    pub(super) fn forget_failures(&self, user: &User) -> Vec<Change> {
        let (names, codes) = (self.counters(), &self.limits().codes);
        let mut forgotten =
            codes.known(names, CodeUse::SecondFactor, &user.id, None).forget_longer(DAY);
        let known = [Some(&user.email), user.username.as_ref(), user.phone.as_ref()];
        for identity in known.into_iter().flatten() {
            let identity = self.one_spelling(identity);
            let passwords = self.limits().passwords.everywhere(names, &identity);
            forgotten.extend(passwords.forget_longer(Duration::ZERO));
            forgotten.extend(codes.everywhere(names, &identity).forget_longer(DAY));
        }
        forgotten
    }
}

pub(super) fn network(ctx: &Context) -> Option<Network> {
    ctx.client_ip.as_deref().map(Network::of)
}
