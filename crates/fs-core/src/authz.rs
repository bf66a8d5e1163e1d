//! Authorization: requirements as data, which are checked against a user.

use std::time::Duration;

use crate::authn::Mechanism;
use crate::config::Freshness;
use crate::freshness::FreshnessRule;
use crate::model::User;

/// Requirements of a route or handler for its caller. Build one with the methods of this type, or
/// define one with [`policy!`](crate::policy).
///
/// ```
/// use fs_core::authz::Requirement;
///
/// let editors = Requirement::signed_in().any_role(["admin", "editor"]);
/// assert_eq!(editors.to_string(), "signed in, any role of admin, editor");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requirement {
    who: Who,
    mechanisms: Option<Vec<Mechanism>>,
    realm: Option<String>,
    always_redirect: bool,
    rules: Vec<Rule>,
    fresh: Option<Fresh>,
    csrf: CsrfUse,
}

/// Authentication state that a requirement demands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Who {
    /// Every caller.
    #[default]
    Anyone,
    /// Only callers that are not signed in.
    Anonymous,
    /// Only authenticated callers.
    SignedIn,
}

/// Requirement of a recent sign-in: its maximum age, and a grace period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fresh {
    /// Maximum age of the sign-in. `None` uses the configured age.
    pub within: Option<Duration>,
    /// Grace period for the requests that follow an accepted one. `None` uses the configured
    /// period.
    pub grace: Option<Duration>,
}

impl Fresh {
    /// Requires a sign-in within this time, with the configured grace period.
    pub const fn within(within: Duration) -> Self {
        Self { within: Some(within), grace: None }
    }

    /// Returns the rule that results from this and the configuration.
    pub fn rule(self, config: &Freshness) -> FreshnessRule {
        let within = self.within.or(config.within);
        let grace = self.grace.unwrap_or(config.grace);
        // A session has one grace period. One that a looser rule began must not carry the caller
        // further than this rule would have.
        let own = within.unwrap_or_default().saturating_add(grace);
        FreshnessRule { within, grace, limit: config.grace_limit.map(|limit| limit.min(own)) }
    }
}

/// A rule about roles or permissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The user must have all of these roles.
    AllRoles(Vec<String>),
    /// The user must have one of these roles. An empty list admits every user.
    AnyRole(Vec<String>),
    /// The user's roles together must grant all of these permissions.
    AllPermissions(Vec<String>),
    /// The user's roles must grant one of these permissions. An empty list admits every user.
    AnyPermission(Vec<String>),
}

/// CSRF protection of a route, in addition to the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CsrfUse {
    /// Configured rule of the mechanism that authenticated the request.
    #[default]
    ByMechanism,
    /// Unauthenticated requests are checked as well.
    Strangers,
}

/// A [`Requirement`] as a type, so that a handler's signature shows it. Implement it with
/// [`policy!`](crate::policy).
pub trait Policy: Send + Sync + 'static {
    /// Returns the requirement. It is created once, not for every request.
    fn requirement() -> &'static Requirement;
}

impl Requirement {
    /// Admits every caller.
    pub const fn anyone() -> Self {
        Self::of(Who::Anyone)
    }

    /// Admits only authenticated callers.
    pub const fn signed_in() -> Self {
        Self::of(Who::SignedIn)
    }

    /// Admits only callers that are not signed in.
    pub const fn anonymous() -> Self {
        Self::of(Who::Anonymous)
    }

    const fn of(who: Who) -> Self {
        Self {
            who,
            mechanisms: None,
            realm: None,
            always_redirect: false,
            rules: Vec::new(),
            fresh: None,
            csrf: CsrfUse::ByMechanism,
        }
    }

    /// Admits only callers that authenticated by one of these mechanisms. They are tried in a fixed
    /// order: token, session, basic.
    #[must_use]
    pub fn by(mut self, mechanisms: impl IntoIterator<Item = Mechanism>) -> Self {
        self.who = Who::SignedIn;
        self.mechanisms = Some(mechanisms.into_iter().collect());
        self
    }

