//! Conversion of a mail of the outbox to a MIME message.

use fs_core::identity::with_ascii_domain;
use fs_core::port::{MailError, OutboxId, OutgoingMail};
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};

/// Returns the MIME message of a mail. Returns [`MailError::Permanent`] if the mail cannot be
/// expressed as one, since another attempt would fail in the same way.
///
/// The `Message-ID` is made of the mail's id in the outbox and the sender's domain. Every value
/// passes through a parser or an encoder of headers, so that no line break can inject a header.
pub(super) fn message(id: &OutboxId, mail: &OutgoingMail) -> Result<Message, MailError> {
    let from = sender(&mail.from)?;
    let to = Mailbox::new(None, recipient(&mail.to)?);
    // Set explicitly, because lettre would read the envelope from the headers, and lacks addresses
    // there that it refuses to parse.
    let envelope = Envelope::new(Some(from.email.clone()), vec![to.email.clone()])
        .map_err(|error| MailError::Permanent(format!("it is no mail: {error}")))?;
    let message_id = format!("<{}@{}>", local_part(id), from.email.domain());
    let builder = Message::builder()
        .envelope(envelope)
        .message_id(Some(message_id))
        .from(from)
        .to(to)
        .subject(mail.subject.replace(['\r', '\n'], " "))
        .raw_header(automatic());
    let message = match (mail.text.clone(), mail.html.clone()) {
        (Some(text), Some(html)) => {
            builder.multipart(MultiPart::alternative_plain_html(text, html))
        }
        (None, Some(html)) => builder.singlepart(SinglePart::html(html)),
        (text, None) => builder.singlepart(SinglePart::plain(text.unwrap_or_default())),
    };
    message.map_err(|error| MailError::Permanent(format!("it is no mail: {error}")))
}

/// Parses the sender: an address, with or without a display name. The error does not include
/// lettre's message, which may quote the address.
fn sender(text: &str) -> Result<Mailbox, MailError> {
    let broken = || MailError::Permanent("the sender's address cannot be read".to_owned());
    if text.contains(['\r', '\n']) {
        return Err(broken());
    }
    let Mailbox { name, email } = text.parse().map_err(|_| broken())?;
    let email = with_ascii_domain(email.as_ref()).parse().map_err(|_| broken())?;
    Ok(Mailbox::new(name, email))
}

/// Parses the recipient: one address from the database. lettre refuses some addresses that our
/// rules accept, such as those with combining marks, and some of accounts that are older than the
/// rules. Those are used as they are, unless they contain a character that could end the address in
/// a command or a header.
///
/// The domain is converted to ASCII, so that it does not require SMTPUTF8.
fn recipient(text: &str) -> Result<Address, MailError> {
    let broken = || MailError::Permanent("the recipient's address cannot be read".to_owned());
    let address = with_ascii_domain(text);
    if let Ok(address) = address.parse() {
        return Ok(address);
    }
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>()[]\",;:\\".contains(c);
    match address.rsplit_once('@') {
        Some((local, domain))
            if !local.is_empty() && !domain.is_empty() && !address.contains(odd) =>
        {
            Ok(Address::new_dangerous(local, domain))
        }
        _ => Err(broken()),
    }
}

/// Returns the `Auto-Submitted` header, which keeps automatic replies such as vacation notices away
/// (RFC 3834).
fn automatic() -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    HeaderValue::new(name, "auto-generated".to_owned())
}

