//! The texts of the catalogue in templates.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::Path;

use fs_core::message::{Label, Language, MailText, MessageKey, PageText, StatusText, TextKey};

use super::*;

fn names<K: TextKey>(keys: &[K]) -> impl Iterator<Item = &'static str> {
    keys.iter().map(|key| key.as_str())
}

fn all_names() -> BTreeSet<&'static str> {
    let pages = names(Label::ALL).chain(names(PageText::ALL)).chain(names(StatusText::ALL));
    pages.chain(names(MailText::ALL)).chain(names(MessageKey::ALL)).collect()
}

#[test]
fn templates_name_texts_that_exist_with_all_their_values() {
    let call = regex::Regex::new(r#"\bt\("(\w+)"((?:, *\w+=[^,()]*)*)"#).unwrap();
    let (english, names) = (Language::english(), all_names());
    let mut calls = 0;
    for (template, source) in builtin::TEMPLATES {
        for found in call.captures_iter(source) {
            calls += 1;
            assert!(names.contains(&found[1]), "{template}: {}", &found[1]);
            let given = found[2].split(", ").filter_map(|value| value.split_once('='));
            let given: Vec<_> = given.map(|(name, _)| (name, String::new())).collect();
            let left = english.named(&found[1], &given).unwrap();
            assert!(!left.contains("%("), "{template}: {left}");
        }
    }
    assert!(calls > 150, "{calls}");
}

#[test]
fn templates_have_no_texts_of_their_own() {
    // The macro `state` writes attributes into a tag of its caller.
    let markup = r#"(?s)\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>|aria-\w+="[^"]*"|\bautofocus\b"#;
    let markup = regex::Regex::new(markup).unwrap();
    let word = regex::Regex::new("[A-Za-z]{2,}").unwrap();
    let texts = builtin::TEMPLATES.iter().filter(|(name, _)| !name.ends_with(".css"));
    for (template, source) in texts {
        let left = markup.replace_all(source, " ");
        assert_eq!(word.find(&left).map(|found| found.as_str()), None, "{template}");
    }
}

/// Returns all sources of this crate.
fn sources(directory: &Path) -> String {
    let entries = std::fs::read_dir(directory).unwrap();
    let texts = entries.map(|entry| entry.unwrap().path()).map(|path| match path.is_dir() {
        true => sources(&path),
        false => std::fs::read_to_string(path).unwrap(),
    });
    texts.collect()
}

#[test]
fn every_text_is_used() {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let templates: String = builtin::TEMPLATES.iter().map(|(_, source)| *source).collect();
    fn unused<K: TextKey + Debug>(keys: &[K], of: &str, sources: &str, templates: &str) {
        for key in keys {
            let in_code = [format!("{of}::{key:?}"), format!("T::{key:?}")];
            let in_code = in_code.iter().any(|name| {
                let after = sources.split(name.as_str()).skip(1);
                after
                    .map(|rest| rest.chars().next())
                    .any(|next| !next.is_some_and(char::is_alphanumeric))
            });
            let in_template = templates.contains(&format!("\"{}\"", key.as_str()));
            // Spans of time are named in fs-core.
            let span = key.as_str().starts_with("span_");
            assert!(in_code || in_template || span, "nothing uses {of}::{key:?}");
        }
    }
    unused(Label::ALL, "Label", &sources, &templates);
    unused(PageText::ALL, "PageText", &sources, &templates);
    unused(StatusText::ALL, "StatusText", &sources, &templates);
    unused(MailText::ALL, "MailText", &sources, &templates);
}

#[test]
fn each_language_has_its_texts_and_others_the_default_ones() {
    let pages = pages().in_languages(&[Language::english(), Language::german()]);
    for (lang, words) in [
        (json!("de"), "Geben Sie Ihr Passwort noch einmal ein"),
        (json!("en"), "Enter your password once more"),
        (json!("fr"), "Enter your password once more"),
        (json!(7), "Enter your password once more"),
    ] {
        let context = map([("lang", lang)]);
        let html = pages.render(&full_page("verify", "sample"), &context).unwrap();
        assert!(html.contains(words), "{html}");
    }
    let mut context = full_mail("value");
    context.insert("lang".to_owned(), json!("de"));
    for name in MAILS {
        let mail = pages.render_mail(name, &context, true, true).unwrap();
        let (text, html) = (mail.text.unwrap(), mail.html.unwrap());
        assert!(html.contains("<html lang=\"de\">") && html.contains(" Sie "), "{name}: {html}");
        assert!(
            text.contains("Sie") && text.lines().all(|line| line.len() <= 82),
            "{name}: {text}"
        );
        assert!(!text.contains("\n\n\n") && !text.contains(" \n"), "{name}: {text}");
    }
}
