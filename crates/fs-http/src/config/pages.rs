//! Settings of templates.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Settings of templates, and the branding of pages and mails.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PagesConfig {
    /// Texts of the application's templates, by name. A template with a name of the library, such
    /// as `security/login_user.html`, replaces the library's template. Templates with other names
    /// can be included or extended by these. Use `include_str!("…")` to build the templates into
    /// the program.
    pub templates: BTreeMap<String, String>,
    /// Directory with templates of the application, which are named as in `templates`. All `.html`,
    /// `.txt` and `.css` files are read once, at the start. They take precedence over
    /// [`templates`](Self::templates).
    pub directory: Option<PathBuf>,
    /// Name and home page of the application.
    pub branding: Branding,
}

/// Name and home page of the application, shown on pages and in mails.
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
