//! Rules for guards of updates: a write takes place only if every guarded value is as expected.

use std::sync::Arc;

use fs_core::model::{SecondFactor, SignIns, UserField, UserId};
use fs_core::port::{Batch, Change, Guard, UserStore};

use super::Violation;
use super::check::{equal, holds, stale};
use super::facts::{
    add, at, bare, empty_values, full, load, other_values, present_values, role, stored,
};

fn update(user: &UserId, expect: Vec<UserField>, set: Vec<UserField>) -> Batch {
    Change::UpdateUser { user: user.clone(), expect, set }.into()
}

pub(super) async fn every_field_can_be_expected(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    for new in [full("ann"), bare("bob")] {
        let id = add(&*store, new.clone()).await?;
        let present = present_values(&stored(&id, new, Vec::new()));
        for (count, field) in present.iter().enumerate() {
            let set = vec![UserField::SignIns(SignIns {
                count: i64::try_from(count).ok(),
                ..SignIns::default()
            })];
            // The field that is written below has the value of the previous round.
            if !matches!(field, UserField::SignIns(_)) {
                store.commit(update(&id, vec![field.clone()], set)).await?;
            }
        }
        let all = present_values(&load(&*store, &id).await?);
        store.commit(update(&id, all, vec![UserField::Active(false)])).await?;
        holds(!load(&*store, &id).await?.active, "the last update was written")?;
    }
    Ok(())
}

pub(super) async fn a_field_that_is_not_as_expected_is_stale(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let ann = add(&*store, full("ann")).await?;
    let bob = add(&*store, bare("bob")).await?;
    let set = || vec![UserField::ConfirmedAt(Some(at(99)))];
    for (id, wrong) in [(&ann, [other_values(), empty_values()].concat()), (&bob, other_values())] {
        let before = load(&*store, id).await?;
        for field in wrong {
            stale(store.commit(update(id, vec![field], set())).await, Guard::User(id.clone()))?;
        }
        equal(load(&*store, id).await?, before, "the user")?;
    }

    // A field of several columns does not match if one column differs.
    let has = full("ann").sign_ins;
    for sign_ins in [
        SignIns { last_at: None, ..has.clone() },
        SignIns { current_at: Some(at(4)), ..has.clone() },
        SignIns { last_ip: Some("192.0.2.2".to_owned()), ..has.clone() },
        SignIns { current_ip: None, ..has.clone() },
        SignIns { count: Some(8), ..has },
    ] {
        let expect = vec![UserField::SignIns(sign_ins)];
        stale(store.commit(update(&ann, expect, set())).await, Guard::User(ann.clone()))?;
    }
    let has = full("ann").second_factor;
    for factor in [
        SecondFactor { method: None, ..has.clone() },
        SecondFactor { totp_secret: None, ..has.clone() },
        SecondFactor { phone: Some("+15550002".to_owned()), ..has },
    ] {
        let expect = vec![UserField::SecondFactor(factor)];
        stale(store.commit(update(&ann, expect, set())).await, Guard::User(ann.clone()))?;
    }
    Ok(())
}

pub(super) async fn all_expectations_count(store: Arc<dyn UserStore>) -> Result<(), Violation> {
    let ann = add(&*store, full("ann")).await?;
    let user = load(&*store, &ann).await?;
    for wrong in other_values() {
        for first in [true, false] {
            let mut expect = present_values(&user);
            expect.insert(if first { 0 } else { expect.len() }, wrong.clone());
            let set = vec![UserField::ConfirmedAt(None)];
            stale(store.commit(update(&ann, expect, set)).await, Guard::User(ann.clone()))?;
        }
    }
    equal(load(&*store, &ann).await?, user, "the user")
}

pub(super) async fn an_update_may_only_guard(store: Arc<dyn UserStore>) -> Result<(), Violation> {
    let ann = add(&*store, full("ann")).await?;
    let before = load(&*store, &ann).await?;
    store.commit(update(&ann, vec![], vec![])).await?;
    store.commit(update(&ann, vec![UserField::Active(true)], vec![])).await?;
    let wrong = update(&ann, vec![UserField::Active(false)], vec![]);
    stale(store.commit(wrong).await, Guard::User(ann.clone()))?;
    equal(load(&*store, &ann).await?, before, "the user")
}

pub(super) async fn nobody_cannot_be_changed(store: Arc<dyn UserStore>) -> Result<(), Violation> {
    store.commit(Change::InsertRole(role("editor", "")).into()).await?;
    let gone = add(&*store, bare("gone")).await?;
    store.commit(Change::DeleteUser(gone.clone()).into()).await?;
    for id in [gone, UserId::new("4711"), UserId::new(""), UserId::new("not a key")] {
        let guard = || Guard::User(id.clone());
        stale(store.commit(update(&id, vec![], vec![])).await, guard())?;
        let set = vec![UserField::Active(false)];
        stale(store.commit(update(&id, vec![], set)).await, guard())?;
        let set = vec![UserField::Attributes(full("x").attributes)];
        stale(store.commit(update(&id, vec![], set)).await, guard())?;
        let expect = vec![UserField::Active(true)];
        stale(store.commit(update(&id, expect, vec![])).await, guard())?;
        stale(store.commit(Change::DeleteUser(id.clone()).into()).await, guard())?;
        let (user, role) = (id.clone(), "editor".to_owned());
        stale(store.commit(Change::Grant { user, role }.into()).await, guard())?;
        let (user, role) = (id.clone(), "editor".to_owned());
        let grant = Guard::Grant { user: user.clone(), role: role.clone() };
        stale(store.commit(Change::Revoke { user, role }.into()).await, grant)?;
    }
    Ok(())
}
