//! Tests of invalid hashing rules.

use std::collections::BTreeSet;

use fs_core::password::Deprecated;

use super::*;

#[test]
fn the_shipped_rules_have_no_mistakes() {
    for rules in [
        HashingRules::default(),
        HashingRules::peppered(Secret::from("pepper")),
        flask(),
        cheapest(),
    ] {
        assert_eq!(rules.errors(), []);
    }
}

#[test]
fn owasps_minimum_is_the_least() {
    let mistakes_of = |create| {
        let mut rules = HashingRules::default();
        rules.create = create;
        rules.errors().len()
    };
    let mistakes = |memory_kib, iterations, lanes| {
        mistakes_of(NewHash::Argon2id { memory_kib, iterations, lanes })
    };
    for (memory, passes) in [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)] {
        assert_eq!(mistakes(memory, passes, 1), 0);
        assert_eq!(mistakes(memory - 1, passes, 1), 1, "{memory} {passes}");
        assert_eq!(mistakes(memory, passes - 1, 1), 1, "{memory} {passes}");
    }
    assert_eq!(mistakes(65_536, 3, 4), 0);
    assert_eq!(mistakes(19_456, 2, 0), 1);
    assert_eq!(mistakes(19_456, 2, 2433), 1);
    assert_eq!(mistakes(1 << 21, 1, 1), 1);
    assert_eq!(mistakes(1 << 20, 5, 1), 1);
    assert_eq!(mistakes(19_456, 101, 1), 1);
    let bcrypt = |cost| mistakes_of(NewHash::Bcrypt { cost });
    assert_eq!([9, 10, 17, 18, 31].map(bcrypt), [1, 0, 0, 1, 1]);
}

#[test]
fn every_mistake_is_told_at_once() {
    let mut rules = flask();
    rules.create = NewHash::Bcrypt { cost: 4 };
    rules.accepted = BTreeSet::new();
    rules.deprecated = Deprecated::Listed(BTreeSet::from([Scheme::Bcrypt]));
    rules.pepper = None;
    assert_eq!(rules.errors().len(), 4);
    let error = PasswordHasher::new(rules).unwrap_err();
    assert_eq!(error.0.len(), 4);
    let mut empty = flask();
    empty.pepper = Some(Secret::from(""));
    assert_eq!(empty.errors().len(), 1);
}