    /// Sets the realm that a refusal names to clients of HTTP Basic authentication.
    #[must_use]
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = Some(realm.into());
        self
    }

    /// Redirects unauthenticated requests to the sign-in page in every case, and never answers them
    /// with JSON (Flask-Login's `login_required`).
    #[must_use]
    pub fn always_redirect(mut self) -> Self {
        self.always_redirect = true;
        self
    }

    /// Returns whether unauthenticated requests are always redirected to the sign-in page.
    pub fn redirects_always(&self) -> bool {
        self.always_redirect
    }

    /// Admits only users who have all of these roles.
    #[must_use]
    pub fn all_roles<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        self.rule(Rule::AllRoles(names.into_iter().map(Into::into).collect()))
    }

    /// Admits only users who have one of these roles.
    #[must_use]
    pub fn any_role<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        self.rule(Rule::AnyRole(names.into_iter().map(Into::into).collect()))
    }

    /// Admits only users whose roles together grant all of these permissions.
    #[must_use]
    pub fn all_permissions<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        self.rule(Rule::AllPermissions(names.into_iter().map(Into::into).collect()))
    }

    /// Admits only users whose roles grant one of these permissions.
    #[must_use]
    pub fn any_permission<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        self.rule(Rule::AnyPermission(names.into_iter().map(Into::into).collect()))
    }

    /// Admits only users whose sign-in is recent.
    #[must_use]
    pub fn fresh(mut self, rule: Fresh) -> Self {
        self.fresh = Some(rule);
        self
    }

    /// Checks the CSRF token of unauthenticated requests as well.
    #[must_use]
    pub fn csrf_for_strangers(mut self) -> Self {
        self.csrf = CsrfUse::Strangers;
        self
    }

    fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Returns the authentication state that is demanded.
    pub fn who(&self) -> Who {
        self.who
    }

    /// Returns the accepted mechanisms. `None` accepts tokens and sessions.
    pub fn mechanisms(&self) -> Option<&[Mechanism]> {
        self.mechanisms.as_deref()
    }

    /// Returns the realm, if one was set.
    pub fn realm_name(&self) -> Option<&str> {
        self.realm.as_deref()
    }

    /// Returns the rules about roles and permissions.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Returns how recent the sign-in must be, if that is demanded.
    pub fn freshness(&self) -> Option<Fresh> {
        self.fresh
    }

    /// Returns the CSRF protection of the route.
    pub fn csrf(&self) -> CsrfUse {
        self.csrf
    }

    /// Returns the first rule that `user` does not meet. Without a user, only empty rules are met.
    pub fn missing(&self, user: Option<&User>) -> Option<&Rule> {
        self.rules.iter().find(|rule| !rule.is_met_by(user))
    }
}

impl From<&Requirement> for Requirement {
    fn from(requirement: &Requirement) -> Self {
        requirement.clone()
    }
}

impl Rule {
    /// Checks whether `user` meets the rule.
    pub fn is_met_by(&self, user: Option<&User>) -> bool {
        let role = |name: &String| user.is_some_and(|user| user.has_role(name));
        let permission = |name: &String| user.is_some_and(|user| user.has_permission(name));
        match self {
            Self::AllRoles(names) => names.iter().all(role),
            Self::AnyRole(names) => names.is_empty() || names.iter().any(role),
            Self::AllPermissions(names) => names.iter().all(permission),
            Self::AnyPermission(names) => names.is_empty() || names.iter().any(permission),
        }
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (what, names) = match self {
            Self::AllRoles(names) => ("all roles of", names),
            Self::AnyRole(names) => ("any role of", names),
            Self::AllPermissions(names) => ("all permissions of", names),
            Self::AnyPermission(names) => ("any permission of", names),
        };
        write!(f, "{what} {}", names.join(", "))
    }
}

impl std::fmt::Display for Requirement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.who {
            Who::Anyone => "anyone",
            Who::Anonymous => "not signed in",
            Who::SignedIn => "signed in",
        })?;
        if let Some(mechanisms) = &self.mechanisms {
            let names: Vec<_> = mechanisms.iter().map(|mechanism| mechanism.name()).collect();
            write!(f, " by {}", names.join(" or "))?;
        }
        for rule in &self.rules {
            write!(f, ", {rule}")?;
        }
        if self.fresh.is_some() {
            f.write_str(", fresh")?;
        }
        Ok(())
    }
}

