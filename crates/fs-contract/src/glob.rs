//! Patterns with the wildcards `*` and `?`.

/// Checks whether a name matches a pattern, in which `*` stands for any characters and `?` for one.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut pattern = pattern.chars();
    match pattern.next() {
        None => name.is_empty(),
        Some('*') => name
            .char_indices()
            .map(|(at, _)| at)
            .chain([name.len()])
            .any(|at| name.get(at..).is_some_and(|rest| matches(pattern.as_str(), rest))),
        Some(wanted) => {
            let mut name = name.chars();
            name.next().is_some_and(|letter| wanted == '?' || wanted == letter)
                && matches(pattern.as_str(), name.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name) in [
            ("a/b", "a/b"),
            ("*/b", "a/b"),
            ("a*", "a"),
            ("*", ""),
            ("l?g*n/*_in", "login/next_in"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("a", "ab"), ("*/b", "b"), ("?", ""), ("a*c", "ab"), ("", "a")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
