//! Texts of the catalogue in templates: `t("sign_in")`.

use std::collections::BTreeMap;

use fs_core::message::Language;
use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind};

use super::Pages;

/// Width of plain text mails.
const WIDTH: usize = 72;

/// Adds what templates need for texts: the function `t` in one language, and the filter `wrap`.
pub(super) fn add_to(env: &mut Environment<'static>, language: &Language) {
    let language = language.clone();
    env.add_function("t", move |name: String, values: Kwargs| text(&language, &name, &values));
    env.add_filter("wrap", |text: String| wrapped(&text));
}

fn text(language: &Language, name: &str, values: &Kwargs) -> Result<String, Error> {
    let named = values.args().map(|name| {
        let value: Value = values.get(name)?;
        let text = if value.is_undefined() || value.is_none() { None } else { Some(value) };
        Ok((name, text.map(|value| value.to_string()).unwrap_or_default()))
    });
    let named = named.collect::<Result<Vec<_>, Error>>()?;
    language.named(name, &named).ok_or_else(|| {
        // A mistake of the template, which is told at the start.
        Error::new(
            ErrorKind::UnknownFunction,
            format!("t({name:?}): there is no text of that name"),
        )
    })
}

/// Breaks lines at blanks, so that none is longer than the width unless a word is.
fn wrapped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut width = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > WIDTH {
            out.push('\n');
            width = 0;
        } else if width > 0 {
            out.push(' ');
            width += 1;
        }
        out.push_str(word);
        width += length;
    }
    out
}

impl Pages {
    /// Renders in several languages, the first being the default. `lang` in the context of a page
    /// or mail chooses one.
    pub(crate) fn in_languages(mut self, languages: &[Language]) -> Self {
        let mut rest = languages.iter();
        if let Some(first) = rest.next() {
            add_to(&mut self.env, first);
        }
        self.others = rest
            .map(|language| {
                let mut env = self.env.clone();
                add_to(&mut env, language);
                (language.tag().to_owned(), env)
            })
            .collect::<BTreeMap<_, _>>();
        self
    }

    /// Returns the engine for a language; the one for the default language if there is none.
    pub(super) fn env_for(&self, language: Option<&str>) -> &Environment<'static> {
        language.and_then(|tag| self.others.get(tag)).unwrap_or(&self.env)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_blanks() {
        let long = "a".repeat(100);
        assert_eq!(wrapped(&format!("one {long} two")), format!("one\n{long}\ntwo"));
        let text = wrapped(&"word ".repeat(60));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(text.replace('\n', " "), "word ".repeat(60));
        assert_eq!(wrapped(""), "");
    }

    #[test]
    fn a_text_has_its_values_and_is_escaped() {
        let mut env = super::super::engine::environment();
        add_to(&mut env, &Language::german());
        let rendered = |name: &'static str, source: &'static str| {
            env.render_named_str(name, source, minijinja::context! { site => "<b>" })
        };
        let source = "{{ t('mail_welcome', site=site) }}{{ t('error_status', status=404) }}";
        assert_eq!(rendered("a.txt", source).unwrap(), "Willkommen bei <b>Fehler 404");
        assert_eq!(rendered("a.html", source).unwrap(), "Willkommen bei &lt;b&gt;Fehler 404");
        let left = "{{ t('mail_recovery_left', left=1) }}";
        assert_eq!(rendered("a.txt", left).unwrap(), "Einer ist übrig: Erzeugen Sie bald neue.");
        let nothing = "{{ t('mail_welcome', site=nothing) }}|";
        assert_eq!(rendered("a.txt", nothing).unwrap(), "Willkommen bei |");
        assert!(rendered("a.txt", "{{ t('no_such_text') }}").is_err());
    }
}
