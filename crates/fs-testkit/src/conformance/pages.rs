//! Rules for listings of users.

use std::sync::Arc;

use fs_core::model::NewUser;
use fs_core::port::{Change, Page, UserStore};

use super::Violation;
use super::check::equal;
use super::facts::{add, bare, full, load, role, uniquifier};

async fn emails(store: &dyn UserStore, offset: u32, limit: u32) -> Result<Vec<String>, Violation> {
    let users = store.users(Page { offset, limit }).await?;
    Ok(users.into_iter().map(|user| user.email).collect())
}

pub(super) async fn users_are_listed_by_address(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    equal(emails(&*store, 0, 10).await?, Vec::new(), "an empty store")?;
    // The order is by bytes: capitals before small letters, and ASCII before others, independent of
    // any language.
    let mut names = ["b", "a", "B", "_", "ä", "aa", "z", "Z"];
    for name in names {
        add(&*store, NewUser { email: name.to_owned(), ..bare(name) }).await?;
    }
    names.sort_unstable();
    equal(emails(&*store, 0, 100).await?, names.map(str::to_owned).to_vec(), "the order")
}

pub(super) async fn pages_do_not_overlap(store: Arc<dyn UserStore>) -> Result<(), Violation> {
    let names = ["reader", "editor", "admin"];
    for name in names {
        store.commit(Change::InsertRole(role(name, "x")).into()).await?;
    }
    let mut ids = Vec::new();
    for number in 0..5 {
        let roles = names.iter().take(number).map(|name| (*name).to_owned()).collect();
        let name = format!("user{number}");
        let uniquifier = uniquifier(&name);
        ids.push(add(&*store, NewUser { roles, uniquifier, ..full(&name) }).await?);
    }
    let mut users = Vec::new();
    for id in &ids {
        users.push(load(&*store, id).await?);
    }
    let mut seen = Vec::new();
    for (offset, size) in [(0, 2), (2, 2), (4, 1), (6, 0)] {
        let page = store.users(Page { offset, limit: 2 }).await?;
        equal(page.len(), size, &format!("users from {offset}"))?;
        seen.extend(page);
    }
    equal(seen, users, "all pages")?;
    equal(emails(&*store, 0, 0).await?, Vec::new(), "a page of none")?;
    equal(emails(&*store, 0, u32::MAX).await?.len(), 5, "a page of all")?;
    equal(emails(&*store, u32::MAX, u32::MAX).await?, Vec::new(), "the last page")
}
