//! Masks addresses and phone numbers so that only their owner recognizes them.

/// Masks a mail address, except for its first letter and its domain: `a…@example.com`.
///
/// If the local part is a single letter, only the domain is shown.
///
/// ```
/// assert_eq!(fs_core::identity::mask_email("ann@example.com"), "a…@example.com");
/// ```
pub fn mask_email(address: &str) -> String {
    let Some((local, domain)) = address.rsplit_once('@') else { return "…".to_owned() };
    let mut letters = local.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(_)) => format!("{first}…@{domain}"),
        _ => format!("…@{domain}"),
    }
}

/// Masks a phone number, except for its last two digits: `…23`.
///
/// ```
/// assert_eq!(fs_core::identity::mask_phone("+14155550123"), "…23");
/// ```
pub fn mask_phone(number: &str) -> String {
    let digits = number.chars().filter(char::is_ascii_digit).collect::<Vec<_>>();
    let shown = digits.get(digits.len().saturating_sub(2)..).filter(|_| digits.len() > 4);
    std::iter::once('…').chain(shown.into_iter().flatten().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_or_odd_values_are_not_shown_whole() {
        for (address, masked) in
            [("a@x.test", "…@x.test"), ("@x.test", "…@x.test"), ("ann", "…"), ("", "…")]
        {
            assert_eq!(mask_email(address), masked);
        }
        assert_eq!(mask_email("\"a@b\"@x.test"), "\"…@x.test");
        for (number, masked) in [("1234", "…"), ("", "…"), ("+44 20 8366 1177", "…77")] {
            assert_eq!(mask_phone(number), masked);
        }
    }
}
