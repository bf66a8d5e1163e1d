//! Mails of a site.

use std::path::PathBuf;
use std::sync::OnceLock;

use fs_core::port::OutgoingMail;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::{BASE_URL, Site};
use crate::calls::{Call, Calls};

const KINDS: [&str; 12] = [
    "account_exists",
    "change_notice",
    "confirmation_instructions",
    "recovery_code_used",
    "recovery_codes_made",
    "remembered_browser_ended",
    "reset_instructions",
    "reset_notice",
    "second_factor_changed",
    "sign_in_method_changed",
    "two_factor_instructions",
    "welcome",
];
/// Template whose rendering fails when [`context`] injects a fault.
const PLAIN: &str =
    "{% if broken %}{{ 1 // 0 }}{% endif %}Hello\n{{ confirmation_link or reset_link }}\n";

/// Creates a directory with a plain template for each mail. It is kept until the process ends.
#[expect(clippy::expect_used, reason = "a test that has no place for its files has failed")]
pub(super) fn plain_templates() -> PathBuf {
    static DIRECTORY: OnceLock<TempDir> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(|| {
        let directory = tempfile::tempdir().expect("a directory");
        let mails = directory.path().join("security").join("email");
        std::fs::create_dir_all(&mails).expect("a directory");
        for kind in KINDS {
            std::fs::write(mails.join(format!("{kind}.txt")), PLAIN).expect("a file");
        }
        directory
    });
    directory.path().to_owned()
}

/// Returns the additional context of mail templates. The library calls it once per mail.
pub(super) fn context(calls: &Calls) -> Map<String, Value> {
    match calls.note(Call::Compose) {
        None => Map::new(),
        Some(_) => Map::from_iter([("broken".to_owned(), json!(true))]),
    }
}

impl Site {
    /// Delivers the waiting mails, and returns all mails that were delivered since the last time.
    ///
    /// # Panics
    ///
    /// Panics if the store fails.
    #[expect(clippy::expect_used, reason = "a test whose mails cannot be read has failed")]
    pub async fn mails(&self) -> Vec<OutgoingMail> {
        self.core().deliver_mails().await.expect("mails are delivered");
        self.mailer.take().into_iter().map(|(_, mail)| mail).collect()
    }
}

/// Returns the path of the first link to the site in a mail, or `None` if there is no link.
pub fn link_in(mail: &OutgoingMail) -> Option<String> {
    let text = mail.text.as_deref().or(mail.html.as_deref())?;
    let (_, link) = text.split_once(BASE_URL)?;
    let end = link.find(|c: char| c.is_whitespace() || "\"'<>".contains(c));
    link.get(..end.unwrap_or(link.len())).map(str::to_owned)
}
