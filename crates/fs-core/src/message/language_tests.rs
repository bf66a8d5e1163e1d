//! Tests of languages.

use std::collections::BTreeSet;

use super::*;

fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    names.into_iter().collect()
}

#[test]
fn names_are_unique() {
    let keys = Label::ALL.len() + PageText::ALL.len() + StatusText::ALL.len() + MailText::ALL.len();
    assert_eq!(ENGLISH.len(), keys + MessageKey::ALL.len());
}

#[test]
fn german_is_complete() {
    let german = Language::german();
    assert_eq!(german.tag(), "de");
    assert_eq!(german.missing(), Vec::<String>::new());
    assert_eq!(german.0.file.texts.len(), ENGLISH.len());
}

#[test]
fn german_has_the_values_of_english() {
    for (name, text) in &Language::german().0.file.texts {
        let english = ENGLISH[name.as_str()];
        for (form, text) in text.forms() {
            let mut expected = set(names(english.other));
            // "One is left" needs no number.
            if form == PluralCategory::One && english.one.is_some_and(|one| names(one).is_empty()) {
                expected.clear();
            }
            assert_eq!(set(names(text)), expected, "{name}: {text}");
        }
    }
}

#[test]
fn german_differs_from_english() {
    // Words that both languages have.
    let same = ["code"];
    for (name, text) in &Language::german().0.file.texts {
        let english = ENGLISH[name.as_str()].other;
        let differs = text.forms().iter().all(|(_, text)| *text != english);
        assert!(differs || same.contains(&name.as_str()), "{name}: {english}");
    }
}

#[test]
fn plural_forms_are_picked_by_number() {
    let german = Language::german();
    for (seconds, text) in [
        (1, "1 Sekunde"),
        (60, "1 Minute"),
        (300, "5 Minuten"),
        (86_400, "1 Tag"),
        (172_800, "2 Tage"),
        (0, "0 Sekunden"),
    ] {
        assert_eq!(german.span(Duration::from_secs(seconds)), text);
    }
    let left = |language: &Language, number: &str| {
        language.text(MailText::MailRecoveryLeft, &[("left", number.to_owned())])
    };
    assert_eq!(left(&german, "1"), "Einer ist übrig: Erzeugen Sie bald neue.");
    assert_eq!(left(&german, "7"), "Es sind noch 7 Codes übrig.");
    assert_eq!(left(&Language::english(), "1"), "One is left: make new ones soon.");
    assert_eq!(left(&Language::english(), "7"), "There are 7 codes left.");
}

#[test]
fn languages_with_more_forms_have_them() {
    let polish = Language::from_toml(
        r#"
        tag = "pl"
        [texts]
        span_minutes = { one = "%(count)d minuta", few = "%(count)d minuty", many = "%(count)d minut", other = "%(count)d minuty" }
        span_hours = { one = "%(count)d godzina", other = "%(count)d godziny" }
        "#,
    )
    .unwrap();
    let minutes = |count: u64| polish.span(Duration::from_secs(60 * count));
    assert_eq!([1, 3, 5, 22].map(minutes), ["1 minuta", "3 minuty", "5 minut", "22 minuty"]);
    let missing = polish.missing();
    assert!(missing.contains(&"span_hours.few".to_owned()), "{missing:?}");
    assert!(!missing.iter().any(|name| name.starts_with("span_minutes")), "{missing:?}");
}

#[test]
fn a_partial_language_falls_back_to_english() {
    let french = Language::from_toml("tag = \"fr\"\n[texts]\nsign_in = \"Se connecter\"").unwrap();
    assert_eq!(french.text(Label::SignIn, &[]), "Se connecter");
    assert_eq!(french.text(Label::Remove, &[]), "Remove");
    assert_eq!(french.span(Duration::from_secs(60)), "1 minute");
    assert_eq!(french.named("no_such_text", &[]), None);
}

#[test]
fn mistakes_in_a_file_are_named() {
    let error = |file: &str| Language::from_toml(file).map(drop).unwrap_err().to_string();
    for (file, part) in [
        ("tag = \"no tag\"", "\"no tag\" is not a language tag"),
        ("tag = \"fr\"\n[texts]\nsing_in = \"x\"", "no text \"sing_in\""),
        ("tag = \"fr\"\n[texts]\nsign_in = \"%(name)s\"", "the value \"name\""),
        ("tag = \"fr\"\n[texts]\nspan_days = { one = \"x\" }", "write a text, or"),
        ("tags = \"fr\"", "tags"),
    ] {
        let error = error(file);
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn the_closest_language_is_found() {
    let austrian = Language::from_toml("tag = \"de-at\"").unwrap();
    let all = [Language::english(), austrian, Language::german()];
    let found = |tag| Language::find(&all, tag).map(Language::tag);
    assert_eq!(found("de"), Some("de"));
    assert_eq!(found("DE-at"), Some("de-AT"));
    assert_eq!(found("de-Latn-CH-1901"), Some("de"));
    assert_eq!(found("fr"), None);
    assert_eq!(found(""), None);
    assert_eq!(found("d"), None);
    assert_eq!(Language::find(&all[..2], "de").map(Language::tag), Some("de-AT"));
}

#[test]
fn settings_name_a_language_or_hold_it() {
    let read = |value| serde_json::from_value::<Language>(value).map_err(|error| error.to_string());
    assert_eq!(read("de".into()).unwrap().tag(), "de");
    let error = read("fr".into()).unwrap_err();
    assert!(error.contains("no texts for \"fr\""), "{error}");
    let own = serde_json::json!({ "tag": "fr", "texts": { "sign_in": "Se connecter" } });
    let french = read(own.clone()).unwrap();
    assert_eq!(serde_json::to_value(&french).unwrap(), own);
    assert_eq!(serde_json::to_value(Language::german()).unwrap(), "de");
}
