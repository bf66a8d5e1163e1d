//! Provisioning of a secret to an authenticator app.

#[cfg(feature = "qr-code")]
use data_encoding::BASE64;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
#[cfg(feature = "qr-code")]
use qrcode::{QrCode, render::svg};

use super::{TotpRules, TotpSecret};
use crate::secret::Secret;

/// Characters to escape in a query: all except those that RFC 3986 calls unreserved.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Characters to escape in a label: as in a query, but not `@`.
const LABEL: &AsciiSet = &QUERY.remove(b'@');

/// Size of a module of the QR code in pixels.
#[cfg(feature = "qr-code")]
const MODULE: u32 = 4;

/// Data for an authenticator app: the secret, and the names to show.
///
/// ```
/// use fs_core::totp::{Provisioning, TotpRules, TotpSecret};
///
/// let secret = TotpSecret::from_base32("QZYG4LIFYA4GPLCVVI2QNQAY4O6BPQSY")?;
/// let rules = TotpRules::default();
/// let app = Provisioning { secret: &secret, rules, issuer: "Our Shop", username: "zoe@example.org" };
/// assert_eq!(
///     app.uri().expose(),
///     "otpauth://totp/Our%20Shop:zoe@example.org\
///      ?secret=QZYG4LIFYA4GPLCVVI2QNQAY4O6BPQSY&issuer=Our%20Shop",
/// );
/// # Ok::<(), fs_core::totp::NotATotpSecret>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Provisioning<'a> {
    /// Secret. An app that read it keeps it forever.
    pub secret: &'a TotpSecret,
    /// Rules for codes. Only values that differ from the default are sent to the app.
    pub rules: TotpRules,
    /// Name of the service.
    pub issuer: &'a str,
    /// Name of the account.
    pub username: &'a str,
}

impl Provisioning<'_> {
    /// Returns the `otpauth` URI for apps, encoded as passlib does.
    ///
    /// Apps split the names at a colon, so colons within a name are removed.
    pub fn uri(&self) -> Secret {
        let [issuer, username] = [self.issuer, self.username].map(|name| name.replace(':', ""));
        let encode = |text, set| utf8_percent_encode(text, set).to_string();
        let mut uri = "otpauth://totp/".to_owned();
        if !issuer.is_empty() {
            uri += &format!("{}:", encode(&issuer, LABEL));
        }
        uri += &format!("{}?secret={}", encode(&username, LABEL), self.secret.to_base32().expose());
        if self.rules.digits() != TotpRules::default().digits() {
            uri += &format!("&digits={}", self.rules.digits());
        }
        if self.rules.period() != TotpRules::default().period() {
            uri += &format!("&period={}", self.rules.period().as_secs());
        }
        if !issuer.is_empty() {
            uri += &format!("&issuer={}", encode(&issuer, QUERY));
        }
        Secret::from(uri)
    }

    /// Returns the [`uri`](Self::uri) as a QR code, as an image in a `data:` URI. Returns `None` if
    /// the names are too long for one, or the feature `qr-code` is disabled.
    #[cfg(not(feature = "qr-code"))]
    pub fn qr_code(&self) -> Option<Secret> {
        None
    }

    /// Returns the [`uri`](Self::uri) as a QR code, as an image in a `data:` URI. Returns `None` if
    /// the names are too long for one, or the feature `qr-code` is disabled.
    #[cfg(feature = "qr-code")]
    pub fn qr_code(&self) -> Option<Secret> {
        let code = QrCode::new(self.uri().expose()).ok()?;
        let picture = code.render::<svg::Color<'_>>().module_dimensions(MODULE, MODULE).build();
        Some(Secret::from(format!(
            "data:image/svg+xml;base64,{}",
            BASE64.encode(picture.as_bytes())
        )))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const BASE32: &str = "QZYG4LIFYA4GPLCVVI2QNQAY4O6BPQSY";

    fn provisioning(
        issuer: &str,
        username: &str,
        rules: TotpRules,
        see: impl Fn(Provisioning<'_>),
    ) {
        let secret = TotpSecret::from_base32(BASE32).unwrap();
        see(Provisioning { secret: &secret, rules, issuer, username });
    }

    /// Checks that URIs are encoded as passlib encodes them. The last case is an addition.
    #[test]
    fn uris_are_spelled_as_passlib_spells_them() {
        let usual = TotpRules::default();
        let unusual = TotpRules::new(8, Duration::from_secs(60)).unwrap();
        for (issuer, username, rules, uri) in [
            (
                "Our Shop & Söhne",
                "zoë+1@example.org",
                usual,
                "otpauth://totp/Our%20Shop%20%26%20S%C3%B6hne:zo%C3%AB%2B1@example.org?secret=QZYG4LIFYA4GPLCVVI2QNQAY4O6BPQSY&issuer=Our%20Shop%20%26%20S%C3%B6hne",
            ),
            (
                "",
                "zoe@example.org",
                usual,
                "otpauth://totp/zoe@example.org?secret=QZYG4LIFYA4GPLCVVI2QNQAY4O6BPQSY",
            ),
            (
                "x@y",
                "a+b~c_d",
                unusual,
                "otpauth://totp/x@y:a%2Bb~c_d?secret=QZYG4LIFYA4GPLCVVI2QNQAY4O6BPQSY&digits=8&period=60&issuer=x%40y",
            ),
            (
                "a:b",
                "c:d/e?f#g",
                usual,
                "otpauth://totp/ab:cd%2Fe%3Ff%23g?secret=QZYG4LIFYA4GPLCVVI2QNQAY4O6BPQSY&issuer=ab",
            ),
        ] {
            provisioning(issuer, username, rules, |app| assert_eq!(app.uri().expose(), uri));
        }
    }

    #[test]
    fn apps_read_the_uri() {
        provisioning("Our Shop", "zoe@example.org", TotpRules::default(), |app| {
            let read = totp_rs::Totp::from_url(app.uri().expose()).unwrap();
            assert_eq!(read.issuer(), Some("Our Shop"));
            assert_eq!(read.account_name(), "zoe@example.org");
            assert_eq!(read.secret().to_base32(), BASE32);
        });
    }

    #[test]
    fn the_picture_is_svg_and_names_may_be_too_long_for_it() {
        provisioning("shop", "zoe@example.org", TotpRules::default(), |app| {
            let uri = app.qr_code().unwrap();
            let picture = uri.expose().strip_prefix("data:image/svg+xml;base64,").unwrap();
            let picture = String::from_utf8(BASE64.decode(picture.as_bytes()).unwrap()).unwrap();
            assert!(picture.contains("<svg ") && picture.ends_with("</svg>"));
            assert!(picture.len() < 40_000);
        });
        let long = "é".repeat(1_000);
        provisioning("shop", &long, TotpRules::default(), |app| assert!(app.qr_code().is_none()));
    }
}
