//! fs on actix-web.

use std::sync::Arc;

use actix_web::rt::System;
use actix_web::test::init_service;
use actix_web::{App, web};
use fs_actix::{Protected, SecurityMiddleware};
use fs_store_memory::MemoryStore;

use super::protected_page;
use crate::Outcome;
use crate::site::{Editor, Site};
use crate::subject::Subject;

/// Creates a subject that requires a role, with sessions in memory.
pub(crate) fn role() -> Outcome<Box<dyn Subject>> {
    let system = System::new();
    let site = system.block_on(Site::create(Arc::new(MemoryStore::new())))?;
    let app = App::new()
        .route("/page", web::get().to(show))
        .wrap(SecurityMiddleware::new(&site.security));
    let service = system.block_on(init_service(app));
    protected_page(system, service, site.cookie)
}

async fn show(user: Protected<Editor>) -> String {
    user.email.clone()
}