/// Defines a policy: a requirement as a type for the signature of a handler.
///
/// Rules: `signed_in()`, `by(session, token, basic)`, `all_roles("a", …)`, `any_role(…)`,
/// `all_permissions(…)`, `any_permission(…)`, `fresh(15 minutes)`; joined by `&`. `anonymous()`
/// cannot be combined with others, since unauthenticated callers have no roles. Every other policy
/// requires a signed-in user.
///
/// ```
/// use fs_core::authz::{Policy, Rule, Who};
///
/// fs_core::policy! {
///     /// May write pages.
///     pub Editor = any_role("admin", "editor");
///     pub Danger = all_permissions("account-delete") & fresh(15 minutes);
///     pub Stranger = anonymous();
/// }
///
/// assert_eq!(Editor::requirement().rules().len(), 1);
/// assert!(Danger::requirement().freshness().is_some());
/// assert_eq!(Stranger::requirement().who(), Who::Anonymous);
/// ```
///
/// ```compile_fail
/// fs_core::policy! {
///     pub Nobody = any_role("editor") & anonymous();
/// }
/// ```
#[macro_export]
macro_rules! policy {
    ($($(#[$doc:meta])* $vis:vis $name:ident = $first:ident $arg:tt $(& $more:ident $rest:tt)*;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        $vis struct $name;

        impl $crate::authz::Policy for $name {
            fn requirement() -> &'static $crate::authz::Requirement {
                static ASKED: ::std::sync::LazyLock<$crate::authz::Requirement> =
                    ::std::sync::LazyLock::new(|| {
                        $crate::policy_requirement!($first $arg $(& $more $rest)*)
                    });
                &ASKED
            }
        }
    )+};
}

/// Builds the requirement of a [`policy!`].
#[doc(hidden)]
#[macro_export]
macro_rules! policy_requirement {
    (anonymous()) => { $crate::authz::Requirement::anonymous() };
    ($($rule:ident $arg:tt)&+) => {{
        let requirement = $crate::authz::Requirement::signed_in();
        $(let requirement = $crate::policy_rule!(requirement, $rule $arg);)+
        requirement
    }};
}

/// Builds one rule of a [`policy!`].
#[doc(hidden)]
#[macro_export]
macro_rules! policy_rule {
    ($r:ident, signed_in()) => { $r };
    ($r:ident, anonymous()) => {
        ::core::compile_error!("anonymous() cannot be combined with roles, permissions or mechanisms")
    };
    ($r:ident, by($($mechanism:ident),+)) => {
        $r.by([$($crate::policy_mechanism!($mechanism)),+])
    };
    ($r:ident, all_roles($($name:expr),+)) => { $r.all_roles([$($name),+]) };
    ($r:ident, any_role($($name:expr),+)) => { $r.any_role([$($name),+]) };
    ($r:ident, all_permissions($($name:expr),+)) => { $r.all_permissions([$($name),+]) };
    ($r:ident, any_permission($($name:expr),+)) => { $r.any_permission([$($name),+]) };
    ($r:ident, fresh($n:literal minutes)) => {
        $r.fresh($crate::authz::Fresh::within(::std::time::Duration::from_secs($n * 60)))
    };
    ($r:ident, fresh($n:literal hours)) => {
        $r.fresh($crate::authz::Fresh::within(::std::time::Duration::from_secs($n * 3600)))
    };
}

/// Builds one mechanism of a [`policy!`].
#[doc(hidden)]
#[macro_export]
macro_rules! policy_mechanism {
    (session) => {
        $crate::authn::Mechanism::Session
    };
    (token) => {
        $crate::authn::Mechanism::Token
    };
    (basic) => {
        $crate::authn::Mechanism::Basic
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_meets_no_rule_but_an_empty_one() {
        let any = |names: &[&str]| Requirement::anyone().any_role(names.iter().copied());
        assert!(any(&[]).missing(None).is_none());
        assert!(any(&["admin"]).missing(None).is_some());
        assert!(Requirement::anyone().all_permissions(["x"]).missing(None).is_some());
    }
}
