//! Estimates how easy a password is to guess.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Advice;

/// Check of passwords with the strength estimator zxcvbn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zxcvbn {
    /// Minimum score that is accepted, from 0 to 4. Flask-Security uses 3: more than 10^8 guesses.
    pub min_score: u8,
}

impl Zxcvbn {
    /// Number of code points that are estimated at once. zxcvbn's time grows steeply with the
    /// length: a hundred well chosen characters take half a second, this many at most as long as a
    /// hash.
    const PART: usize = 24;

    /// Checks whether the password is hard enough to guess. The error is the reason, if there is a
    /// single one.
    pub(super) fn check(self, password: &str, context: &[&str]) -> Result<(), Option<Advice>> {
        if password.chars().nth(Self::PART).is_none() {
            return self.estimate(password, context);
        }
        // A long password is as strong as its strongest part. The context is removed first, because
        // a word that is cut in two would not be recognized.
        let mut text = Zeroizing::new(password.to_lowercase());
        for word in context.iter().filter(|word| word.chars().count() > 3) {
            text = Zeroizing::new(text.replace(&word.to_lowercase(), ""));
        }
        let mut verdict = Err(None);
        for part in parts(&text, Self::PART) {
            verdict = self.estimate(&part, context);
            if verdict.is_ok() {
                break;
            }
        }
        verdict
    }

    #[cfg(not(feature = "password-strength"))]
    #[expect(clippy::unused_self, reason = "the other one needs it")]
    fn estimate(self, _: &str, _: &[&str]) -> Result<(), Option<Advice>> {
        // Configurations with this check are refused.
        Ok(())
    }

    #[cfg(feature = "password-strength")]
    fn estimate(self, text: &str, context: &[&str]) -> Result<(), Option<Advice>> {
        let estimate = zxcvbn::zxcvbn(text, context);
        if u8::from(estimate.score()) >= self.min_score {
            return Ok(());
        }
        let warning = estimate.feedback().and_then(|feedback| feedback.warning());
        Err(warning.map(Advice::from))
    }
}

/// Splits the text into parts of `length` code points. The last one may be shorter.
fn parts(text: &str, length: usize) -> impl Iterator<Item = Zeroizing<String>> {
    let mut chars = text.chars();
    std::iter::from_fn(move || {
        let part: String = chars.by_ref().take(length).collect();
        (!part.is_empty()).then(|| Zeroizing::new(part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Zxcvbn = Zxcvbn { min_score: 3 };

    #[test]
    fn what_is_easily_guessed_is_refused_with_advice() {
        for (password, advice) in [
            ("qwertyuiop", Advice::Top100),
            ("dragonfly", Advice::OftenUsed),
            ("p4ssw0rd", Advice::NearOftenUsed),
            ("zxcvfrewq", Advice::KeyboardPattern),
            ("aaaaaaaaaaaa", Advice::RepeatedCharacter),
            ("xkcdxkcdxkcd", Advice::RepeatedPart),
            ("fghijklmnop", Advice::Sequence),
            ("13.05.1987", Advice::Date),
        ] {
            assert_eq!(RULE.check(password, &[]), Err(Some(advice)), "{password}");
        }
    }

    #[test]
    fn what_is_hard_to_guess_passes() {
        for password in [
            "violet tractor marmalade",
            "xK9#mQ2$vL5@nR8",
            "\u{1f40e}\u{1f50b}\u{1f4ce}\u{2603}\u{1f40e}\u{1f4ce}\u{1f50b}\u{2603}\u{1f40e}",
        ] {
            assert_eq!(RULE.check(password, &[]), Ok(()), "{password}");
        }
    }

    #[test]
    fn the_context_is_guessed_first() {
        let name = "bartholomew.quux";
        assert_eq!(RULE.check(name, &[]), Ok(()));
        assert_eq!(RULE.check(name, &[name]), Err(None));
        // Case of the reference recording: without advice, the message key itself is the text.
        assert_eq!(RULE.check("zoe@example", &["zoe@example.test"]), Err(None));
    }

    #[test]
    fn the_context_is_seen_in_long_passwords_too() {
        let address = "bartholomew.quux.the.third@mail.example.org";
        assert_eq!(RULE.check(address, &[]), Ok(()));
        assert_eq!(RULE.check(address, &[address]), Err(None));
        assert!(RULE.check(&format!("1{}1", address.to_uppercase()), &["", address]).is_err());
    }

    #[test]
    fn a_long_password_is_as_strong_as_its_strongest_part() {
        let weak = "a".repeat(48);
        assert_eq!(RULE.check(&weak, &[]), Err(Some(Advice::RepeatedCharacter)));
        assert_eq!(RULE.check(&format!("{weak}violet tractor marmalade"), &[]), Ok(()));
    }

    #[test]
    fn parts_fall_between_characters() {
        let text = "\u{e4}\u{2603}\u{1f40e}xy";
        let parts: Vec<_> = parts(text, 2).map(|part| part.to_string()).collect();
        assert_eq!(parts, ["\u{e4}\u{2603}", "\u{1f40e}x", "y"]);
    }
}
