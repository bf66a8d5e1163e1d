//! Datastore calls of the control plane.

use std::sync::Arc;

use fs_core::Security;
use fs_core::flow::AdminError;
use fs_core::identity::IdentityAttribute;
use fs_core::model::{Permissions, Role, User};
use fs_core::port::Identity;
use fs_core::port::UserLookup;
use fs_core::secret::Secret;
use fs_core::{Context, Timestamp};
use serde_json::{Value, json};

use super::fixtures::seal;

/// Reason why a call failed.
pub(super) enum Failed {
    /// The operation is not supported yet.
    Unknown(String),
    /// The operation returned an error.
    Error(String),
}

impl From<AdminError> for Failed {
    fn from(error: AdminError) -> Self {
        Self::Error(error.to_string())
    }
}

/// Runs a call and returns its result.
pub(super) async fn run(security: &Security, ctx: &Context, call: &Value) -> Result<Value, Failed> {
    let text = |name: &str| call.get(name).and_then(Value::as_str).unwrap_or_default();
    let optional = |name: &str| call.get(name).and_then(Value::as_str).map(str::to_owned);
    let user = match call.get("user") {
        Some(_) => Some(find(security, text("user")).await?),
        None => None,
    };
    let permissions = || match call.get("permissions") {
        Some(Value::String(text)) => Permissions::from_text(text),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Permissions::default(),
    };
    let method = || {
        let name = text("method");
        let unknown = || Failed::Error(format!("there is no method {name:?}"));
        name.parse().map_err(|_| unknown())
    };
    let role = text("role");
    let secret = match call.get("totp_secret").and_then(Value::as_str) {
        Some(base32) => Some(seal(security, base32).await.map_err(Failed::Error)?),
        None => None,
    };
    Ok(match (text("op"), &user) {
        ("activate_user", Some(user)) => security.admin().activate_user(&user.id).await?.into(),
        ("deactivate_user", Some(user)) => security.admin().deactivate_user(&user.id).await?.into(),
        ("toggle_active", Some(user)) => {
            security.admin().toggle_active(&user.id).await?;
            true.into()
        }
        ("delete_user", Some(user)) => null(security.admin().delete_user(ctx, &user.id).await?),
        ("add_role_to_user", Some(user)) => {
            match security.admin().add_role_to_user(&user.id, role).await {
                Ok(added) => added.into(),
                Err(AdminError::NoSuchRole(_)) => json!({ "error": "ValueError" }),
                Err(error) => return Err(error.into()),
            }
        }
        ("remove_role_from_user", Some(user)) => {
            security.admin().remove_role_from_user(&user.id, role).await?.into()
        }
        ("create_role", _) => create_role(security, call, permissions()).await?,
        ("add_permissions_to_role", _) => {
            security.admin().add_permissions_to_role(role, &permissions()).await?.into()
        }
        ("remove_permissions_from_role", _) => {
            security.admin().remove_permissions_from_role(role, &permissions()).await?.into()
        }
        ("set_uniquifier", Some(user)) => null(security.admin().set_uniquifier(&user.id).await?),
        ("set_token_uniquifier", Some(user)) => {
            null(security.admin().set_token_uniquifier(&user.id).await?)
        }
        ("reset_user_access", Some(user)) => {
            null(security.admin().reset_user_access(&user.id).await?)
        }
        ("tf_set", Some(user)) => null(
            security.admin().set_second_factor(user, method()?, secret, optional("phone")).await?,
        ),
        ("tf_reset", Some(user)) => null(security.admin().remove_second_factor(&user.id).await?),
        ("us_set", Some(user)) => null(
            security.admin().set_sign_in_method(user, method()?, secret, optional("phone")).await?,
        ),
        ("us_reset", Some(user)) => null(security.admin().remove_sign_in_methods(&user.id).await?),
        ("admin_change_password", Some(user)) => {
            let password = Secret::from(text("password"));
            let notify = call.get("notify").and_then(Value::as_bool).unwrap_or(true);
            null(security.admin().change_password(ctx, user, &password, notify).await?)
        }
        ("show_user", Some(user)) => show(user),
        (other, _) => return Err(Failed::Unknown(format!("no store call {other:?}"))),
    })
}

fn null((): ()) -> Value {
    Value::Null
}

async fn create_role(
    security: &Security,
    call: &Value,
    permissions: Permissions,
) -> Result<Value, Failed> {
    let name = call.get("name").and_then(Value::as_str).unwrap_or_default();
    let description = call.get("description").and_then(Value::as_str).map(str::to_owned);
    let shown: Vec<_> = permissions.iter().map(str::to_owned).collect();
    let role = Role { name: name.to_owned(), description, permissions };
    security.admin().create_role(role).await?;
    Ok(json!({ "name": name, "permissions": shown }))
}

async fn find(security: &Security, email: &str) -> Result<User, Failed> {
    let by = UserLookup::Identity(Identity {
        attribute: IdentityAttribute::Email,
        value: email.to_owned(),
        ignore_case: false,
    });
    let found = security.store().user(&by).await;
    let found = found.map_err(|error| Failed::Error(error.to_string()))?;
    found.map(Arc::unwrap_or_clone).ok_or_else(|| Failed::Error(format!("no user {email}")))
}

fn show(user: &User) -> Value {
    let moment =
        |at: Option<Timestamp>| at.map(|at| Timestamp::from_secs(at.as_secs()).to_string());
    let mut roles: Vec<_> = user.roles.iter().map(|role| role.name.as_str()).collect();
    roles.sort_unstable();
    json!({
        "email": user.email,
        "username": user.username,
        "active": user.active,
        "roles": roles,
        "confirmed_at": moment(user.confirmed_at),
        "password": user.password.is_some(),
        "fs_uniquifier": true,
        "fs_token_uniquifier": user.token_uniquifier.is_some(),
        "last_login_at": moment(user.sign_ins.last_at),
        "current_login_at": moment(user.sign_ins.current_at),
        "last_login_ip": user.sign_ins.last_ip.is_some(),
        "current_login_ip": user.sign_ins.current_ip.is_some(),
        "login_count": user.sign_ins.count,
        "tf_primary_method": user.second_factor.method,
        "tf_totp_secret": user.second_factor.totp_secret.is_some(),
        "tf_phone_number": user.second_factor.phone,
        "us_phone_number": user.phone,
        "us_totp_secrets": user.sign_in_secrets.keys().collect::<Vec<_>>(),
    })
}
