//! Users.

use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{PasswordHash, Permissions, Role, SealedSecret, Uniquifier, UserId};
use crate::Timestamp;
use crate::recovery_code::RecoveryCodeHash;

/// An account with its roles, as one read of the store returns it.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Key of the user in the store.
    pub id: UserId,
    /// Normalized mail address. Unique.
    pub email: String,
    /// Normalized username, if the application uses usernames. Unique.
    pub username: Option<String>,
    /// Hash of the password. `None` for an account without a password.
    pub password: Option<PasswordHash>,
    /// Whether the account is active. A deactivated account cannot be used.
    pub active: bool,
    /// Security stamp: changing it revokes every session and token of the user. See [`Uniquifier`].
    pub uniquifier: Uniquifier,
    /// Security stamp of auth tokens, if they survive a password change.
    pub token_uniquifier: Option<Uniquifier>,
    /// Time at which the mail address was confirmed. `None` if it is not confirmed.
    pub confirmed_at: Option<Timestamp>,
    /// Times and addresses of the user's sign-ins.
    pub sign_ins: SignIns,
    /// Second factor of the user.
    pub second_factor: SecondFactor,
    /// Hashes of the unused recovery codes.
    pub recovery_codes: Vec<RecoveryCodeHash>,
    /// Encrypted secrets of the sign-in methods other than the password, by method.
    pub sign_in_secrets: BTreeMap<String, SealedSecret>,
    /// Phone number to sign in with, in E.164.
    pub phone: Option<String>,
    /// Additional attributes that the application stores.
    pub attributes: Map<String, Value>,
    /// Roles of the user.
    pub roles: Vec<Role>,
}

impl User {
    /// Checks whether the user has the role.
    pub fn has_role(&self, name: &str) -> bool {
        self.roles.iter().any(|role| role.name == name)
    }

    /// Checks whether one of the user's roles grants the permission.
    pub fn has_permission(&self, name: &str) -> bool {
        self.roles.iter().any(|role| role.permissions.contains(name))
    }

    /// Returns the words that an attacker would try first as the password: mail address, username,
    /// phone number, and attributes that are texts.
    pub fn words(&self) -> Vec<String> {
        let attributes = self.attributes.values().filter_map(Value::as_str).map(str::to_owned);
        let named = self.username.iter().chain(&self.phone).cloned();
        std::iter::once(self.email.clone()).chain(named).chain(attributes).collect()
    }

    /// Returns all permissions of the user's roles.
    pub fn permissions(&self) -> Permissions {
        let mut all = Permissions::default();
        for role in &self.roles {
            all.add(&role.permissions);
        }
        all
    }
}

/// Times and addresses of a user's sign-ins (Flask-Security's `TRACKABLE` columns).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignIns {
    /// Time of the previous sign-in.
    pub last_at: Option<Timestamp>,
    /// Time of the current sign-in.
    pub current_at: Option<Timestamp>,
    /// IP address of the previous sign-in.
    pub last_ip: Option<String>,
    /// IP address of the current sign-in.
    pub current_ip: Option<String>,
    /// Number of sign-ins.
    pub count: Option<i64>,
}

impl SignIns {
    /// Returns the values after one more sign-in. The first sign-in is its own predecessor in time.
    #[must_use]
    pub fn and_one(&self, now: Timestamp, ip: Option<&str>) -> Self {
        Self {
            last_at: Some(self.current_at.unwrap_or(now)),
            current_at: Some(now),
            last_ip: self.current_ip.clone(),
            current_ip: ip.map(str::to_owned),
            count: Some(self.count.unwrap_or(0).saturating_add(1)),
        }
    }
}

/// The second factor of an account (Flask-Security's `tf_*` columns).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecondFactor {
    /// Method: `authenticator`, `sms` or `email`. `None` if the account has no second factor.
    pub method: Option<String>,
    /// Encrypted TOTP secret.
    pub totp_secret: Option<SealedSecret>,
    /// Phone number for codes, in E.164.
    pub phone: Option<String>,
}

impl SecondFactor {
    /// Returns a short digest of the second factor, which reveals nothing about it. It differs for
    /// every second factor, even of the same method. Returns `None` if there is no second factor.
    pub fn mark(&self) -> Option<String> {
        let secret = self.totp_secret.as_ref()?;
        let mut digest = Sha256::new_with_prefix("fs second factor v1");
        for part in [&self.method, &self.phone] {
            digest.update(part.as_deref().unwrap_or_default());
            digest.update([0]);
        }
        let [mark @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _]: [u8; 32] =
            digest.chain_update(secret.expose()).finalize().into();
        Some(BASE64URL_NOPAD.encode(&mark))
    }
}

