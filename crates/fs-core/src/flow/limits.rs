//! Counting what is limited, before it is done.

use std::time::Duration;

use super::FlowError;
use super::codes::{CodeMessage, CodePurpose};
use crate::config::CodeMethod;
use crate::event::{Event, Subject};
use crate::identity::IdentityAttribute;
use crate::limit::{CodeUse, Limit, Limits, Network, Reached, Stranger, Tally};
use crate::model::User;
use crate::port::{Batch, Change, CommitError, Guard, fold_case};
use crate::security::{Context, Security};

const DAY: Duration = Duration::from_secs(86_400);

/// What an attempt to sign in counts.
pub(super) struct SignInTally {
    /// At the password.
    pub(super) password: Tally,
    /// At codes.
    pub(super) code: Tally,
}

impl Security {
    pub(super) fn limits(&self) -> &Limits {
        &self.config().limits
    }

    /// What somebody counts who is not signed in, typed `identity`, and means `user` by it, if
    /// there is such an account.
    pub(super) fn sign_in_tally(
        &self,
        ctx: &Context,
        identity: &str,
        user: Option<&User>,
    ) -> SignInTally {
        let network = network(ctx);
        let at_home = network.as_ref().is_some_and(|network| {
            let sign_ins = user.map(|user| &user.sign_ins);
            let known = sign_ins.map(|known| [&known.current_ip, &known.last_ip]);
            known.into_iter().flatten().flatten().any(|ip| Network::of(ip) == *network)
        });
        let identity = self.one_spelling(identity);
        let who = Stranger { identity: &identity, network: network.as_ref(), at_home };
        SignInTally {
            password: self.limits().passwords.stranger(self.counters(), &who),
            code: self.limits().codes.stranger(self.counters(), &who),
        }
    }

    /// What a password counts that is given by who is signed in.
    pub(super) fn signed_in_tally(&self, user: &User) -> Tally {
        self.limits().passwords.signed_in(self.counters(), &user.id)
    }

    /// What a new account counts, before the hash that it costs.
    pub(super) fn registration_tally(&self, ctx: &Context) -> Tally {
        let (passwords, names) = (&self.limits().passwords, self.counters());
        let counted = network(ctx).map(|network| passwords.of_network(names, &network));
        counted.unwrap_or_default()
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
        tally: &Tally,
        user: Option<&User>,
    ) -> Result<(), FlowError> {
        self.commit_counted(ctx, Batch::new(), tally, user).await
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
        tally: &Tally,
        user: Option<&User>,
    ) -> Result<(), FlowError> {
        tally.counts(ctx.now).into_iter().for_each(|count| batch.push(count));
        if batch.is_empty() {
            return Ok(());
        }
        match self.store().commit(batch).await {
            Ok(_) => Ok(()),
            Err(error) => Err(match self.reached(&error, tally, user) {
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
    pub(super) fn mail_tally(&self, ctx: &Context, kind: &'static str, to: &str) -> Tally {
        let mails = &self.limits().mails;
        let to = mails.to(self.counters(), kind, &fold_case(to));
        to.and(mails.of_network(self.counters(), Limit::MailNetwork, network(ctx).as_ref()))
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
        tally: Tally,
        user: Option<&User>,
    ) -> Result<bool, FlowError> {
        tally.counts(ctx.now).into_iter().for_each(|count| batch.push(count));
        match self.store().commit(batch).await {
            Ok(_) => Ok(true),
            Err(error) => match self.reached(&error, &tally, user) {
                Some(Reached { limit: Limit::MailNetwork, wait }) => Err(FlowError::TooMany(wait)),
                Some(_) => Ok(false),
                None => Err(error.into()),
            },
        }
    }

    /// What a code counts that is sent to somebody, from wherever it is asked for.
    ///
    /// Those of a second factor, which come after the first one, are counted apart: else who knows
    /// an address or a number could use up what its owner signs in by.
    pub(super) fn code_message_tally(&self, message: &CodeMessage<'_>) -> Tally {
        let (names, user) = (self.counters(), message.user);
        let kind = match message.purpose {
            CodePurpose::SecondFactor => "second_factor",
            CodePurpose::SignIn(_) | CodePurpose::SetUp => "code",
        };
        match (message.method, message.phone) {
            (CodeMethod::Email, _) => self.limits().mails.to(names, kind, &fold_case(&user.email)),
            (CodeMethod::Sms, Some(phone)) => {
                self.limits().texts.text(names, kind, phone, &user.id)
            }
            (CodeMethod::Sms, None) | (CodeMethod::Authenticator, _) => Tally::default(),
        }
    }

    /// The same for an identity without an account.
    pub(super) fn no_code_message_tally(&self, identity: &str) -> Tally {
        self.limits().mails.to(self.counters(), "code", &self.one_spelling(identity))
    }

    /// What a code counts that somebody asks for who is not signed in.
    pub(super) fn code_request_tally(&self, ctx: &Context, method: CodeMethod) -> Tally {
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
        tally: &Tally,
        user: Option<&User>,
    ) -> Option<Reached> {
        let CommitError::Stale(Guard::Counter(counter)) = error else {
            return None;
        };
        let reached = tally.reached(counter)?;
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

fn network(ctx: &Context) -> Option<Network> {
    ctx.client_ip.as_deref().map(Network::of)
}
