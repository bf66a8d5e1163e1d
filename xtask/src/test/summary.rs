//! Parser of the summaries that test runners print.

/// Numbers of tests, by result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed, timed out or did not start.
    pub(crate) failed: u64,
    /// Tests that were left out.
    pub(crate) skipped: u64,
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// Parses the last line of cargo-nextest: `Summary [ 1.2s] 5 tests run: 4 passed (1 slow), 1
/// failed, 2 skipped`.
pub(crate) fn nextest(lines: &[String]) -> Option<(String, Count)> {
    let line = lines.iter().rev().find(|line| line.trim_start().starts_with("Summary ["))?;
    let (_, numbers) = line.split_once(" run: ")?;
    Some((line.trim().to_owned(), count(numbers.split(','))))
}

/// Adds up the summary lines of `cargo test`: `test result: ok. 4 passed; 0 failed; 1 ignored; 0
/// measured; 0 filtered out; finished in 0.1s`.
pub(crate) fn cargo_test(lines: &[String]) -> Count {
    let mut sum = Count::default();
    for line in lines {
        if let Some((_, numbers)) =
            line.split_once("test result: ").and_then(|(_, r)| r.split_once(". "))
        {
            sum += count(numbers.split(';'));
        }
    }
    sum
}

fn count<'a>(parts: impl Iterator<Item = &'a str>) -> Count {
    let mut count = Count::default();
    for part in parts {
        let mut words = part.split_whitespace();
        let Some(Ok(number)) = words.next().map(str::parse::<u64>) else { continue };
        match words.collect::<Vec<_>>().as_slice() {
            ["passed", ..] => count.passed += number,
            ["failed" | "timed" | "exec", ..] => count.failed += number,
            ["skipped" | "ignored", ..] => count.skipped += number,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn nextest_is_read() {
        let said = lines(
            "   PASS [ 0.1s] a\n    Summary [  12.3s] 9 tests run: 5 passed (1 slow, 1 flaky), 1 failed, 2 timed out, 1 exec failed, 3 skipped\n   FAIL [ 0.1s] b",
        );
        let (line, count) = nextest(&said).unwrap();
        assert!(line.starts_with("Summary [  12.3s] 9 tests"));
        assert_eq!(count, Count { passed: 5, failed: 4, skipped: 3 });
        assert_eq!(nextest(&lines("error: could not compile")), None);
    }

    #[test]
    fn cargo_test_is_summed_up() {
        let said = lines(
            "test result: ok. 4 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.0s\ntest result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        );
        assert_eq!(cargo_test(&said), Count { passed: 5, failed: 2, skipped: 1 });
    }

    #[test]
    fn the_closing_line_is_plain() {
        let mut count = Count { passed: 3, failed: 0, skipped: 0 };
        assert_eq!(count.to_string(), "3 passed, 0 failed");
        count.skipped = 2;
        assert_eq!(count.to_string(), "3 passed, 0 failed, 2 skipped");
    }
}
