//! Measured kinds of operations, and what each is compared with.

use clap::ValueEnum;

/// Kinds that are compared with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// Requests on axum
    Axum,
    /// Requests on actix-web
    Actix,
    /// Requests on Rocket
    Rocket,
    /// Tokens without a request
    Tokens,
}

/// Kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// Name, as the programs in `benches` know it.
    pub(super) name: &'static str,
    /// Group to which it belongs. The first kind of a group is its baseline: the bare handler, or
    /// the floor of tokens.
    pub(super) group: Group,
    /// Description for the table.
    pub(super) label: &'static str,
    /// Name of the kind of another library that does the same work.
    pub(super) peer: Option<&'static str>,
}

const fn kind(name: &'static str, group: Group, label: &'static str) -> Kind {
    Kind { name, group, label, peer: None }
}

impl Kind {
    const fn beside(self, peer: &'static str) -> Self {
        Self { peer: Some(peer), ..self }
    }
}

/// All kinds, in the order of the tables.
pub(super) const KINDS: [Kind; 18] = [
    kind("axum-bare", Group::Axum, "axum, bare handler"),
    kind("axum-anonymous", Group::Axum, "  fs: open page, no session"),
    kind("axum-unused", Group::Axum, "  fs: open page, session not used"),
    kind("axum-role", Group::Axum, "  fs: session and role, memory").beside("axum-login"),
    kind("axum-token", Group::Axum, "  fs: auth token and role, memory"),
    kind("axum-sqlite", Group::Axum, "  fs: session and role, SQLite"),
    kind("axum-login", Group::Axum, "  axum-login: session and permission, memory"),
    kind("actix-bare", Group::Actix, "actix-web, bare handler"),
    kind("actix-role", Group::Actix, "  fs: session and role, memory").beside("actix-identity"),
    kind("actix-identity", Group::Actix, "  actix-identity: private cookie and role, map"),
    kind("rocket-bare", Group::Rocket, "Rocket, bare handler"),
    kind("rocket-role", Group::Rocket, "  fs: session and role, memory").beside("rocket-cookie"),
    kind("rocket-cookie", Group::Rocket, "  Rocket: private cookie and role, map"),
    kind("floor", Group::Tokens, "HMAC-SHA256 floor, verify"),
    kind("link-verify", Group::Tokens, "fs: native link, verify"),
    kind("link-issue", Group::Tokens, "fs: native link, issue"),
    kind("itsdangerous-verify", Group::Tokens, "fs: itsdangerous token, verify"),
    kind("itsdangerous-issue", Group::Tokens, "fs: itsdangerous token, issue"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_in_the_same_group() {
        for kind in KINDS {
            let peer = |peer| KINDS.iter().find(|other| other.name == peer).unwrap();
            assert!(kind.peer.is_none_or(|name| peer(name).group == kind.group), "{}", kind.name);
        }
    }
}
