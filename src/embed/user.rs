//! The user of a request, as an application sees them.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
    response::Response,
};
use uuid::Uuid;

use super::{Permission, Rolecall};
use crate::{
    auth::access::{self, Access, Decision, Demand, decide},
    web::{Error, embedded},
};

/// Who has sent the request, with what they hold at this second. Cheap to clone.
///
/// As an extractor it asks for somebody who is signed in, and refuses as a guard does; an
/// `Option<CurrentUser>` is `None` for somebody who is not.
///
/// ```
/// use rolecall::{CurrentUser, Permission};
///
/// const REPORTS_WRITE: Permission = Permission::new("reports:write");
///
/// async fn reports(user: CurrentUser) -> String {
///     let hint = if user.can(REPORTS_WRITE) { "You may write here." } else { "" };
///     format!("Hello {}. {hint}", user.username())
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentUser(pub(super) Arc<access::CurrentUser>);

impl CurrentUser {
    /// The id, which stays when the name changes. What an application keeps with its own rows.
    pub fn id(&self) -> Uuid {
        self.0.id.0
    }

    /// The name that they sign in with.
    pub fn username(&self) -> &str {
        &self.0.username
    }

    /// How they want to be shown; the user name where they did not say.
    pub fn display_name(&self) -> &str {
        if self.0.display_name.is_empty() { &self.0.username } else { &self.0.display_name }
    }

    /// The e-mail address, which nobody has verified.
    pub fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// Names of the roles in effect: granted ones and what these include.
    pub fn roles(&self) -> &BTreeSet<String> {
        &self.0.roles
    }

    /// Whether they hold the permission.
    pub fn can(&self, permission: Permission) -> bool {
        self.meets(Demand::Permission(permission.name.into()))
    }

    /// Whether they have the role, by a grant or because another one includes it.
    pub fn has_role(&self, role: &str) -> bool {
        self.meets(Demand::Role(role.to_owned().into()))
    }

    fn meets(&self, demand: Demand) -> bool {
        decide(Some(&self.0), &Access::Demand(demand)) == Decision::Allow
    }
}

impl<S: Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let app = Rolecall::of(parts)?.app().clone();
        match embedded::identify(&app, parts).await {
            Ok(Some(user)) => Ok(Self(user)),
            Ok(None) => Err(embedded::refuse(&app, parts, Error::Unauthenticated).await),
            Err(error) => Err(embedded::refuse(&app, parts, error).await),
        }
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for CurrentUser {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Response> {
        let app = Rolecall::of(parts)?.app().clone();
        match embedded::identify(&app, parts).await {
            Ok(user) => Ok(user.map(Self)),
            Err(error) => Err(embedded::refuse(&app, parts, error).await),
        }
    }
}
