//! Coverage test: every branch of every built-in template is rendered in some journey.
//!
//! Each `{% if %}` and `{% for %}` of the templates gets marks: one for each branch, and one for an
//! `if` that does not hold and has no `else`. People then go through every page and get every mail.
//! A mark that was never rendered fails the test: a variable does not reach the template, or the
//! branch can be removed.

#[path = "branches/application.rs"]
mod application;
#[path = "branches/people.rs"]
mod journeys;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use fs_core::message::{Label, Language, MailText, MessageKey, PageText, StatusText, TextKey};
use fs_testkit::site::Setup;
use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{Environment, UndefinedBehavior, context};
use regex::{Captures, Regex};

/// Templates with branches for an application's own pages, which the built-in endpoints do not
/// need.
const FOR_APPLICATIONS: [&str; 4] = ["_macros.html", "base.html", "error.html", "notice.html"];

/// Marks that were rendered.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<BTreeSet<String>>>);

/// All templates with their marks.
#[derive(Clone)]
struct Marked {
    env: Arc<Environment<'static>>,
    marks: BTreeSet<String>,
    seen: Seen,
    language: Language,
    /// Every page, mail and JSON answer.
    texts: Arc<Mutex<Vec<String>>>,
}

impl Marked {
    fn new(language: Language) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Chainable);
        let seen = Seen::default();
        let noted = seen.clone();
        env.add_function("seen", move |mark: String| {
            noted.0.lock().unwrap().insert(mark);
            ""
        });
        let texts = language.clone();
        env.add_function("t", move |name: String, values: Kwargs| text(&texts, &name, &values));
        env.add_filter("wrap", |text: String| text);
        let mut marks = BTreeSet::new();
        for folder in ["security", "security/email"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    continue;
                }
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                let source = std::fs::read_to_string(&path).unwrap();
                let source = marked(name.trim_start_matches("security/"), &source, &mut marks);
                env.add_template(name.leak(), source.leak()).unwrap();
            }
        }
        let texts = Arc::default();
        Self { env: Arc::new(env), marks, seen, language, texts }
    }

    /// Returns a setup that renders with these templates.
    fn on(&self, mut setup: Setup) -> Setup {
        setup.config.languages = vec![self.language.clone()];
        let (env, texts, answers) = (self.env.clone(), self.texts.clone(), self.texts.clone());
        setup.hooks.render_json = Some(Arc::new(move |payload, status, _| {
            answers.lock().unwrap().push(payload.to_string());
            let answer = http::Response::builder().status(status);
            let answer = answer.header("content-type", "application/json");
            answer.body(format!("{payload}\n").into()).unwrap()
        }));
        setup.hooks.render_template = Some(Arc::new(move |name, known| {
            let template = env.get_template(name).ok()?;
            let rendered = template.render(context! { ..Serde(known) });
            // The library's own engine does not escape slashes.
            let rendered = rendered.map(|text| text.replace("&#x2f;", "/"));
            texts.lock().unwrap().extend(rendered.as_ref().ok().cloned());
            Some(rendered.map_err(|error| format!("{error:#}")))
        }));
        setup
    }

    /// Returns the marks that were not rendered yet.
    fn unseen(&self) -> Vec<&String> {
        let seen = self.seen.0.lock().unwrap();
        self.marks.iter().filter(|mark| !seen.contains(*mark)).collect()
    }
}

/// The function `t` of the library.
fn text(language: &Language, name: &str, values: &Kwargs) -> String {
    let value = |name: &str| values.get::<Value>(name).unwrap().to_string();
    let values: Vec<_> = values.args().map(|name| (name, value(name))).collect();
    language.named(name, &values).unwrap_or_else(|| panic!("no text is named {name}"))
}

/// The parts of all English texts of more than a word, between their values.
fn english() -> BTreeSet<String> {
    fn texts<K: TextKey>(keys: &[K]) -> impl Iterator<Item = &'static str> {
        keys.iter().flat_map(|key| [key.english().one, Some(key.english().other)]).flatten()
    }
    let values = Regex::new(r"%\(\w+\)[sd]").unwrap();
    let all = texts(Label::ALL).chain(texts(PageText::ALL)).chain(texts(StatusText::ALL));
    let all = all.chain(texts(MailText::ALL)).chain(texts(MessageKey::ALL));
    let parts = all.flat_map(|text| values.split(text).map(str::trim).collect::<Vec<_>>());
    parts.filter(|part| part.contains(' ')).map(str::to_owned).collect()
}

