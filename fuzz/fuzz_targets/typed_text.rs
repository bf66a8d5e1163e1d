//! Text that strangers type or put into links: identities and redirect targets.
//!
//! A redirect target that is accepted stays on our host. Normalizing an identity twice gives what
//! normalizing it once gives, so that no account has two spellings.

#![no_main]

use fs_core::identity::{
    EmailRules, Region, UsernameRules, check_username, mask_email, mask_phone, normalise_email,
    normalise_phone, normalise_username, with_ascii_domain,
};
use fs_core::redirect::{Origin, RedirectRules, RedirectTarget};
use libfuzzer_sys::fuzz_target;
use url::Url;

const HOST: &str = "site.test";

fuzz_target!(|text: &str| {
    redirect_target(text);
    email(text);
    phone(text);
    username(text);
});

fn redirect_target(text: &str) {
    let own = Origin::new("https", HOST).unwrap();
    let Some(target) = RedirectTarget::judge(text, &own, &RedirectRules::default()) else { return };
    for page in ["https://site.test/", "https://site.test/a/b/c?d=//e#f"] {
        let url = Url::parse(page).unwrap().join(target.as_str()).unwrap();
        assert_eq!(url.host_str(), Some(HOST));
        assert!(matches!(url.scheme(), "http" | "https"));
        assert_eq!((url.username(), url.port()), ("", None));
    }
}

fn email(text: &str) {
    let _ = mask_email(text);
    let _ = with_ascii_domain(text);
    let rules = EmailRules::default();
    if let Ok(address) = normalise_email(&rules, text) {
        assert!(address.as_str().len() <= 254);
        assert!(!address.as_str().contains(['\r', '\n', '\0', ' ', ',']));
        assert_eq!(normalise_email(&rules, address.as_str()).as_ref(), Ok(&address));
    }
}

fn phone(text: &str) {
    let _ = mask_phone(text);
    let region: Region = "US".parse().unwrap();
    if let Ok(number) = normalise_phone(region, text) {
        assert!(number.as_str().starts_with('+'));
        assert_eq!(normalise_phone(region, number.as_str()).as_ref(), Ok(&number));
    }
}

fn username(text: &str) {
    let rules = UsernameRules::default();
    if let Ok(Some(name)) = check_username(&rules, text) {
        // A name that was registered is found, as it was typed and as it is stored.
        assert_eq!(normalise_username(&rules, text).as_deref(), Some(name.as_str()));
        assert_eq!(normalise_username(&rules, name.as_str()).as_deref(), Some(name.as_str()));
        if let Ok(Some(again)) = check_username(&rules, name.as_str()) {
            assert_eq!(again, name);
        }
    }
}
