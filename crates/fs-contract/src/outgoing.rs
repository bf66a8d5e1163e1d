//! Conversion of a request as written in a scenario to the request that is sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::step::{Body, OneOrMany, Pairs, Request};
use crate::transport::HttpRequest;
use crate::variables::Variables;

/// Characters of a target that are percent-encoded.
const TARGET: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'%')
    .remove(b'/')
    .remove(b':')
    .remove(b'?')
    .remove(b'#')
    .remove(b'[')
    .remove(b']')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b'~')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'|');

/// Characters that are percent-encoded in a form's name or value; a space becomes a plus.
const FORM: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b' ');

/// Converts a request with its variables filled in, without the cookies of the client's jar.
pub(crate) fn outgoing(
    request: &Request,
    variables: &Variables,
    now: i64,
) -> Result<HttpRequest, String> {
    let fill = |text: &str| variables.fill(text, now);
    let path = fill(&request.path)?;
    let query = form(&request.query, &fill)?;
    let joint = match (query.is_empty(), path.contains('?')) {
        (true, _) => "",
        (false, true) => "&",
        (false, false) => "?",
    };
    let target = utf8_percent_encode(&format!("{path}{joint}{query}"), TARGET).to_string();
    let mut headers = vec![("User-Agent".to_owned(), "contract/1".to_owned())];
    let (body, kind) = match &request.body {
        Body::None => (None, None),
        Body::Json(value) => {
            let value = variables.fill_value(value, now)?;
            (Some(value.to_string().into_bytes()), Some("application/json"))
        }
        Body::Form(pairs) => {
            (Some(form(pairs, &fill)?.into_bytes()), Some("application/x-www-form-urlencoded"))
        }
        Body::Raw(text) => (Some(fill(text)?.into_bytes()), None),
        Body::RawBase64(text) => {
            let bytes = STANDARD.decode(text).map_err(|error| format!("raw_base64: {error}"))?;
            (Some(bytes), None)
        }
    };
    let kind = match &request.content_type {
        Some(kind) => Some(fill(kind)?),
        None => kind.map(str::to_owned),
    };
    headers.extend(kind.map(|kind| ("Content-Type".to_owned(), kind)));
    if let Some([user, password]) = &request.basic {
        let pair = STANDARD.encode(format!("{}:{}", fill(user)?, fill(password)?));
        headers.push(("Authorization".to_owned(), format!("Basic {pair}")));
    }
    for (name, value) in &request.headers.0 {
        let name = fill(name)?;
        headers.retain(|(set, _)| !set.eq_ignore_ascii_case(&name));
        headers.push((name, fill(value)?));
    }
    Ok(HttpRequest { method: fill(&request.method)?, target, headers, body })
}

fn form(
    pairs: &Pairs<OneOrMany>,
    fill: &impl Fn(&str) -> Result<String, String>,
) -> Result<String, String> {
    let encode = |text: &str| {
        Ok::<_, String>(utf8_percent_encode(&fill(text)?, FORM).to_string().replace(' ', "+"))
    };
    let mut out = Vec::new();
    for (name, values) in &pairs.0 {
        for value in values.values() {
            out.push(format!("{}={}", encode(name)?, encode(value)?));
        }
    }
    Ok(out.join("&"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sent(request: &str) -> HttpRequest {
        let mut variables = Variables::new("http://h:1", &Value::Null);
        variables.set("tok", "a b".to_owned());
        outgoing(&serde_json::from_str(request).unwrap(), &variables, 0).unwrap()
    }

    #[test]
    fn targets() {
        let target = |request| sent(request).target;
        assert_eq!(
            target(r#"{"path": "//evil.test/%zz|?a=[b] c\u00e9"}"#),
            "//evil.test/%zz|?a=[b]%20c%C3%A9"
        );
        assert_eq!(
            target(r#"{"path": "/x", "query": {"z": ["${tok}", "~*&"], "a": ""}}"#),
            "/x?z=a+b&z=~%2A%26&a="
        );
        assert_eq!(target(r#"{"path": "/x?a=b", "query": {"${tok}": "1"}}"#), "/x?a=b&a+b=1");
    }

    #[test]
    fn bodies_and_their_types() {
        let form = sent(r#"{"path": "/", "method": "POST", "form": {"b": "ü =", "a": "1"}}"#);
        assert_eq!(form.body.unwrap(), b"b=%C3%BC+%3D&a=1");
        assert_eq!(form.headers[1].1, "application/x-www-form-urlencoded");
        let json = sent(r#"{"path": "/", "json": {"t": "${tok}"}, "content_type": "text/x"}"#);
        assert_eq!(
            serde_json::from_slice::<Value>(&json.body.unwrap()).unwrap(),
            json!({"t": "a b"})
        );
        assert_eq!(json.headers[1].1, "text/x");
        let raw = sent(r#"{"path": "/", "raw_base64": "/wA="}"#);
        assert_eq!((raw.body.unwrap(), raw.headers.len()), (vec![0xff, 0], 1));
    }

    #[test]
    fn headers_take_the_place_of_the_players() {
        let request = sent(
            r#"{"path": "/", "basic": ["u", "p"], "headers": {"user-agent": "x", "Authorization": "y"}}"#,
        );
        let wanted = [("user-agent", "x"), ("Authorization", "y")];
        assert_eq!(
            request.headers,
            wanted.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        assert_eq!(sent(r#"{"path": "/", "basic": ["u", "p"]}"#).headers[1].1, "Basic dTpw");
    }
}