/// A page as it is read: without its look, and without what explains refusals to developers.
fn read(text: &str) -> String {
    let hidden = Regex::new(r#"(?s)<style.*?</style>|<section class="why">.*?</section>"#).unwrap();
    let text = hidden.replace_all(text, "").replace("&#39;", "'").replace("&#x27;", "'");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the source of a template with a call of `seen` in each of its branches.
fn marked(name: &str, source: &str, marks: &mut BTreeSet<String>) -> String {
    let tags = Regex::new(r"(?s)\{#.*?#\}|\{%[-+]?\s*(\w+).*?%\}").unwrap();
    let mut open: Vec<Option<String>> = Vec::new();
    let with_marks = tags.replace_all(source, |tag: &Captures<'_>| {
        let start = tag.get(0).unwrap().start();
        let line = source.bytes().take(start).filter(|octet| *octet == b'\n').count() + 1;
        let whole = &tag[0];
        let mut mark = |what: String| {
            let what = what.replace(['"', '\''], "`");
            marks.insert(what.clone());
            format!("{{{{ seen(\"{what}\") }}}}")
        };
        match tag.get(1).map(|word| word.as_str()) {
            Some("if") => {
                open.push(Some(format!("{name}:{line} not {whole}")));
                format!("{whole}{}", mark(format!("{name}:{line} {whole}")))
            }
            Some("for") => {
                open.push(None);
                format!("{whole}{}", mark(format!("{name}:{line} {whole}")))
            }
            Some(word @ ("elif" | "else")) => {
                if word == "else" {
                    open.last_mut().map(Option::take);
                }
                format!("{whole}{}", mark(format!("{name}:{line} {whole}")))
            }
            Some("endif") => match open.pop().flatten() {
                Some(otherwise) => format!("{{% else %}}{}{whole}", mark(otherwise)),
                None => whole.to_owned(),
            },
            Some("endfor") => {
                open.pop();
                whole.to_owned()
            }
            _ => whole.to_owned(),
        }
    });
    with_marks.into_owned()
}

#[test]
fn each_branch_gets_a_mark() {
    let mut marks = BTreeSet::new();
    let source = "{# {% if no %} #}{% if a %}1{% elif b %}2{% endif %}\n\
                  {%- for c in d %}{% if e -%} 3 {% else %}4{% endif %}{% endfor %}";
    let text = marked("t.html", source, &mut marks);
    let expected = [
        "t.html:1 not {% if a %}",
        "t.html:1 {% elif b %}",
        "t.html:1 {% if a %}",
        "t.html:2 {% else %}",
        "t.html:2 {% if e -%}",
        "t.html:2 {%- for c in d %}",
    ];
    assert_eq!(marks.iter().collect::<Vec<_>>(), expected);
    assert!(
        text.contains(r#"2{% else %}{{ seen("t.html:1 not {% if a %}") }}{% endif %}"#),
        "{text}"
    );
}

#[tokio::test]
async fn every_branch_of_every_template_is_rendered() {
    let templates = Marked::new(Language::english());
    journeys::go_everywhere(&templates).await;
    let unseen: Vec<_> = templates.unseen().into_iter().cloned().collect();
    let ours = |mark: &&String| !FOR_APPLICATIONS.iter().any(|name| mark.starts_with(name));
    let unseen_of_ours: Vec<_> = unseen.iter().filter(ours).collect();
    assert!(unseen_of_ours.is_empty(), "no request comes by {unseen_of_ours:#?}");
    application::shows_everything(&templates).await;
    let unseen = templates.unseen();
    assert!(unseen.is_empty(), "no page comes by {unseen:#?}");
}

#[tokio::test]
async fn a_german_site_has_no_english_text() {
    let templates = Marked::new(Language::german());
    journeys::go_everywhere(&templates).await;
    let texts = templates.texts.lock().unwrap();
    let english = english();
    assert!(texts.len() > 300 && english.len() > 300, "{} {}", texts.len(), english.len());
    for text in texts.iter().map(|text| read(text)) {
        let found = english.iter().find(|part| text.contains(*part));
        assert!(found.is_none(), "{found:?} in {text}");
    }
    let german = texts.iter().filter(|text| text.contains("<html lang=\"de\">")).count();
    assert_eq!(german, texts.iter().filter(|text| text.contains("<html")).count());
}
