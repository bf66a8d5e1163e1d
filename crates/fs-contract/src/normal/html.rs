//! Normal form of pages: their forms, the message keys in them, and the route of the application
//! that they show.

use std::collections::{BTreeMap, BTreeSet};

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer, naive_next_state};
use serde_json::{Map, Value, json};

use super::Normaliser;
use super::url::{strip_origin, url};

/// Piece of HTML, in the order of the source.
enum Piece {
    Open { tag: String, attributes: BTreeMap<String, String> },
    Close { tag: String },
    Text(String),
}

/// Splits HTML into its pieces, as a browser without scripts does.
fn pieces(source: &str) -> Vec<Piece> {
    let mut tokens = Tokenizer::new_with_emitter(source, DefaultEmitter::default());
    let mut out = Vec::new();
    while let Some(Ok(token)) = tokens.next() {
        match token {
            Token::StartTag(start) => {
                // Without scripts, the content of a `noscript` counts.
                if let Some(state) = naive_next_state(&start.name)
                    && start.name != b"noscript"
                {
                    tokens.set_state(state);
                }
                out.push(opened(&start));
            }
            Token::EndTag(end) => out.push(Piece::Close { tag: text(&end.name) }),
            Token::String(string) => out.push(Piece::Text(text(&string))),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    out
}

fn opened(start: &StartTag<()>) -> Piece {
    let attributes =
        start.attributes.iter().map(|(name, value)| (text(name), text(value))).collect();
    Piece::Open { tag: text(&start.name), attributes }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns the link targets and the texts of some HTML.
pub(super) fn links_and_texts(source: &str) -> (Vec<String>, Vec<String>) {
    let (mut links, mut texts) = (Vec::new(), Vec::new());
    for piece in pieces(source) {
        match piece {
            Piece::Open { mut attributes, .. } => {
                links.extend(attributes.remove("href").filter(|target| !target.is_empty()));
            }
            Piece::Close { .. } => {}
            Piece::Text(text) => texts.push(text),
        }
    }
    (links, texts)
}

/// Content of a page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    forms: Vec<Form>,
    texts: Vec<String>,
    route: Option<Value>,
    inputs: BTreeMap<String, String>,
    notices: BTreeSet<String>,
}

#[derive(Debug)]
struct Form {
    method: String,
    action: String,
    fields: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    name: String,
    kind: String,
    value: String,
    action: Option<String>,
}

impl Page {
    /// Parses a page.
    pub(crate) fn read(source: &str) -> Self {
        let mut page = Self::default();
        let mut silent = 0_usize; // depth of elements with invisible text
        let mut in_form = false;
        let mut run = String::new(); // text since the last tag
        for piece in pieces(source) {
            match piece {
                Piece::Text(text) if silent == 0 => run.push_str(&text),
                Piece::Text(_) => {}
                Piece::Open { tag, attributes } => {
                    page.end_of_text(&mut run);
                    page.notices.extend(attributes.get("data-notice").cloned());
                    match tag.as_str() {
                        "script" | "style" | "title" | "head" => silent += 1,
                        "form" => {
                            in_form = true;
                            page.forms.push(Form::of(&attributes));
                        }
                        _ => page.element(&tag, &attributes, in_form),
                    }
                }
                Piece::Close { tag } => {
                    page.end_of_text(&mut run);
                    match tag.as_str() {
                        "script" | "style" | "title" | "head" => silent = silent.saturating_sub(1),
                        "form" => in_form = false,
                        _ => {}
                    }
                }
            }
        }
        page.end_of_text(&mut run);
        page
    }

    /// Returns the value of the first field of that name, anywhere in the page.
    pub(crate) fn input(&self, name: &str) -> Option<&str> {
        self.inputs.get(name).map(String::as_str)
    }

    fn end_of_text(&mut self, run: &mut String) {
        let text = std::mem::take(run);
        if !text.trim().is_empty() {
            self.texts.push(text);
        }
    }

    fn element(&mut self, tag: &str, attributes: &BTreeMap<String, String>, in_form: bool) {
        let some = |name| attributes.get(name).filter(|value| !value.is_empty());
        let is_field = matches!(tag, "input" | "select" | "textarea" | "button");
        if let Some(name) = some("name").filter(|_| is_field) {
            let usual = match tag {
                "input" => "text",
                "button" => "submit",
                other => other,
            };
            let value = attributes.get("value").cloned().unwrap_or_default();
            self.inputs.entry(name.clone()).or_insert_with(|| value.clone());
            if let Some(form) = self.forms.last_mut().filter(|_| in_form) {
                form.fields.push(Field {
                    name: name.clone(),
                    kind: attributes.get("type").map_or(usual, String::as_str).to_owned(),
                    value,
                    action: some("formaction").cloned(),
                });
            }
        } else if let Some(route) = attributes.get("data-route") {
            self.route = Some(json!({
                "route": route,
                "authn_via": some("data-authn-via"),
                "user": some("data-user"),
            }));
        }
    }
}

impl Form {
    fn of(attributes: &BTreeMap<String, String>) -> Self {
        Self {
            method: attributes.get("method").map_or("get", String::as_str).to_uppercase(),
            action: attributes.get("action").cloned().unwrap_or_default(),
            fields: Vec::new(),
        }
    }

    fn normal(&self, origin: &str) -> Value {
        let mut fields: BTreeMap<&str, String> = BTreeMap::new();
        for field in &self.fields {
            let known = fields.get(field.name.as_str()).map_or("", String::as_str);
            let normal = field.normal(known, origin);
            fields.insert(&field.name, normal);
        }
        json!({"method": self.method, "action": url(&self.action, origin), "fields": fields})
    }
}

impl Field {
    /// Returns the type of the field and its other relevant properties. `known` is the previous
    /// field of that name in the form.
    fn normal(&self, known: &str, origin: &str) -> String {
        if self.kind == "radio" {
            let known = known.strip_prefix("radio ").unwrap_or_default();
            let mut values: BTreeSet<&str> = known.split('|').filter(|v| !v.is_empty()).collect();
            values.insert(&self.value);
            return format!("radio {}", values.into_iter().collect::<Vec<_>>().join("|"));
        }
        if self.kind == "hidden" && self.name == "next" && !self.value.is_empty() {
            return format!("hidden ={}", url(&self.value, origin));
        }
        match &self.action {
            Some(action) => format!("{} ->{}", self.kind, url(action, origin)),
            None => self.kind.clone(),
        }
    }
}

/// Returns a page in normal form, and the notices that it marks with `data-notice`: texts other
/// than messages with a key, such as `code_sent`.
pub(super) fn body(source: &str, rules: &Normaliser) -> (Map<String, Value>, Vec<Value>) {
    let page = Page::read(source);
    let mut out = Map::new();
    if !page.forms.is_empty() {
        out.insert(
            "forms".to_owned(),
            page.forms.iter().map(|f| f.normal(&rules.origin)).collect(),
        );
    }
    let found = page.texts.iter().flat_map(|text| rules.messages.within(text));
    let found: BTreeSet<_> = found.map(|message| strip_origin(&message, &rules.origin)).collect();
    if !found.is_empty() {
        out.insert("messages".to_owned(), found.into_iter().collect());
    }
    if let Some(route) = page.route {
        out.insert("route".to_owned(), route);
    }
    (out, page.notices.into_iter().map(Value::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(source: &str) -> Value {
        body(source, &Normaliser::new(&Map::new(), "http://h:1")).0.into()
    }

    #[test]
    fn forms_and_their_fields() {
        let page = normal(
            r#"<form method=post action="http://h:1/login?b=2&amp;a=1">
               <input name="email"><input type="hidden" name="next" value="/p?x=1">
               <input type=hidden name=csrf_token value="t"/>
               <select name=role><option value=a></select><textarea name=note><input name=no></textarea>
               <input type="radio" name="m" value="sms"><input type="radio" name="m" value="email">
               <button name=send formaction="/send">go</button><input type=text></form>
               <input name="outside"><form></form>"#,
        );
        let wanted = json!({"forms": [
            {"method": "POST", "action": "/login?a=1&b=2", "fields": {
                "email": "text", "next": "hidden =/p?x=1", "csrf_token": "hidden", "role": "select",
                "note": "textarea", "m": "radio email|sms", "send": "submit ->/send"}},
            {"method": "GET", "action": "", "fields": {}},
        ]});
        assert_eq!(page, wanted);
    }

    #[test]
    fn messages_are_those_that_a_reader_sees() {
        let page = normal(
            "<head><title>FIELD_REQUIRED</title></head><script>'<p>INVALID_CHOICE</p>'</script>\
             <!-- FIELD_REQUIRED --><p>CSRF_TOKEN_<!-- x -->EXPIRED|a=1</p>\
             <noscript><p>CSRF_TOKEN_INVALID &amp; more</noscript>",
        );
        let wanted = json!({"messages": ["CSRF_TOKEN_EXPIRED|a=1", "CSRF_TOKEN_INVALID"]});
        assert_eq!(page, wanted);
    }

    #[test]
    fn notices_are_named_by_their_marks() {
        let page = "<p data-notice=code_sent>We sent a code.</p><div data-notice='b'><p></p></div>\
                    <p>code_sent</p><p data-notice=code_sent></p>";
        let (_, notices) = body(page, &Normaliser::new(&Map::new(), "http://h:1"));
        assert_eq!(notices, ["b", "code_sent"]);
    }

    #[test]
    fn a_page_of_the_application() {
        let page = normal("<div data-route='index' data-authn-via='' data-user='a@x.test'></div>");
        let wanted = json!({"route": {"route": "index", "authn_via": null, "user": "a@x.test"}});
        assert_eq!(page, wanted);
    }

    #[test]
    fn the_first_input_of_a_name_is_taken() {
        let page = Page::read("<input name=a value='1&quot;'><form><input name=a value=2></form>");
        assert_eq!(page.input("a"), Some("1\""));
        assert_eq!(page.input("b"), None);
    }

    #[test]
    fn links_and_texts_of_a_mail() {
        let (links, texts) = links_and_texts("<p>go <a href='/x?a=1&amp;b=2'>here</a> now");
        assert_eq!(links, ["/x?a=1&b=2"]);
        assert_eq!(texts, ["go ", "here", " now"]);
    }
}