/// Returns the local part of the `Message-ID`: the id without characters that a dot-atom may not
/// contain.
fn local_part(id: &OutboxId) -> String {
    let allowed = |sign: &char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_');
    id.0.chars().filter(allowed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> OutgoingMail {
        OutgoingMail {
            template: "welcome".to_owned(),
            to: "ann@example.com".to_owned(),
            from: "Otter Box <no-reply@otter.example>".to_owned(),
            subject: "Grüße".to_owned(),
            text: Some("Hello".to_owned()),
            html: Some("<p>Hello</p>".to_owned()),
        }
    }

    fn written(mail: &OutgoingMail) -> Result<String, MailError> {
        let message = message(&OutboxId("abc123".to_owned()), mail)?;
        Ok(String::from_utf8(message.formatted()).unwrap())
    }

    fn headers(written: &str) -> Vec<&str> {
        let head = written.split("\r\n\r\n").next().unwrap();
        head.lines().filter(|line| !line.starts_with([' ', '\t'])).collect()
    }

    #[test]
    fn the_same_mail_has_the_same_message_id() {
        for _ in 0..2 {
            let written = written(&mail()).unwrap();
            assert!(headers(&written).contains(&"Message-ID: <abc123@otter.example>"), "{written}");
        }
    }

    #[test]
    fn a_name_of_other_signs_is_cut_down_to_a_message_id() {
        let id = OutboxId("a> \r\nBcc: eve@example.com".to_owned());
        let message = message(&id, &mail()).unwrap();
        let written = String::from_utf8(message.formatted()).unwrap();
        assert!(headers(&written).contains(&"Message-ID: <aBcceveexamplecom@otter.example>"));
    }

    #[test]
    fn line_breaks_make_no_headers() {
        let evil = "x\r\nBcc: eve@example.com";
        let subject = OutgoingMail { subject: evil.to_owned(), ..mail() };
        let injected = written(&subject).unwrap();
        assert!(!headers(&injected).iter().any(|line| line.starts_with("Bcc")), "{injected}");

        for address in
            ["ann@example.com\r\nBcc: eve@example.com", "ann@example.com, eve@example.com", ""]
        {
            let to = OutgoingMail { to: address.to_owned(), ..mail() };
            let error = written(&to).unwrap_err();
            assert!(matches!(error, MailError::Permanent(_)));
            assert!(!error.to_string().contains("eve"), "{error}");
            let from = OutgoingMail { from: address.to_owned(), ..mail() };
            assert!(matches!(written(&from), Err(MailError::Permanent(_))));
        }
    }

    #[test]
    fn domains_are_written_in_ascii() {
        let mail = OutgoingMail {
            to: "ann@bücher.de".to_owned(),
            from: "Bücherkiste <no-reply@bücher.de>".to_owned(),
            ..mail()
        };
        let message = message(&OutboxId("abc123".to_owned()), &mail).unwrap();
        let envelope = message.envelope();
        assert_eq!(envelope.to()[0].as_ref() as &str, "ann@xn--bcher-kva.de");
        assert_eq!(envelope.from().unwrap().as_ref() as &str, "no-reply@xn--bcher-kva.de");
        let written = String::from_utf8(message.formatted()).unwrap();
        assert!(headers(&written).contains(&"Message-ID: <abc123@xn--bcher-kva.de>"));
        assert!(written.is_ascii());
    }

    #[test]
    fn addresses_from_before_our_rules_are_tried_and_none_ends_early() {
        for to in ["a..b@example.com", "उपयोगकर्ता@example.com", "root@localhost"]
        {
            let mail = OutgoingMail { to: to.to_owned(), ..mail() };
            let message = message(&OutboxId("abc123".to_owned()), &mail).unwrap();
            assert_eq!(message.envelope().to()[0].as_ref() as &str, to);
        }
        for to in
            ["root", "@example.com", "ann@", "a b@example.com", "a>@x.com", "a..b@x.com> SIZE=1"]
        {
            let mail = OutgoingMail { to: to.to_owned(), ..mail() };
            assert!(matches!(written(&mail), Err(MailError::Permanent(_))), "{to}");
        }
    }

    #[test]
    fn one_part_alone_needs_no_multipart() {
        let text = OutgoingMail { html: None, ..mail() };
        assert!(written(&text).unwrap().contains("Content-Type: text/plain; charset=utf-8"));
        let html = OutgoingMail { text: None, ..mail() };
        assert!(written(&html).unwrap().contains("Content-Type: text/html; charset=utf-8"));
        assert!(written(&mail()).unwrap().contains("multipart/alternative"));
    }
}
