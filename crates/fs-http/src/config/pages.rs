//! Settings of templates.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Settings of templates, and the branding of pages and mails.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PagesConfig {
    /// Templates of the application, by name. `security/login_user.html` replaces the library's
    /// template of that name; others can be included or extended. Use it with `include_str!("…")`
    /// for a program in a single file.
    pub templates: BTreeMap<String, String>,
    /// Directory with templates of the application. A file `security/login_user.html` replaces the
    /// library's template of that name; others can be included or extended. All `.html`, `.txt` and
    /// `.css` files are read once, at the start. They take precedence over
    /// [`templates`](Self::templates).
    pub directory: Option<PathBuf>,
    /// Name and home page to show on pages and in mails.
    pub branding: Branding,
}

/// Branding of the application.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Branding {
    /// Name of the application.
    pub name: String,
    /// Target of the link on the name: a path or URL.
    pub home_url: String,
}

impl Default for Branding {
    fn default() -> Self {
        Self { name: "My application".to_owned(), home_url: "/".to_owned() }
    }
}
