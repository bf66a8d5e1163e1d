//! Charging rate limits, before the limited work is done.

use std::time::Duration;

use super::FlowError;
use super::code_message::{CodeMessage, CodePurpose};
use super::mails::decoys;
use crate::config::{CodeMethod, Disclosure};
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::identity::IdentityAttribute;
use crate::limit::{CodeUse, Limit, Limits, Network, PasswordChooser, Place, Quota, Reached};
use crate::model::{User, UserId};
use crate::password::HashLane;
use crate::port::{Batch, Change, CommitError, Guard, Receipt, fold_case};
use crate::security::Security;

/// Kind of counters that limit nothing, and only cost what others cost.
const NOTHING: &str = "nothing";

const DAY: Duration = Duration::from_secs(86_400);

impl Security {
    pub(super) fn limits(&self) -> &Limits {
        &self.config().limits
    }

    /// Charges rate limits. Returns the limit that is reached, if any; then nothing was counted.
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
            Err(error) => match self.reached(ctx, &error, quota, user) {
                Some(reached) => Ok(Some(reached)),
                None => Err(error.into()),
            },
        }
    }

    /// Refunds the charge for work that was refused. A full queue of the hashing threads is not an
    /// attempt of the client.
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

    /// Returns the hashing lane of a client. `account` is the id of a user.
    pub(super) fn lane(&self, ctx: &Context, account: &str) -> HashLane {
        HashLane::of(network(ctx).as_ref(), account)
    }

    /// Returns the hashing lane of a client who typed `identity`.
    pub(super) fn lane_of_typed(&self, ctx: &Context, identity: &str) -> HashLane {
        self.lane(ctx, &self.one_spelling(identity))
    }

    /// Returns the rate limits charged to a password attempt of a signed-in user.
    pub(super) fn signed_in_quota(&self, ctx: &Context, user: &User) -> Quota {
        let place = place(ctx, Some(user));
        self.limits().passwords.signed_in(self.counters(), &user.id, place)
    }

    /// Returns the rate limits charged to a registration, before its password is hashed.
    pub(super) fn registration_quota(&self, ctx: &Context) -> Quota {
        let (limits, names) = (&self.limits().registrations, self.counters());
        let counted = network(ctx).map(|network| limits.of_network(names, &network));
        counted.unwrap_or_default()
    }

    /// Returns the rate limits charged to a new password of a user, before it is checked.
    pub(super) fn new_password_quota(&self, user: &User, chosen_by: PasswordChooser) -> Quota {
        self.limits().passwords.new_password(self.counters(), &user.id, chosen_by)
    }

    /// Returns the rate limits charged to a change of credentials by a signed-in user.
    fn change_quota(&self, user: &User) -> Quota {
        self.limits().changes.of_user(self.counters(), &user.id)
    }

    /// Commits a change of credentials by a signed-in user, together with its rate limit. `user` is
    /// the account as it was read.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if the limit is reached, and other errors if the commit
    /// fails. Nothing was written.
    pub(super) async fn commit_change(
        &self,
        ctx: &Context,
        batch: Batch,
        user: &User,
    ) -> Result<(), FlowError> {
        self.commit_counted(ctx, batch, &self.change_quota(user), Some(user)).await
    }

    /// Returns the changes that reset the limit of an owner who proves to be one by mail, which an
    /// intruder may have used up.
    pub(super) fn forget_changes(&self, user: &User) -> Vec<Change> {
        self.change_quota(user).forget_longer(Duration::ZERO)
    }

    /// Returns the changes that reset the limits of reset mails of an owner who proves to be one by
    /// mail. The links that were mailed before end at that moment.
    pub(super) fn forget_reset_mails(&self, user: &User) -> Vec<Change> {
        let Some(rules) = &self.config().recovery else { return Vec::new() };
        let (mails, names, to) = (&self.limits().mails, self.counters(), fold_case(&user.email));
        let known = mails.to(names, "reset", &to, Place::Known);
        let elsewhere = mails.to(names, "reset", &to, Place::Other);
        let counted = known.and(elsewhere).and(mails.reserve(names, "reset", &to, rules.within));
        counted.forget_longer(Duration::ZERO)
    }

    /// Returns one canonical spelling for all identities that may mean the same account. It does
    /// not depend on whether the account exists.
    ///
    /// An identity that can be read as a mail address or phone number is normalized as one.
    /// Otherwise the many spellings of an address, each of which could also be a username, would be
    /// counted separately.
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

    /// Charges rate limits. Makes no call if nothing is limited.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if a limit is reached; do not check or send anything then.
    /// Returns other errors if the database fails.
    pub(super) async fn count(
        &self,
        ctx: &Context,
        quota: &Quota,
        user: Option<&User>,
    ) -> Result<(), FlowError> {
        self.commit_counted(ctx, Batch::new(), quota, user).await
    }

    /// Commits a batch together with its rate limits. Makes no call if there is nothing to write.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if a limit is reached, and other errors if the commit fails.
    /// Nothing was written.
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
            Err(error) => Err(match self.reached(ctx, &error, quota, user) {
                Some(reached) => FlowError::TooMany(reached.wait),
                None => error.into(),
            }),
        }
    }

    /// Commits the changes that follow a success, if no other batch contains them.
    pub(super) async fn settle(&self, changes: Vec<Change>) -> Result<(), FlowError> {
        if !changes.is_empty() {
            let mut batch = Batch::new();
            changes.into_iter().for_each(|change| batch.push(change));
            self.store().commit(batch).await?;
        }
        Ok(())
    }

    /// Charges a request for a mail to the network of the client. Call this before the account is
    /// looked up: otherwise requests that are refused, which nothing limits, would measure that
    /// look-up.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if the limit is reached, and other errors if the database
    /// fails.
    pub(super) async fn count_mail_request(&self, ctx: &Context) -> Result<(), FlowError> {
        let (mails, names) = (&self.limits().mails, self.counters());
        let of_network = mails.of_network(names, Limit::MailNetwork, network(ctx).as_ref());
        self.count(ctx, &of_network, None).await
    }

    /// Returns the rate limits charged to the address of a mail that anybody can request. `kind` is
    /// a fixed word, `user` the account of the address, if there is one, and `lifetime` that of the
    /// mailed link.
    pub(super) fn mail_quota(
        &self,
        ctx: &Context,
        (kind, lifetime): (&'static str, Duration),
        to: &str,
        user: Option<&User>,
    ) -> MailQuota {
        let (mails, names, to) = (&self.limits().mails, self.counters(), fold_case(to));
        MailQuota {
            to: mails.to(names, kind, &to, place(ctx, user)),
            reserve: mails.reserve(names, kind, &to, lifetime),
            no_to: mails.to(names, NOTHING, &to, Place::Other),
            no_reserve: mails.reserve(names, NOTHING, &to, lifetime),
        }
    }

    /// Returns the rate limits charged to a request of a user without the second factor for help.
    pub(super) fn rescue_quota(&self, ctx: &Context, user: &User) -> Quota {
        let (mails, names) = (&self.limits().mails, self.counters());
        let of_network = mails.of_network(names, Limit::MailNetwork, network(ctx).as_ref());
        mails.to(names, "rescue", &fold_case(&user.email), place(ctx, Some(user))).and(of_network)
    }

    /// Returns the rate limits charged to the address of a mail. The network is charged for the
    /// request that caused the mail.
    pub(super) fn mail_to_quota(&self, kind: &'static str, to: &str) -> Quota {
        self.limits().mails.to(self.counters(), kind, &fold_case(to), Place::Other)
    }

    /// Commits a batch with a mail that anybody can request, and wakes the worker that delivers it.
    /// Returns `false` if the limits of the address are reached; then no mail was written, and the
    /// caller gives its usual answer.
    ///
    /// Those limits depend on the networks of the owner. Where answers must not reveal accounts, the
    /// work is the same whether or not one is reached: of three commits, one succeeds and two are
    /// refused.
    ///
    /// # Errors
    ///
    /// Returns an error if a commit fails. The mail may have been written.
    pub(super) async fn commit_mail(
        &self,
        ctx: &Context,
        batch: Batch,
        quota: MailQuota,
        user: Option<&User>,
    ) -> Result<bool, FlowError> {
        let MailQuota { to, reserve, no_to, no_reserve } = quota;
        let hides = self.config().disclosure == Disclosure::Generic && !to.is_empty();
        let stands_in = |quota: &Quota| if hides { quota.uncapped(ctx.now) } else { Vec::new() };
        let with = |batch: &Batch, counts: Vec<Change>| {
            let mut batch = batch.clone();
            batch.extend(counts);
            batch
        };
        let by_limit = with(&batch, stands_in(&no_reserve));
        let by_reserve = with(&batch, stands_in(&no_to));
        let (sent, vain) = if self.try_mail(ctx, by_limit, &to, user).await? {
            (true, 2)
        } else if self.try_mail(ctx, by_reserve, &reserve, user).await? {
            (true, 1)
        } else {
            (false, 0)
        };
        if hides {
            let nothing = with(&decoys(&batch), stands_in(&no_reserve));
            for _ in 0..vain {
                self.try_in_vain(with(&nothing, to.in_vain(ctx.now))).await?;
            }
            if !sent {
                self.store().commit(with(&nothing, stands_in(&no_to))).await?;
            }
        }
        self.mail_waits();
        Ok(sent)
    }

    /// Commits a batch with a mail. Returns `false` if a limit of its address is reached; then
    /// nothing was written.
    pub(super) async fn try_mail(
        &self,
        ctx: &Context,
        mut batch: Batch,
        quota: &Quota,
        user: Option<&User>,
    ) -> Result<bool, FlowError> {
        quota.counts(ctx.now).into_iter().for_each(|count| batch.push(count));
        match self.store().commit(batch).await {
            Ok(_) => Ok(true),
            Err(error) => match self.reached(ctx, &error, quota, user) {
                Some(_) => Ok(false),
                None => Err(error.into()),
            },
        }
    }

    /// Does the work of a commit that is refused. Returns the guard that failed, so nothing was
    /// written.
    pub(super) async fn try_in_vain(&self, batch: Batch) -> Result<Option<Guard>, FlowError> {
        match self.store().commit(batch).await {
            Ok(_) => Ok(None),
            Err(CommitError::Stale(guard @ (Guard::Counter(_) | Guard::Secret))) => Ok(Some(guard)),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the rate limits charged to a code that is sent to a user.
    ///
    /// Codes that only the owner can request have limits of their own: those of a second factor,
    /// and those of a signed-in user. Otherwise anybody who knows an address or phone number could
    /// use up the codes that its owner needs to sign in.
    pub(super) fn code_message_quota(&self, ctx: &Context, message: &CodeMessage<'_>) -> Quota {
        let (names, user) = (self.counters(), message.user);
        let place = place(ctx, Some(user));
        let kind = match message.purpose {
            CodePurpose::SecondFactor => "second_factor",
            CodePurpose::SignIn(_) => "code",
            CodePurpose::Verify(_) | CodePurpose::SetUp => "code of the owner",
        };
        // A number that is not proven may be somebody else's, who needs codes of the other kinds.
        let proven = [&user.second_factor.phone, &user.phone];
        let is_proven = |phone| proven.into_iter().flatten().any(|proven| *proven == phone);
        let kind = match message.phone {
            Some(phone) if !is_proven(phone) => "code to an unproven number",
            _ => kind,
        };
        match (message.method, message.phone) {
            (CodeMethod::Email, _) => {
                self.limits().mails.to(names, kind, &fold_case(&user.email), place)
            }
            (CodeMethod::Sms, Some(phone)) => {
                self.limits().texts.text(names, kind, phone, (&user.id, place))
            }
            (CodeMethod::Sms, None) | (CodeMethod::Authenticator, _) => Quota::default(),
        }
    }

    /// Returns the rate limits charged to a code request for an identity without an account. The
    /// limits of real text messages are not charged, because none is sent.
    pub(super) fn no_code_message_quota(&self, method: CodeMethod, whom: &str) -> Quota {
        let (names, place) = (self.counters(), Place::Other);
        match method {
            CodeMethod::Sms => {
                self.limits().texts.text(names, "no code", whom, (&UserId::new(whom), place))
            }
            CodeMethod::Email | CodeMethod::Authenticator => {
                self.limits().mails.to(names, "code", whom, place)
            }
        }
    }

    /// Returns the rate limits charged to an unauthenticated request for a code.
    pub(super) fn code_request_quota(&self, ctx: &Context, method: CodeMethod) -> Quota {
        let (limits, limit) = match method {
            CodeMethod::Sms => (&self.limits().texts, Limit::TextNetwork),
            CodeMethod::Email | CodeMethod::Authenticator => {
                (&self.limits().mails, Limit::MailNetwork)
            }
        };
        limits.of_network(self.counters(), limit, network(ctx).as_ref())
    }

    /// Returns the limit because of which a commit failed, and emits an event.
    pub(super) fn reached(
        &self,
        ctx: &Context,
        error: &CommitError,
        quota: &Quota,
        user: Option<&User>,
    ) -> Option<Reached> {
        let CommitError::Stale(Guard::Counter(counter)) = error else {
            return None;
        };
        let reached = quota.reached(counter)?;
        let (user, limit) = (user.map(Subject::of), reached.limit.name());
        self.emit(ctx, Event::LimitReached { user, limit });
        Some(reached)
    }

    /// Returns the changes that reset the failed attempts of an account whose password was
    /// replaced, by a client with access to the mailbox.
    ///
    /// All limits of password attempts are reset, except those of other networks. Limits of code
    /// attempts are reset only if they last longer than a day. So a locked-out owner can sign in
    /// again, while somebody with access to the mailbox gets no additional attempts at codes per
    /// day. [`commit_reset`](Self::commit_reset) makes an exception once a day.
    pub(super) fn forget_failures(&self, ctx: &Context, user: &User) -> Vec<Change> {
        let (names, codes) = (self.counters(), &self.limits().codes);
        let passwords = &self.limits().passwords;
        let mut forgotten = Vec::new();
        for place in [Place::Known, Place::Other] {
            let of_factor = codes.known(names, CodeUse::SecondFactor, (&user.id, place), None);
            forgotten.extend(of_factor.forget_longer(DAY));
            // Those that a copied session used up.
            let signed_in = passwords.signed_in(names, &user.id, place);
            forgotten.extend(signed_in.forget_longer(Duration::ZERO));
        }
        forgotten.extend(self.forget_changes(user));
        forgotten.extend(self.forget_reset_mails(user));
        // A username of digits shares its counts with a phone number, which may be somebody else's.
        let username = user.username.as_ref();
        let username = username.filter(|name| self.one_spelling(name) == fold_case(name));
        let known = [Some(&user.email), username, user.phone.as_ref()];
        for identity in known.into_iter().flatten() {
            let identity = self.one_spelling(identity);
            let everywhere = passwords.everywhere(names, &identity);
            forgotten.extend(everywhere.forget_longer(Duration::ZERO));
            forgotten.extend(codes.everywhere(names, &identity).forget_longer(DAY));
            if let Some(network) = network(ctx) {
                let here = passwords.here(names, &identity, &network);
                forgotten.extend(here.forget_longer(Duration::ZERO));
                let codes_here = codes.here(names, &identity, &network);
                forgotten.extend(codes_here.forget_longer(DAY));
            }
        }
        forgotten
    }

    /// Commits a password reset. Once a day, it also resets the attempts at codes that somebody who
    /// knew the old password used up.
    pub(super) async fn commit_reset(
        &self,
        ctx: &Context,
        batch: Batch,
        user: &User,
    ) -> Result<Receipt, CommitError> {
        let (names, codes) = (self.counters(), &self.limits().codes);
        let renewal = codes.renewal(names, &user.id);
        let mut renewing = batch.clone();
        renewal.counts(ctx.now).into_iter().for_each(|count| renewing.push(count));
        for place in [Place::Known, Place::Other] {
            for used_as in [CodeUse::SecondFactor, CodeUse::SignedIn] {
                let used_up = codes.known(names, used_as, (&user.id, place), None);
                renewing.extend(used_up.forget_longer(Duration::ZERO));
            }
        }
        match self.store().commit(renewing).await {
            Err(CommitError::Stale(Guard::Counter(full))) if renewal.reached(&full).is_some() => {
                self.store().commit(batch).await
            }
            done => done,
        }
    }
}

/// Rate limits charged to the address of a mail that anybody can request.
pub(super) struct MailQuota {
    to: Quota,
    /// Charged instead of `to` if that is reached.
    reserve: Quota,
    /// Stands in for `to` if that is not charged.
    no_to: Quota,
    /// Stands in for `reserve` if that is not charged.
    no_reserve: Quota,
}

pub(super) fn network(ctx: &Context) -> Option<Network> {
    ctx.client_ip_text().as_deref().map(Network::of)
}

/// Returns the place of a request for an account, if there is one.
pub(super) fn place(ctx: &Context, user: Option<&User>) -> Place {
    Place::of(network(ctx).as_ref(), user.map(|user| &user.sign_ins))
}
