//! Templates of the application.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, source) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, source).unwrap();
    }
    directory
}

fn open(directory: &Path) -> Result<Pages, PagesError> {
    Pages::new(&PagesConfig { directory: Some(directory.to_owned()), ..PagesConfig::default() })
}

fn rendered(pages: &Pages, template: &str, context: &Map<String, Value>) -> String {
    pages.render(&full_page(template, "sample"), context).unwrap()
}

#[test]
fn a_file_takes_the_place_of_our_template() {
    let files = [
        (
            "security/login_user.html",
            "{% extends 'site.html' %}{% block main %}<{{ title }}>{% endblock %}",
        ),
        ("site.html", "site {% block main %}{% endblock %} {{ motto }} {{ forms[0].name }}"),
        ("security/style.css", "body { color: teal }"),
        ("security/email/welcome.txt", "Hi {{ user.email }}"),
        ("notes.md", "{% not a template"),
        (".hidden/broken.html", "{% not a template"),
    ];
    let directory = directory(&files);
    let pages = open(directory.path()).unwrap();
    let context = map([("motto", json!("<ahoy>"))]);
    assert_eq!(rendered(&pages, "login_user", &context), "site <sample> &lt;ahoy&gt; one");
    let other = rendered(&pages, "verify", &context);
    assert!(other.contains("teal") && other.contains("<form "));
    let mail = pages.render_mail("welcome", &full_mail("ann"), true, true).unwrap();
    assert_eq!(mail.text.as_deref(), Some("Hi ann"));
    assert!(mail.html.unwrap().contains("Welcome to"));
}

#[test]
fn blocks_and_macros_of_ours_can_be_used() {
    let source = "{% extends 'security/base.html' %}{% block content %}\
        {% from 'security/_macros.html' import render_field %}\
        {{ render_field(forms[0], forms[0].fields[1]) }}{% endblock %}";
    let directory = directory(&[("security/verify.html", source)]);
    let html = rendered(&open(directory.path()).unwrap(), "verify", &Map::new());
    assert_eq!(found(r#"<input type="text" id="([^"]*)""#, &html), ["one-a"]);
}

#[test]
fn a_broken_file_is_reported_with_its_line() {
    for (name, source, line, reason) in [
        ("security/verify.html", "ok\n{% if %}", 2, "syntax error"),
        ("security/verify.html", "ok\n\n{{ title | shout }}", 3, "shout"),
        ("security/verify.html", "{% include 'missing.html' %}", 1, "missing.html"),
        ("security/verify.html", "{% extends 'missing.html' %}", 1, "missing.html"),
        ("security/verify.html", "{{ url_to('login') }}", 1, "url_to"),
        ("security/verify.html", "a\n{{ extra.items() }}{{ title.items() }}", 2, "items"),
        ("security/_menu.html", "\n{{ title | shout }}", 2, "shout"),
        ("security/email/welcome.txt", "\n\n\n{% endif %}", 4, "endif"),
        ("unused.html", "{{ ", 1, "syntax error"),
    ] {
        let directory = directory(&[(name, source)]);
        let Err(error) = open(directory.path()) else { panic!("{source} is accepted") };
        let path = directory.path().join(name).display().to_string();
        match &error {
            PagesError::Template { file, line: found, reason: found_reason } => {
                assert_eq!((file, *found), (&path, line), "{source}: {error}");
                assert!(found_reason.contains(reason), "{source}: {error}");
            }
            other => panic!("{source}: {other}"),
        }
    }
}

#[test]
fn variables_that_only_the_application_knows_are_no_mistake() {
    let source =
        "{{ site.menu.first.title }}{% for x in things %}{{ x }}{% endfor %}{{ 2 * count }}";
    let directory = directory(&[("security/verify.html", source)]);
    let pages = open(directory.path()).unwrap();
    let context = map([("count", json!(3)), ("things", json!(["a", "b"]))]);
    assert_eq!(rendered(&pages, "verify", &context), "ab6");
}

#[test]
fn a_failure_names_the_file_but_no_value() {
    let directory = directory(&[("security/verify.html", "\n{{ secret + 1 }}")]);
    let pages = open(directory.path()).unwrap();
    let context = map([("secret", json!("hunter2"))]);
    let error = pages.render(&full_page("verify", "sample"), &context).unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("verify.html") && shown.contains("line 2"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_directory_that_cannot_be_read_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let error = open(&missing).unwrap_err();
    assert!(matches!(&error, PagesError::Read { path, .. } if *path == missing), "{error}");

    let binary = directory.path().join("bad.html");
    fs::write(&binary, b"\xff\xfe").unwrap();
    let error = open(directory.path()).unwrap_err();
    assert!(matches!(&error, PagesError::Read { path, .. } if *path == binary), "{error}");
}

#[test]
fn default_templates_are_written_once_and_read_again() {
    let files = [("security/login_user.html", "mine")];
    let directory = directory(&files);
    let written = Pages::write_defaults(directory.path()).unwrap();
    assert_eq!(written.len(), builtin::TEMPLATES.len() - 1, "what exists is left as it is");
    let mine = fs::read_to_string(directory.path().join("security/login_user.html")).unwrap();
    assert_eq!(mine, "mine");
    let (own, ours) =
        (open(directory.path()).unwrap(), Pages::new(&PagesConfig::default()).unwrap());
    let template = "register_user";
    let render = |pages| rendered(pages, template, &Map::new());
    assert_eq!(render(&own), render(&ours));
    assert_eq!(Pages::write_defaults(directory.path()).unwrap(), Vec::<PathBuf>::new());
}

#[test]
fn a_misspelled_name_is_found() {
    let files = [
        ("security/login_user.html", "{% include 'security/greeting.html' %}"),
        ("security/greeting.html", "Hello"),
        ("security/logn_user.html", "Hello"),
        ("security/email/welcome.text.txt", "Hello"),
        ("account.html", "Hello"),
    ];
    let directory = directory(&files);
    let pages = open(directory.path()).unwrap();
    assert_eq!(pages.misnamed(), ["security/email/welcome.text.txt", "security/logn_user.html"]);
}
