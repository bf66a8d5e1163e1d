//! Mapping of mail server failures to permanent and temporary errors of a mail.

use std::error::Error as _;

use fs_core::port::MailError;
use lettre::transport::smtp::Error;

/// Maps a failure to connect, to encrypt or to authenticate. It is temporary: it concerns our
/// configuration or the network, not the mail.
///
/// Only the code of the server's answer is kept: the text may quote credentials that the server was
/// sent.
pub(super) fn before_the_mail(error: &Error) -> MailError {
    MailError::Temporary(match error.status() {
        Some(code) => format!("the mail server did not let us in ({code})"),
        None => causes(error),
    })
}

/// Maps a failure while the mail was handed over. Returns [`MailError::Permanent`] if the server
/// refused the mail for good (5yz, RFC 5321 section 4.2.1) or cannot be given it.
pub(super) fn about_the_mail(error: &Error) -> MailError {
    let said = harmless(&causes(error));
    match error.status() {
        Some(code) if error.is_permanent() => MailError::Permanent(format!("{code} {said}")),
        Some(code) => MailError::Temporary(format!("{code} {said}")),
        // lettre cannot send the mail to this server: for example, the address needs SMTPUTF8.
        None if error.is_client() => MailError::Permanent(said),
        None => MailError::Temporary(said),
    }
}

/// Returns the sources of the error as text, or the error itself if it has no source.
fn causes(error: &Error) -> String {
    let mut words = Vec::new();
    let mut cause = error.source();
    while let Some(below) = cause {
        words.push(below.to_string());
        cause = below.source();
    }
    words.dedup();
    if words.is_empty() { error.to_string() } else { words.join(": ") }
}

/// Removes words that may be a link or a token: those with a slash and those that are too long. The
/// text goes to logs and into the database, and a server may quote the mail in it.
fn harmless(text: &str) -> String {
    let words = text.split_whitespace().take(60);
    let words = words.map(|word| match word.contains('/') || word.chars().count() > 40 {
        true => "…",
        false => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_tokens_are_left_out() {
        let said = "5.7.1 blocked: https://x.example/reset/abc see 0123456789012345678901234567890123456789x";
        assert_eq!(harmless(said), "5.7.1 blocked: … see …");
        assert!(harmless(&"a ".repeat(10_000)).len() <= 120);
    }
}
