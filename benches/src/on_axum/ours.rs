//! fs on axum.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use fs_axum::{Protected, WithSecurity};
use fs_store_memory::MemoryStore;
use fs_store_sqlx::SqlxStore;
use http::header::COOKIE;
use http::{HeaderName, HeaderValue};

use super::{page, protected_page, runtime};
use crate::Outcome;
use crate::accounts::EMAIL;
use crate::site::{Editor, Site};
use crate::subject::Subject;

/// Creates a subject whose page is open, and requested without a session.
pub(crate) fn anonymous() -> Outcome<Box<dyn Subject>> {
    let runtime = runtime()?;
    let site = runtime.block_on(Site::create(Arc::new(MemoryStore::new())))?;
    page(runtime, open_page(&site), None, ())
}

/// Creates a subject whose page is open, and requested with a session.
pub(crate) fn unused_session() -> Outcome<Box<dyn Subject>> {
    let runtime = runtime()?;
    let site = runtime.block_on(Site::create(Arc::new(MemoryStore::new())))?;
    page(runtime, open_page(&site), Some(session(&site)?), ())
}

/// Creates a subject that requires a role, with sessions in memory.
pub(crate) fn role() -> Outcome<Box<dyn Subject>> {
    let runtime = runtime()?;
    let site = runtime.block_on(Site::create(Arc::new(MemoryStore::new())))?;
    protected_page(runtime, editors_page(&site), session(&site)?, ())
}

/// Creates a subject that requires a role, with auth tokens in memory.
pub(crate) fn token() -> Outcome<Box<dyn Subject>> {
    let runtime = runtime()?;
    let site = runtime.block_on(Site::create(Arc::new(MemoryStore::new())))?;
    let name = HeaderName::from_static("authentication-token");
    protected_page(runtime, editors_page(&site), (name, HeaderValue::from_str(&site.token)?), ())
}

/// Creates a subject that requires a role, with sessions in SQLite.
pub(crate) fn sqlite() -> Outcome<Box<dyn Subject>> {
    let runtime = runtime()?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("bench.db");
    let site = runtime.block_on(async {
        let store = SqlxStore::sqlite(&file.to_string_lossy()).await?;
        store.migrate().await?;
        Site::create(Arc::new(store)).await
    })?;
    protected_page(runtime, editors_page(&site), session(&site)?, folder)
}

fn open_page(site: &Site) -> Router {
    Router::new().route("/page", get(async || EMAIL.to_owned())).with_security(&site.security)
}

fn editors_page(site: &Site) -> Router {
    let show = async |user: Protected<Editor>| user.email.clone();
    Router::new().route("/page", get(show)).with_security(&site.security)
}

fn session(site: &Site) -> Outcome<(HeaderName, HeaderValue)> {
    Ok((COOKIE, HeaderValue::from_str(&site.cookie)?))
}
