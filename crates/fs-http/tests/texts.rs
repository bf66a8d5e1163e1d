//! The table of all texts for people in the book, which is generated.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fmt::Write;

use fs_core::message::{Label, MailText, MessageKey, PageText, StatusText, TextKey};

const PAGE: &str = include_str!("../../../docs/book/texts.md");

/// Variable that writes the page instead of comparing it.
const UPDATE: &str = "FS_UPDATE_DOCS";

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn english(key: impl TextKey) -> String {
    let english = key.english();
    let other = cell(english.other);
    english.one.map_or_else(|| other.clone(), |one| format!("{} / {other}", cell(one)))
}

fn table<K: TextKey>(page: &mut String, title: &str, keys: &[K]) {
    writeln!(page, "\n## {title}\n\n| key | English |\n| --- | --- |").unwrap();
    for key in keys {
        writeln!(page, "| `{}` | {} |", key.as_str(), english(*key)).unwrap();
    }
}

fn page() -> String {
    let mut page = "# Texts\n\n\
        Every text for people has a key. Replace messages with `messages` in the settings, or all texts with a language \
        of your own ([Languages](customising.md#languages)). `%(name)s` is a value. Two texts with a slash \
        between them are the forms for one and for several.\n\n\
        This page is generated: `FS_UPDATE_DOCS=1 cargo test -p fs-http --test texts`.\n\n\
        ## Messages\n\n| key | severity | English | when, with which values |\n| --- | --- | --- | --- |\n"
        .to_owned();
    for key in MessageKey::ALL {
        let (severity, when) = (key.default_category().as_str(), cell(key.description()));
        let text = english(*key);
        writeln!(page, "| `{}` | {severity} | {text} | {when} |", key.as_str()).unwrap();
    }
    table(&mut page, "Labels, buttons and titles", Label::ALL);
    table(&mut page, "Sentences of pages", PageText::ALL);
    table(&mut page, "Pages of errors", StatusText::ALL);
    table(&mut page, "Mails", MailText::ALL);
    page
}

#[test]
fn the_book_lists_every_text() {
    let page = page();
    if std::env::var_os(UPDATE).is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/book/texts.md");
        std::fs::write(path, &page).unwrap();
        return;
    }
    assert!(PAGE == page, "docs/book/texts.md is out of date: set {UPDATE} and run this test");
}
