//! Users.

use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{PasswordHash, Permissions, Role, SealedSecret, Uniquifier, UserId};
use crate::Timestamp;
use crate::recovery_code::RecoveryCodeHash;

/// An account, with its roles: what one read of the store gives.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// The store's key.
    pub id: UserId,
    /// The mail address, normalised. Unique.
    pub email: String,
    /// The name to sign in with, normalised, where the application has one. Unique.
    pub username: Option<String>,
    /// The password's hash; nothing for an account that signs in another way.
    pub password: Option<PasswordHash>,
    /// Whether the account may be used at all.
    pub active: bool,
    /// Names the user's present trust; see [`Uniquifier`].
    pub uniquifier: Uniquifier,
    /// The same for auth tokens alone, where they are to outlive a password change.
    pub token_uniquifier: Option<Uniquifier>,
    /// When the mail address was proven.
    pub confirmed_at: Option<Timestamp>,
    /// When and from where the user signed in.
    pub sign_ins: SignIns,
    /// The second factor that is asked for after the first.
    pub second_factor: SecondFactor,
    /// What is left of the codes that stand in for a lost second factor.
    pub recovery_codes: Vec<RecoveryCodeHash>,
    /// Secrets of the methods to sign in with besides the password, by method.
    pub sign_in_secrets: BTreeMap<String, SealedSecret>,
    /// The telephone number to sign in with, in E.164.
    pub phone: Option<String>,
    /// What the application keeps with its users.
    pub attributes: Map<String, Value>,
    /// The roles that the user holds.
    pub roles: Vec<Role>,
}

impl User {
    /// Whether the user holds the role.
    pub fn has_role(&self, name: &str) -> bool {
        self.roles.iter().any(|role| role.name == name)
    }

    /// Whether one of the user's roles allows it.
    pub fn has_permission(&self, name: &str) -> bool {
        self.roles.iter().any(|role| role.permissions.contains(name))
    }

    /// What an attacker would try first as this user's password: address, name, attributes.
    pub fn words(&self) -> Vec<String> {
        let attributes = self.attributes.values().filter_map(Value::as_str).map(str::to_owned);
        let named = self.username.iter().chain(&self.phone).cloned();
        std::iter::once(self.email.clone()).chain(named).chain(attributes).collect()
    }

    /// All that the user's roles allow.
    pub fn permissions(&self) -> Permissions {
        let mut all = Permissions::default();
        for role in &self.roles {
            all.add(&role.permissions);
        }
        all
    }
}

/// When and from where a user signed in (Flask-Security's `TRACKABLE` columns).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignIns {
    /// The time of the sign-in before the present one.
    pub last_at: Option<Timestamp>,
    /// The time of the present sign-in.
    pub current_at: Option<Timestamp>,
    /// The address of the sign-in before the present one.
    pub last_ip: Option<String>,
    /// The address of the present sign-in.
    pub current_ip: Option<String>,
    /// How many there were.
    pub count: Option<i64>,
}

impl SignIns {
    /// The same after one more sign-in. The first one counts as its own predecessor in time.
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
    /// `authenticator`, `sms` or `email`; nothing when there is none.
    pub method: Option<String>,
    /// The sealed TOTP secret.
    pub totp_secret: Option<SealedSecret>,
    /// The number that codes go to, in E.164.
    pub phone: Option<String>,
}

impl SecondFactor {
    /// A short digest of the factor, which gives nothing of it away: another factor, even another
    /// one by the same method, has another. Nothing where there is none.
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

/// A user that does not exist yet: a [`User`] less its key.
#[derive(Clone, Debug, PartialEq)]
pub struct NewUser {
    /// See [`User::email`].
    pub email: String,
    /// See [`User::username`].
    pub username: Option<String>,
    /// See [`User::password`].
    pub password: Option<PasswordHash>,
    /// See [`User::active`].
    pub active: bool,
    /// See [`User::uniquifier`].
    pub uniquifier: Uniquifier,
    /// See [`User::token_uniquifier`].
    pub token_uniquifier: Option<Uniquifier>,
    /// See [`User::confirmed_at`].
    pub confirmed_at: Option<Timestamp>,
    /// See [`User::sign_ins`].
    pub sign_ins: SignIns,
    /// See [`User::second_factor`].
    pub second_factor: SecondFactor,
    /// See [`User::recovery_codes`].
    pub recovery_codes: Vec<RecoveryCodeHash>,
    /// See [`User::sign_in_secrets`].
    pub sign_in_secrets: BTreeMap<String, SealedSecret>,
    /// See [`User::phone`].
    pub phone: Option<String>,
    /// See [`User::attributes`].
    pub attributes: Map<String, Value>,
    /// Names of roles that exist already.
    pub roles: Vec<String>,
}

impl NewUser {
    /// An active account with nothing but its address and its uniquifier.
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

    /// The user that it becomes under a key of the store's, still without its roles.
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

/// One field of a user with a value: what an update writes, or what a guard expects to find.
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
    /// Whether the user's field has this value.
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

    /// Gives the user's field this value.
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
