//! How templates are read and values are written.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{
    AutoEscape, Environment, Error, Output, State, UndefinedBehavior, Value, escape_formatter,
};

/// Returns an engine without templates: unknown names are empty, tags leave no blank lines.
pub(super) fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    // Debug mode copies values of the page, tokens among them, into error messages.
    env.set_debug(false);
    env.set_undefined_behavior(UndefinedBehavior::Chainable);
    env.set_formatter(write_value);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    if let Ok(syntax) = syntax.build() {
        env.set_syntax(syntax);
    }
    env
}

/// Writes nothing for `None`, and escapes what HTML needs escaped. The engine's own rule also
/// escapes slashes, which makes links unreadable for people and for simple mail scanners.
fn write_value(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    if value.is_none() {
        return Ok(());
    }
    if *state.auto_escape() != AutoEscape::Html || value.is_safe() {
        return escape_formatter(out, state, value);
    }
    match value.as_str() {
        Some(text) => escape(out, text),
        None if value.kind() == ValueKind::Number => escape_formatter(out, state, value),
        None => escape(out, &value.to_string()),
    }
}

fn escape(out: &mut Output, text: &str) -> Result<(), Error> {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        let (before, after) = rest.split_at(at);
        out.write_str(before)?;
        let mut chars = after.chars();
        out.write_str(match chars.next() {
            Some('&') => "&amp;",
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            Some('"') => "&quot;",
            _ => "&#39;",
        })?;
        rest = chars.as_str();
    }
    Ok(out.write_str(rest)?)
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::environment;

    fn rendered(name: &str, source: &str) -> String {
        let mut env = environment();
        env.add_template(name, source).unwrap();
        let values = context! {
            text => r#"é <b class="x">&'/</b>"#,
            number => 7,
            nothing => None::<&str>,
            list => ["<i>"],
        };
        env.get_template(name).unwrap().render(values).unwrap()
    }

    #[test]
    fn html_is_escaped() {
        let expected = "é &lt;b class=&quot;x&quot;&gt;&amp;&#39;/&lt;/b&gt;";
        assert_eq!(rendered("a.html", "{{ text }}"), expected);
        assert_eq!(rendered("a.html", "{{ list }}"), "[&#39;&lt;i&gt;&#39;]");
        assert_eq!(rendered("a.html", "{{ '<b>' | safe }}{{ number }}"), "<b>7");
    }

    #[test]
    fn text_is_not_escaped() {
        assert_eq!(rendered("a.txt", "{{ text }}"), r#"é <b class="x">&'/</b>"#);
    }

    #[test]
    fn what_is_missing_is_empty() {
        assert_eq!(rendered("a.html", "({{ nothing }}{{ other.thing.deep }})"), "()");
    }

    #[test]
    fn tags_leave_no_blank_lines() {
        assert_eq!(rendered("a.txt", "a\n  {% if true %}\nb\n  {% endif %}\nc\n"), "a\nb\nc\n");
    }
}
