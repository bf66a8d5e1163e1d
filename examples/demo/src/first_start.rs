//! Setup of a new database: the roles, and an administrator who can grant them.

use data_encoding::BASE32_NOPAD;
use fs_core::Security;
use fs_core::flow::{AdminError, FlowError, NewAccount};
use fs_core::model::{Permissions, Role};
use fs_core::port::UniqueAttribute;
use fs_core::secret::Secret;

/// Address of the first administrator.
pub(crate) const ADMINISTRATOR: &str = "admin@example.com";

/// Creates the missing roles and the administrator. Returns the administrator's password if the
/// account was created.
pub(crate) async fn prepare(security: &Security) -> Result<Option<Secret>, AdminError> {
    for (name, description, permissions) in [
        ("admin", "Gives and takes roles", "user-read,user-write"),
        ("editor", "Writes pages", "page-write"),
    ] {
        let role = Role {
            name: name.to_owned(),
            description: Some(description.to_owned()),
            permissions: Permissions::from_text(permissions),
        };
        security.admin().find_or_create_role(role).await?;
    }
    let password = new_password(security)?;
    let mut administrator = NewAccount::new(ADMINISTRATOR);
    administrator.password = Some(password.clone());
    administrator.confirmed = true;
    administrator.roles = vec!["admin".to_owned()];
    match security.admin().create_user(&security.context(), administrator).await {
        Ok(_) => Ok(Some(password)),
        Err(AdminError::Taken(UniqueAttribute::Email)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns a password of 100 random bits that is easy to type: five groups of four small letters
/// and digits.
fn new_password(security: &Security) -> Result<Secret, FlowError> {
    let bytes: [u8; 13] = security.random()?;
    let signs: Vec<char> = BASE32_NOPAD.encode(&bytes).to_lowercase().chars().take(20).collect();
    let groups: Vec<String> = signs.chunks(4).map(|group| group.iter().collect()).collect();
    Ok(Secret::from(groups.join("-")))
}
