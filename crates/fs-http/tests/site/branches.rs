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

use fs_testkit::site::Setup;
use minijinja::value::Serde;
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
}

impl Marked {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Chainable);
        let seen = Seen::default();
        let noted = seen.clone();
        env.add_function("seen", move |mark: String| {
            noted.0.lock().unwrap().insert(mark);
            ""
        });
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
        Self { env: Arc::new(env), marks, seen }
    }

    /// Returns a setup that renders with these templates.
    fn on(&self, mut setup: Setup) -> Setup {
        let env = self.env.clone();
        setup.hooks.render_template = Some(Arc::new(move |name, known| {
            let template = env.get_template(name).ok()?;
            let rendered = template.render(context! { ..Serde(known) });
            // The library's own engine does not escape slashes.
            let rendered = rendered.map(|text| text.replace("&#x2f;", "/"));
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
    let templates = Marked::new();
    journeys::go_everywhere(&templates).await;
    let unseen: Vec<_> = templates.unseen().into_iter().cloned().collect();
    let ours = |mark: &&String| !FOR_APPLICATIONS.iter().any(|name| mark.starts_with(name));
    let unseen_of_ours: Vec<_> = unseen.iter().filter(ours).collect();
    assert!(unseen_of_ours.is_empty(), "no request comes by {unseen_of_ours:#?}");
    application::shows_everything(&templates).await;
    let unseen = templates.unseen();
    assert!(unseen.is_empty(), "no page comes by {unseen:#?}");
}
