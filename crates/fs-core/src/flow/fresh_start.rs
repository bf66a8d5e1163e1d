//! Starting afresh with an account that somebody else registered with one's address.
//!
//! A registration sets a password, perhaps a username and more, before anybody has proven access to
//! the mailbox. If the holder of the mailbox does not know that password, the account starts
//! afresh: nothing that was typed or set up before is kept.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::claim::{NameStanding, takes, username_lookup};
use super::register::taken_username;
use super::second_factor::no_second_factor;
use super::undo_record::{changed_by_another, no_password_undo};
use super::{FlowError, Problem};
use crate::config::Disclosure;
use crate::context::Context;
use crate::identity::IdentityAttribute;
use crate::model::{PasswordHash, SignIns, User, UserField};
use crate::port::{Batch, CommitError, UserLookup};
use crate::security::Security;

/// Details that replace those of the registration, typed by the holder of the mailbox.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct NewDetails {
    /// Username, if accounts have one.
    pub username: Option<String>,
    /// Values of the declared extra fields. Undeclared fields are ignored.
    pub fields: Map<String, Value>,
}

/// Details that passed validation.
#[derive(Clone)]
pub(super) struct CheckedDetails {
    username: Option<String>,
    standing: NameStanding,
    attributes: Map<String, Value>,
}

impl Security {
    /// Validates the details that replace those of an unconfirmed account. If registration is
    /// closed, an administrator set the details, and they are kept.
    pub(super) async fn check_details(
        &self,
        ctx: &Context,
        user: &User,
        typed: &NewDetails,
    ) -> Result<Result<CheckedDetails, Vec<Problem>>, FlowError> {
        let mut username = user.username.clone();
        let mut standing = NameStanding::Unclaimed;
        let mut attributes = user.attributes.clone();
        let Some(rules) = &self.config().registration else {
            return Ok(Ok(CheckedDetails { username, standing, attributes }));
        };
        let mut problems = Vec::new();
        if self.config().usernames {
            match self.check_username(typed.username.as_deref().unwrap_or_default()) {
                Ok(name) => username = name,
                Err(problem) => problems.push(problem),
            }
        }
        for field in &rules.fields {
            attributes.remove(&field.name);
            match field.accept(typed.fields.get(&field.name)) {
                Ok(None) => {}
                Ok(Some(value)) => drop(attributes.insert(field.name.clone(), value)),
                Err(problem) => problems.push(problem),
            }
        }
        if let Some(name) = username.as_deref().filter(|_| problems.is_empty()) {
            standing = self.standing(ctx, name, user).await?;
            let tells = self.config().disclosure == Disclosure::Explicit;
            if standing == NameStanding::Taken && tells {
                problems.push(taken_username(name));
            }
        }
        Ok(match problems.is_empty() {
            true => Ok(CheckedDetails { username, standing, attributes }),
            false => Err(problems),
        })
    }

    /// Looks up for whom the username is that an account is to have. The work is the same whether
    /// another account has it or not.
    async fn standing(
        &self,
        ctx: &Context,
        name: &str,
        user: &User,
    ) -> Result<NameStanding, FlowError> {
        let by = UserLookup::Identity(username_lookup(name));
        let owner = self.store().user(&by).await?;
        if owner.as_ref().is_some_and(|owner| owner.id == user.id) {
            return Ok(NameStanding::Unclaimed);
        }
        let is_reserved = self.is_reserved_for(ctx, name, &user.email).await?;
        Ok(match (owner, is_reserved) {
            (Some(_), _) => NameStanding::Taken,
            (None, true) => NameStanding::Reserved,
            (None, false) => NameStanding::Unclaimed,
        })
    }

    /// Returns the changes that confirm an account and discard everything that it held before:
    /// password, details, sign-in methods, second factor, recovery codes, sessions, tokens and
    /// links. Updates `user` accordingly.
    pub(super) fn start_afresh(
        &self,
        ctx: &Context,
        user: &mut User,
        password: Option<PasswordHash>,
        details: CheckedDetails,
        signs_in: bool,
    ) -> Result<Batch, FlowError> {
        let still = vec![UserField::Email(user.email.clone()), UserField::ConfirmedAt(None)];
        // The recorded sign-ins are somebody else's.
        user.sign_ins = SignIns::default();
        let mut batch = self.replace_password(ctx, user, password, signs_in, None)?;
        let mut set = no_second_factor();
        set.push(UserField::ConfirmedAt(Some(ctx.now)));
        set.push(UserField::SignInSecrets(BTreeMap::new()));
        set.push(UserField::Phone(None));
        set.push(UserField::SignIns(user.sign_ins.clone()));
        if user.token_uniquifier.is_some() {
            set.push(UserField::TokenUniquifier(Some(self.new_uniquifier()?)));
        }
        if details.username != user.username {
            let names = |name: &Option<String>| name.as_deref().map(username_lookup);
            let before = names(&user.username);
            before.iter().for_each(|name| batch.extend(self.release(name, &user.email)));
            let after = names(&details.username);
            after.iter().for_each(|name| batch.push(self.claim(ctx, name)));
            let name = details.username.as_deref();
            batch.extend(self.reserve(ctx, name, &user.email, details.standing));
            set.push(UserField::Username(details.username));
        }
        if details.attributes != user.attributes {
            set.push(UserField::Attributes(details.attributes));
        }
        set.iter().cloned().for_each(|field| field.write(user));
        batch.extend(changed_by_another(&user.id, still, set));
        batch.push(no_password_undo(&user.id));
        Ok(batch)
    }
}

/// Returns the problem of the username, if the commit failed because it is taken.
pub(super) fn username_lost(error: &CommitError, user: &User) -> Option<Problem> {
    let name = user.username.as_deref().unwrap_or_default();
    takes(error, IdentityAttribute::Username).then(|| taken_username(name))
}
