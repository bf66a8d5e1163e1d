//! Table as a page of the documentation.

use std::fmt::Write;

use super::{AccountEvent, Artefact, Fate, Profile, fate};

const HEAD: &str = "\
# Who is evicted by what

Which credentials of an account end with which event. This page is printed from the table in
`fs_testkit::evictions`, and a test compares the two. Another test makes each credential on a whole
site, causes the event and then uses the credential: in memory, on SQLite and on PostgreSQL.

- **ends**: the credential is worth nothing afterwards.
- stays: it goes on.
- –: the two do not meet, or the pair is not judged. The event makes the credential, the account cannot have
  it, or the profile has no such credential.

What the Flask-Security profile weakens is that of the original; its rows say where.
";

/// Prints the table for both profiles.
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    for (profile, title) in [
        (Profile::Standard, "The default profile"),
        (Profile::FlaskSecurity4, "The profile of Flask-Security 4.1"),
    ] {
        let _ = write!(page, "\n## {title}\n\n| |");
        for event in AccountEvent::ALL {
            let _ = write!(page, " {} |", event.title());
        }
        let _ = write!(page, "\n| --- |{}\n", " --- |".repeat(AccountEvent::ALL.len()));
        for artefact in Artefact::ALL {
            let _ = write!(page, "| {} |", artefact.title());
            for event in AccountEvent::ALL {
                let _ = write!(page, " {} |", word(fate(profile, event, artefact)));
            }
            page.push('\n');
        }
    }
    page
}

fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::Ends => "**ends**",
        Fate::Stays => "stays",
        Fate::Apart => "–",
    }
}
