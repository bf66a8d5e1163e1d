//! fs on Rocket.

use std::sync::Arc;

use fs_rocket::{Protected, SecurityFairing};
use fs_store_memory::MemoryStore;
use rocket::{get, routes};

use super::{client, protected_page, rocket, runtime};
use crate::Outcome;
use crate::site::{Editor, Site};
use crate::subject::Subject;

/// Creates a subject that requires a role, with sessions in memory.
pub(crate) fn role() -> Outcome<Box<dyn Subject>> {
    let runtime = runtime()?;
    let site = runtime.block_on(Site::create(Arc::new(MemoryStore::new())))?;
    let app = rocket().attach(SecurityFairing::new(&site.security)).mount("/", routes![show]);
    let client = runtime.block_on(client(app))?;
    protected_page(runtime, client, site.cookie)
}

#[get("/page")]
fn show(user: Protected<Editor>) -> String {
    user.email.clone()
}
