//! Accounts of the other libraries, which have no store for users of their own.

use std::collections::{HashMap, HashSet};

/// Address of the signed-in user in every application. It is also the text of every page.
pub(crate) const EMAIL: &str = "ann@example.com";
/// Role that the protected pages require.
pub(crate) const ROLE: &str = "editor";
/// Permission of that role. axum-login checks permissions and has no roles.
pub(crate) const PERMISSION: &str = "page-write";
/// Key of the user in [`accounts`].
pub(crate) const USER: i64 = 1;

/// Account of an application without fs.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// Key of the account.
    pub(crate) id: i64,
    /// Mail address.
    pub(crate) email: String,
    /// Stored password, which axum-login binds sessions to.
    pub(crate) password_hash: String,
    /// Names of the granted roles.
    pub(crate) roles: Vec<String>,
    /// Granted permissions.
    pub(crate) permissions: HashSet<String>,
}

/// Accounts in memory, by their key.
pub(crate) type Accounts = HashMap<i64, Account>;

impl Account {
    /// Checks whether the account has a role.
    pub(crate) fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|granted| granted == role)
    }
}

/// Returns the accounts of an application: one editor.
pub(crate) fn accounts() -> Accounts {
    let account = Account {
        id: USER,
        email: EMAIL.to_owned(),
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA\
                        $d2hhdGV2ZXJ3aGF0ZXZlcndoYXRldmVyd2hhdGV2ZXI"
            .to_owned(),
        roles: vec![ROLE.to_owned()],
        permissions: HashSet::from([PERMISSION.to_owned()]),
    };
    HashMap::from([(account.id, account)])
}
