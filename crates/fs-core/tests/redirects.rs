//! Tests of redirect targets: every accepted target leads to our own host, however a browser parses
//! it.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use fs_core::redirect::{Origin, REFUSED_PATTERN, RedirectRules, RedirectTarget};
use proptest::prelude::*;
use regex::Regex;
use url::Url;

const HOST: &str = "localhost";

fn judge(target: &str) -> Option<String> {
    judge_by(target, &Origin::new("http", HOST).unwrap(), &RedirectRules::default())
}

fn judge_by(target: &str, own: &Origin, rules: &RedirectRules) -> Option<String> {
    RedirectTarget::judge(target, own, rules).map(|target| target.as_str().to_owned())
}

/// Asserts that an accepted target is printable, and leads to our host from every page.
fn assert_harmless(target: &str) {
    let Some(location) = judge(target) else { return };
    assert!(location.bytes().all(|octet| octet.is_ascii_graphic()), "{target:?}");
    for page in ["http://localhost/", "http://localhost/login", "http://localhost/a/b/c?d=//e#f"] {
        let url = Url::parse(page).unwrap().join(&location).unwrap();
        assert_eq!(url.host_str(), Some(HOST), "{target:?} gave {location:?}");
        assert!(matches!(url.scheme(), "http" | "https"), "{target:?} gave {location:?}");
        assert_eq!((url.username(), url.port()), ("", None), "{target:?} gave {location:?}");
    }
    assert!(!location.starts_with("//") && !location.contains('\\'), "{target:?}");
}

/// Checks whether a browser would leave our host for the text as it was typed.
fn leads_away(target: &str) -> bool {
    match Url::parse("http://localhost/login").unwrap().join(target) {
        Ok(url) => url.host_str() != Some(HOST) || !matches!(url.scheme(), "http" | "https"),
        Err(_) => true,
    }
}

#[test]
fn accepts_pages_of_our_own() {
    for (target, location) in [
        ("/", "/"),
        ("/page1", "/page1"),
        ("page1/inner", "page1/inner"),
        ("?x=1", "?x=1"),
        ("#part", "#part"),
        ("../up", "../up"),
        ("/page1?a=1&b=two%20words#part", "/page1?a=1&b=two%20words#part"),
        ("/page1?next=http://evil.test/", "/page1?next=http://evil.test/"),
        ("/page1?back=\\", "/page1?back=%5C"),
        ("/a//b", "/a//b"),
        ("/two words", "/two%20words"),
        ("/pagé", "/pag%C3%A9"),
        ("/:80", "/:80"),
        (" /page1 ", "/page1"),
        ("http://localhost/page1?x=1", "http://localhost/page1?x=1"),
        ("https://localhost/page1", "https://localhost/page1"),
        ("HTTP://LOCALHOST/Page", "http://localhost/Page"),
        ("//localhost/page1", "http://localhost/page1"),
        ("///page1", "/page1"),
        (" ///evil.test", "/evil.test"),
    ] {
        assert_eq!(judge(target).as_deref(), Some(location), "{target:?}");
        assert_harmless(target);
    }
}

#[test]
fn refuses_what_leads_away() {
    for target in [
        "",
        "   ",
        "http://evil.test/",
        "//evil.test/",
        "https://localhost@evil.test/",
        "http://user@localhost/",
        "http://user:password@localhost/",
        "http://localhost:8080/",
        "http://localhost.evil.test/",
        "http://localhost./",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:http://localhost/x",
        "ftp://localhost/",
        "ws://localhost/",
        "about:blank",
        "http:evil.test",
        "http:localhost",
        "http:/localhost",
        "http:///localhost",
        "https:evil.test",
        "page:1",
        "////evil.test",
        "//////evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "\\\\\\evil.test",
        "\\/evil.test",
        "/\t/evil.test",
        "/\n/evil.test",
        "/page\r\nSet-Cookie: a=b",
        "\u{19}////evil.test",
        "/.//evil.test",
        "/..//evil.test",
        "/a/..//evil.test",
        "/%2e//evil.test",
        ".//evil.test",
    ] {
        assert_eq!(judge(target), None, "{target:?}");
    }
    assert_eq!(judge(&format!("/{}", "a".repeat(1 << 20))), None);
}

#[test]
fn a_secure_page_is_not_left_for_an_insecure_one() {
    let own = Origin::new("https", "example.com").unwrap();
    let mut rules = RedirectRules::default();
    rules.trusted = Some("example.com".parse().unwrap());
    for (target, accepted) in [
        ("https://example.com/", true),
        ("http://example.com/", false),
        ("https://blog.example.com/", true),
        ("http://blog.example.com/", false),
    ] {
        assert_eq!(judge_by(target, &own, &rules).is_some(), accepted, "{target}");
    }
}

#[test]
fn ports_are_part_of_the_host() {
    let own = Origin::new("http", "localhost:8000").unwrap();
    let judge = |target| judge_by(target, &own, &RedirectRules::default()).is_some();
    assert!(judge("http://localhost:8000/") && judge("//localhost:8000/") && judge("/"));
    assert!(!judge("http://localhost/") && !judge("http://localhost:8001/"));
}

