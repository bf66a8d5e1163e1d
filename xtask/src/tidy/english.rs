//! Rules for names of items and for first lines of documentation.

use crate::report::Offence;

/// Names that mean nothing to somebody who searches for the field's term.
const NAMES: [&str; 10] =
    ["Begun", "Crumb", "Mistakes", "Seat", "Tally", "Unproven", "Visit", "Way", "Why", "unwound"];

/// Words that introduce an item.
const ITEMS: [&str; 8] = ["const", "enum", "fn", "mod", "static", "struct", "trait", "type"];

/// Words with which a first line says nothing by itself: a pronoun or a question.
const OPENERS: [&str; 28] = [
    "As", "By", "He", "His", "How", "In", "Is", "It", "Its", "None", "Nothing", "Of", "One", "She",
    "Such", "That", "Their", "There", "They", "Those", "What", "When", "Where", "Which", "Who",
    "Whom", "Whose", "Why",
];

/// Sentences that stand where an error must be named.
const EMPTY_ERRORS: [&str; 4] =
    ["Nothing was decided.", "The database failed.", "A port fails.", "It is none."];

/// Checks one Rust file.
pub(super) fn check(file: &str, text: &str) -> Vec<Offence> {
    let mut offences = Vec::new();
    let mut previous = "";
    for (index, line) in text.lines().map(str::trim).enumerate() {
        let mut offence = |what: String| offences.push(Offence::new(file, index + 1, what));
        if let Some(name) = public_item(line).filter(|name| NAMES.contains(name)) {
            offence(format!("`{name}` says nothing to a stranger: use the field's term"));
        }
        if let Some(doc) = line.strip_prefix("///").map(str::trim) {
            let word = doc.split(|letter: char| !letter.is_alphanumeric()).next();
            let begins = !previous.starts_with("///");
            if let Some(word) = word.filter(|word| begins && OPENERS.contains(word)) {
                offence(format!(
                    "a first line must stand alone in an index, and \"{word} …\" does not: begin a \
                     type with a noun, a function with a verb (\"Returns\")"
                ));
            }
            if previous == "///" && EMPTY_ERRORS.contains(&doc) {
                offence(format!("\"{doc}\" names no error: say which is returned, and when"));
            }
        }
        previous = line;
    }
    offences
}

/// Returns the name of the public item that a line declares.
fn public_item(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub ")?;
    let mut words = rest.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
    words.find(|word| ITEMS.contains(word))?;
    words.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        check("a.rs", text).into_iter().map(|offence| offence.line).collect()
    }

    #[test]
    fn public_names_of_our_own_invention_are_found() {
        assert_eq!(lines("pub struct Visit {"), [1]);
        assert_eq!(lines("pub enum Begun<S> {\npub async fn unwound<T>("), [1, 2]);
        assert!(lines("pub struct Visitor;\nstruct Visit;\npub(crate) enum Way {").is_empty());
    }

    #[test]
    fn first_lines_that_say_nothing_are_found() {
        assert_eq!(lines("/// Whose.\nfield: u8,\n\n/// What came of it.\npub enum A {}"), [1, 4]);
        assert!(lines("/// Returns the user.\n/// It is cheap.\npub fn a() {}").is_empty());
        assert!(lines("/// Whether it counts.\npub a: bool,\n/// Isolation level.\n").is_empty());
    }

    #[test]
    fn errors_are_named() {
        assert_eq!(lines("/// # Errors\n///\n/// Nothing was decided.\npub fn a() {}"), [3]);
        assert!(lines("/// # Errors\n///\n/// Returns an error if it fails.").is_empty());
    }
}
