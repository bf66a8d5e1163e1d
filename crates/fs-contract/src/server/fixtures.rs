//! Fixtures: the users and roles that a scenario starts with.

use std::collections::BTreeMap;

use fs_core::model::{NewUser, Permissions, Role, SealedSecret, SecondFactor, Uniquifier};
use fs_core::port::{Batch, Change};
use fs_core::secret::Secret;
use fs_core::totp::TotpSecret;
use fs_core::{Security, Timestamp};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Users and roles of a scenario.
#[derive(Deserialize)]
pub(super) struct Fixtures {
    #[serde(default)]
    roles: Vec<FixtureRole>,
    users: Vec<FixtureUser>,
}

#[derive(Deserialize)]
struct FixtureRole {
    name: String,
    description: Option<String>,
    #[serde(default)]
    permissions: Vec<String>,
}

#[derive(Deserialize)]
struct FixtureUser {
    email: String,
    username: Option<String>,
    password: Option<String>,
    active: bool,
    confirmed_at: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    us_phone_number: Option<String>,
    #[serde(default)]
    us_totp_secrets: BTreeMap<String, String>,
    tf_primary_method: Option<String>,
    tf_totp_secret: Option<String>,
    tf_phone_number: Option<String>,
}

impl Fixtures {
    /// Writes the fixtures to the store. Passwords are hashed as they are written.
    pub(super) async fn fill(self, security: &Security) -> Result<(), String> {
        let mut batch = Batch::new();
        for role in self.roles {
            batch.push(Change::InsertRole(Role {
                name: role.name,
                description: role.description,
                permissions: Permissions::from_iter(role.permissions),
            }));
        }
        for user in self.users {
            let new = user.into_new(security).await?;
            batch.push(Change::InsertUser(Box::new(new)));
        }
        security.store().commit(batch).await.map_err(|error| error.to_string())?;
        Ok(())
    }
}

impl FixtureUser {
    async fn into_new(self, security: &Security) -> Result<NewUser, String> {
        let random = || security.random().map(Uniquifier::from_random);
        let uniquifier = random().map_err(|error| error.to_string())?;
        let mut new = NewUser::new(self.email, uniquifier);
        if security.config().auth_tokens.own_uniquifier {
            new.token_uniquifier = Some(random().map_err(|error| error.to_string())?);
        }
        if let Some(password) = self.password {
            let hash = security.hash_password(Secret::from(password)).await;
            new.password = Some(hash.map_err(|error| error.to_string())?);
        }
        new.username = self.username;
        new.active = self.active;
        new.confirmed_at = self.confirmed_at.as_deref().map(moment).transpose()?;
        new.roles = self.roles;
        new.phone = self.us_phone_number;
        new.second_factor = SecondFactor {
            method: self.tf_primary_method,
            totp_secret: match &self.tf_totp_secret {
                Some(secret) => Some(seal(security, secret).await?),
                None => None,
            },
            phone: self.tf_phone_number,
        };
        for (method, secret) in self.us_totp_secrets {
            new.sign_in_secrets.insert(method, seal(security, &secret).await?);
        }
        Ok(new)
    }
}

/// Seals a base32 secret, as the store keeps it.
pub(super) async fn seal(security: &Security, base32: &str) -> Result<SealedSecret, String> {
    let secret = TotpSecret::from_base32(base32).map_err(|error| error.to_string())?;
    security.second_factors().seal_totp(&secret).await.map_err(|error| error.to_string())
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|error| error.to_string())?;
    Ok(Timestamp::from_offset_date_time(moment))
}