#[test]
fn trusted_domains_are_compared_label_by_label() {
    let own = Origin::new("http", "shop.example.test").unwrap();
    let mut rules = RedirectRules::default();
    rules.trusted = Some("shop.example.test".parse().unwrap());
    for (target, accepted) in [
        ("http://blog.shop.example.test/x", true),
        ("http://a.b.shop.example.test/x", true),
        ("//blog.shop.example.test/x", true),
        ("http://shop.example.test/x", true),
        ("http://evilshop.example.test/x", false),
        ("http://shop.example.test.evil.test/", false),
        ("http://evil.test\\.shop.example.test/", false),
        ("http://evil.test/.shop.example.test", false),
        ("http://evil.test#.shop.example.test", false),
        ("http://evil.test?.shop.example.test", false),
        ("http://evil.test@blog.shop.example.test/", false),
        ("http://blog.shop.example.test:8080/", false),
        ("http://example.test/", false),
        ("ftp://blog.shop.example.test/", false),
        ("javascript://blog.shop.example.test/%0aalert(1)", false),
    ] {
        assert_eq!(judge_by(target, &own, &rules).is_some(), accepted, "{target}");
        let default = RedirectRules::default();
        let foreign = target.contains("blog.") || target.contains("a.b.");
        assert!(!foreign || judge_by(target, &own, &default).is_none(), "{target}");
    }
}

#[test]
fn a_pattern_refuses_more() {
    let own = Origin::new("http", HOST).unwrap();
    let mut rules = RedirectRules::default();
    rules.refused = Some(Regex::new(REFUSED_PATTERN).unwrap());
    for (target, accepted) in [
        ("/page1", true),
        ("/a b//c", true),
        ("///page1", true),
        (" ///page1", false),
        ("\t//page1", false),
        ("////page1", false),
        ("/page1\\\\\\", false),
    ] {
        assert_eq!(judge_by(target, &own, &rules).is_some(), accepted, "{target:?}");
    }
}

#[test]
fn a_corpus_of_hostile_targets() {
    let leads = [
        "",
        "/",
        "//",
        "///",
        "////",
        "/////",
        "//////",
        "\\",
        "\\\\",
        "\\\\\\",
        "/\\",
        "\\/",
        "/\\/",
        "\\/\\",
        "//\\",
        "/\t/",
        "/\n/",
        "/\r\n/",
        "\t//",
        "\n//",
        " //",
        " ///",
        "\0//",
        "\u{19}////",
        "\u{a0}//",
        "\u{3000}//",
        "\u{feff}//",
        "\u{200b}//",
        "/\u{200b}/",
        "//\u{ad}",
        "./",
        ".//",
        "././/",
        "../",
        "..//",
        "/.//",
        "/..//",
        "/./../\\",
        "/%2e%2e//",
        "/%2f",
        "/%5c",
        "%2f%2f",
        "http:",
        "http:/",
        "http://",
        "http:///",
        "http:////",
        "http:\\\\",
        "http:\\/",
        "HTTP://",
        "ht\ttp://",
        "http\n://",
        "https:",
        "https:/",
        "https://",
        "https:\\",
        "ftp://",
        "ws://",
        "javascript:",
        "javascript://",
        "java\nscript:",
        "data:",
        "blob:http://",
        "view-source:http://",
        "file://",
        "//:@",
        "//user@",
        "//user:password@",
        "http://localhost@",
        "http://localhost:80@",
        "http://localhost#@",
        "http://localhost?@",
        "http://localhost\\@",
        "http://localhost%00.",
        "http://localhost%2f@",
        "http://localhost;",
        "?//",
        "#//",
        ";//",
        "@",
        ":",
        "://",
        "///\\",
        "///./",
        "///..//",
        "///\t/",
        "////\\",
        "/ /",
        " / /",
        "/\u{85}/",
        "/\u{2028}/",
        "//[::1]@",
    ];
    let hosts = [
        "evil.test",
        "evil.test:80",
        "evil\u{3002}test",
        "localhost.evil.test",
        "evil.test\\@localhost",
        "evil.test#localhost",
        "0x7f.1",
        "[::1]",
        "xn--evil-.test",
        "localhost",
        "localhost:80/..//evil.test",
        "",
    ];
    let mut count = 0;
    for lead in leads {
        for host in hosts {
            for tail in ["", "/", "/path?x=//y"] {
                let target = format!("{lead}{host}{tail}");
                assert_harmless(&target);
                let three_slashes = target.trim_matches(|c| c <= ' ').starts_with("///");
                if leads_away(&target) && !three_slashes {
                    assert_eq!(judge(&target), None, "{target:?}");
                }
                count += 1;
            }
        }
    }
    assert!(count > 3_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_is_accepted_stays_here(
        target in "([/\\\\\\t\\n\\r .:@?#%a;\\x00\\x19\u{a0}\u{3002}\u{ff0f}]|//|http|https:|evil.test|localhost){1,8}|\\PC{0,30}"
    ) {
        assert_harmless(&target);
    }

    #[test]
    fn trusted_hosts_end_with_the_trusted_labels(
        host in "([a-z.@:/\\\\#?%-]|evil.test|shop.test|\u{3002}){1,8}"
    ) {
        let own = Origin::new("http", HOST).unwrap();
        let mut rules = RedirectRules::default();
        rules.trusted = Some("shop.test".parse().unwrap());
        if let Some(location) = judge_by(&format!("http://{host}"), &own, &rules) {
            let url = Url::parse(&location).unwrap();
            let host = url.host_str().unwrap();
            prop_assert!(host == HOST || format!(".{host}").ends_with(".shop.test"), "{}", location);
        }
    }
}