/// A user to insert: a [`User`] without a key.
#[derive(Clone, Debug, PartialEq)]
pub struct NewUser {
    /// Initial value of [`User::email`].
    pub email: String,
    /// Initial value of [`User::username`].
    pub username: Option<String>,
    /// Initial value of [`User::password`].
    pub password: Option<PasswordHash>,
    /// Initial value of [`User::active`].
    pub active: bool,
    /// Initial value of [`User::uniquifier`].
    pub uniquifier: Uniquifier,
    /// Initial value of [`User::token_uniquifier`].
    pub token_uniquifier: Option<Uniquifier>,
    /// Initial value of [`User::confirmed_at`].
    pub confirmed_at: Option<Timestamp>,
    /// Initial value of [`User::sign_ins`].
    pub sign_ins: SignIns,
    /// Initial value of [`User::second_factor`].
    pub second_factor: SecondFactor,
    /// Initial value of [`User::recovery_codes`].
    pub recovery_codes: Vec<RecoveryCodeHash>,
    /// Initial value of [`User::sign_in_secrets`].
    pub sign_in_secrets: BTreeMap<String, SealedSecret>,
    /// Initial value of [`User::phone`].
    pub phone: Option<String>,
    /// Initial value of [`User::attributes`].
    pub attributes: Map<String, Value>,
    /// Names of the user's roles, which must exist.
    pub roles: Vec<String>,
}

impl NewUser {
    /// Creates an active account with an address and a uniquifier only.
    pub fn new(email: impl Into<String>, uniquifier: Uniquifier) -> Self {
        Self {
            email: email.into(),
            username: None,
            password: None,
            active: true,
            uniquifier,
            token_uniquifier: None,
            confirmed_at: None,
            sign_ins: SignIns::default(),
            second_factor: SecondFactor::default(),
            recovery_codes: Vec::new(),
            sign_in_secrets: BTreeMap::new(),
            phone: None,
            attributes: Map::new(),
            roles: Vec::new(),
        }
    }

    /// Converts it to a user with the given key, without its roles.
    pub fn into_user(self, id: UserId) -> User {
        User {
            id,
            email: self.email,
            username: self.username,
            password: self.password,
            active: self.active,
            uniquifier: self.uniquifier,
            token_uniquifier: self.token_uniquifier,
            confirmed_at: self.confirmed_at,
            sign_ins: self.sign_ins,
            second_factor: self.second_factor,
            recovery_codes: self.recovery_codes,
            sign_in_secrets: self.sign_in_secrets,
            phone: self.phone,
            attributes: self.attributes,
            roles: Vec::new(),
        }
    }
}

/// A field of a user with a value, to be written by an update or expected by a guard.
#[derive(Clone, Debug, PartialEq)]
pub enum UserField {
    /// [`User::email`]
    Email(String),
    /// [`User::username`]
    Username(Option<String>),
    /// [`User::password`]
    Password(Option<PasswordHash>),
    /// [`User::active`]
    Active(bool),
    /// [`User::uniquifier`]
    Uniquifier(Uniquifier),
    /// [`User::token_uniquifier`]
    TokenUniquifier(Option<Uniquifier>),
    /// [`User::confirmed_at`]
    ConfirmedAt(Option<Timestamp>),
    /// [`User::sign_ins`], all five columns
    SignIns(SignIns),
    /// [`User::second_factor`], all three columns
    SecondFactor(SecondFactor),
    /// [`User::recovery_codes`]
    RecoveryCodes(Vec<RecoveryCodeHash>),
    /// [`User::sign_in_secrets`]
    SignInSecrets(BTreeMap<String, SealedSecret>),
    /// [`User::phone`]
    Phone(Option<String>),
    /// [`User::attributes`]
    Attributes(Map<String, Value>),
}

impl UserField {
    /// Checks whether the user's field has this value.
    pub fn holds(&self, user: &User) -> bool {
        match self {
            Self::Email(value) => *value == user.email,
            Self::Username(value) => *value == user.username,
            Self::Password(value) => *value == user.password,
            Self::Active(value) => *value == user.active,
            Self::Uniquifier(value) => *value == user.uniquifier,
            Self::TokenUniquifier(value) => *value == user.token_uniquifier,
            Self::ConfirmedAt(value) => *value == user.confirmed_at,
            Self::SignIns(value) => *value == user.sign_ins,
            Self::SecondFactor(value) => *value == user.second_factor,
            Self::RecoveryCodes(value) => *value == user.recovery_codes,
            Self::SignInSecrets(value) => *value == user.sign_in_secrets,
            Self::Phone(value) => *value == user.phone,
            Self::Attributes(value) => *value == user.attributes,
        }
    }

    /// Sets the user's field to this value.
    pub fn write(self, user: &mut User) {
        match self {
            Self::Email(value) => user.email = value,
            Self::Username(value) => user.username = value,
            Self::Password(value) => user.password = value,
            Self::Active(value) => user.active = value,
            Self::Uniquifier(value) => user.uniquifier = value,
            Self::TokenUniquifier(value) => user.token_uniquifier = value,
            Self::ConfirmedAt(value) => user.confirmed_at = value,
            Self::SignIns(value) => user.sign_ins = value,
            Self::SecondFactor(value) => user.second_factor = value,
            Self::RecoveryCodes(value) => user.recovery_codes = value,
            Self::SignInSecrets(value) => user.sign_in_secrets = value,
            Self::Phone(value) => user.phone = value,
            Self::Attributes(value) => user.attributes = value,
        }
    }
}
