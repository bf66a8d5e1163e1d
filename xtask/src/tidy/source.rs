//! Rules for a Rust source file.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::report::Offence;

/// Number of lines from which a file should be reviewed; from [`TOO_LONG`] on it must be split.
const LONG: usize = 400;
const TOO_LONG: usize = 600;

/// Macros that mark unfinished work.
const UNDONE: [&str; 3] = ["todo", "unimplemented", "dbg"];

/// Checks one file.
pub(super) fn check(file: &str, text: &str) -> Vec<Offence> {
    let mut offences = Vec::new();
    let lines = text.lines().count();
    if lines > TOO_LONG {
        let what = format!("{lines} lines: split it, {TOO_LONG} at most, one idea a file");
        offences.push(Offence::new(file, lines, what));
    }
    let first = text.lines().next().unwrap_or_default();
    if first.strip_prefix("//!").is_none_or(|doc| doc.trim().is_empty()) {
        let what = "begin the file with `//!` and a sentence that says what it is for";
        offences.push(Offence::new(file, 1, what));
    }
    for (index, line) in text.lines().enumerate() {
        let doc = line.trim_start();
        if (doc.starts_with("//!") || doc.starts_with("///")) && doc.contains("```ignore") {
            let what = "an example that is not compiled: make it compile, or call it ```text";
            offences.push(Offence::new(file, index + 1, what));
        }
    }
    match text.parse::<TokenStream>() {
        Ok(tokens) => check_tokens(file, tokens, &mut offences),
        Err(error) => {
            let what = format!("this is no Rust: {error}");
            offences.push(Offence::new(file, error.span().start().line, what));
        }
    }
    offences
}

/// Returns a warning if the file is getting long.
pub(super) fn length_warning(file: &str, text: &str) -> Option<Offence> {
    let lines = text.lines().count();
    let what = format!("{lines} lines: is it still one idea? ({LONG} is long)");
    (lines > LONG && lines <= TOO_LONG).then(|| Offence::new(file, lines, what))
}

fn check_tokens(file: &str, tokens: TokenStream, offences: &mut Vec<Offence>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let next_is = |mark: char, next: Option<&TokenTree>| matches!(next, Some(TokenTree::Punct(punct)) if punct.as_char() == mark);
        let what = match &token {
            TokenTree::Ident(word) if word == "unsafe" => {
                Some("no `unsafe` here: find a safe way or a crate that has it".to_owned())
            }
            TokenTree::Ident(word)
                if UNDONE.iter().any(|undone| word == undone) && next_is('!', tokens.peek()) =>
            {
                Some(format!("`{word}!` is work that was not done: do it, or leave it out"))
            }
            TokenTree::Punct(punct) if punct.as_char() == '#' => match tokens.peek() {
                Some(TokenTree::Group(attribute)) if ignores_a_test(attribute) => {
                    Some("an ignored test: run it, or say by name that it did not run".to_owned())
                }
                _ => None,
            },
            _ => None,
        };
        if let Some(what) = what {
            offences.push(Offence::new(file, token.span().start().line, what));
        }
        if let TokenTree::Group(group) = token {
            check_tokens(file, group.stream(), offences);
        }
    }
}

/// Checks whether an attribute is `[ignore]`, `[ignore = "…"]` or `[cfg_attr(…, ignore)]`.
fn ignores_a_test(attribute: &Group) -> bool {
    if attribute.delimiter() != Delimiter::Bracket {
        return false;
    }
    let mut tokens = attribute.stream().into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Ident(name)), _) if name == "ignore" => true,
        (Some(TokenTree::Ident(name)), Some(TokenTree::Group(inner))) if name == "cfg_attr" => {
            let is_ignore = |t: TokenTree| matches!(t, TokenTree::Ident(word) if word == "ignore");
            inner.stream().into_iter().any(is_ignore)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the lines of the offences in a file with a valid first line.
    fn lines(body: &str) -> Vec<usize> {
        let found = check("a.rs", &format!("//! Good.\n{body}"));
        found.into_iter().map(|offence| offence.line).collect()
    }

    #[test]
    fn plain_code_passes() {
        assert_eq!(lines("/// A `todo!` of somebody.\nfn f() { let todo = \"dbg!(1)\"; }"), [0; 0]);
    }

    #[test]
    fn undone_work_is_found_in_any_depth() {
        assert_eq!(lines("fn f() {\n    todo!()\n}"), [3]);
        assert_eq!(lines("fn f() { vec![dbg!(1)]; std::unimplemented!(); }"), [2, 2]);
    }

    #[test]
    fn ignored_tests_are_found() {
        assert_eq!(lines("#[test]\n#[ignore]\nfn f() {}"), [3]);
        assert_eq!(lines("mod m {\n#[ignore = \"slow\"]\nfn f() {} }"), [3]);
        assert_eq!(lines("#[cfg_attr(windows, ignore)]\nfn f() {}"), [2]);
        assert_eq!(lines("/// ```ignore\n/// ```\nfn f() {}"), [2]);
    }

    #[test]
    fn unsafe_is_found() {
        assert_eq!(lines("fn f() {\nunsafe { g() } }"), [3]);
    }

    #[test]
    fn a_file_says_what_it_is_for() {
        for text in ["fn f() {}", "//!\nfn f() {}", "// Good.\n", "\n//! Late.\n", ""] {
            assert_eq!(check("a.rs", text).len(), 1, "{text:?}");
        }
    }

    #[test]
    fn long_files_are_found() {
        let long = |lines: usize| format!("//! Long.\n{}", "\n".repeat(lines - 1));
        assert_eq!(length_warning("a.rs", &long(LONG)), None);
        assert_eq!(length_warning("a.rs", &long(LONG + 1)).unwrap().line, LONG + 1);
        assert_eq!(length_warning("a.rs", &long(TOO_LONG + 1)), None);
        assert!(check("a.rs", &long(TOO_LONG)).is_empty());
        assert_eq!(check("a.rs", &long(TOO_LONG + 1)).len(), 1);
    }
}
