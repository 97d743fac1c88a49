//! Guards: what a route of the application demands, put together and set before it.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    convert::Infallible,
    panic::Location,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{Request, State},
    http::request::Parts,
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::MethodRouter,
};

use super::{Permission, Rolecall};
use crate::{
    app::App,
    auth::{
        access::{Access, Decision, Demand, decide},
        explain,
    },
    db::Epoch,
    text::embed as text,
    web::{Error, embedded},
};

/// What a route demands of whoever asks for it; [`Require::require`] puts it before one.
///
/// ```
/// use rolecall::{Permission, any_role, permission};
///
/// const REPORTS_WRITE: Permission = Permission::new("reports:write");
/// let guard = any_role(["editor", "owner"]).and(permission(REPORTS_WRITE)).or(any_role(["admin"]));
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Guard {
    demand: Demand,
    /// Where each name was written, for whoever looks for one that does not exist.
    places: Vec<(Cow<'static, str>, &'static Location<'static>)>,
}

/// Anybody who is signed in.
pub fn signed_in() -> Guard {
    Guard { demand: Demand::All(Vec::new()), places: Vec::new() }
}

/// Whoever has one of these roles or more; nobody, where there are none.
#[track_caller]
pub fn any_role<R: Into<Cow<'static, str>>>(roles: impl IntoIterator<Item = R>) -> Guard {
    Guard::of(roles.into_iter().map(|role| Demand::Role(role.into())).collect(), Demand::Any)
}

/// Whoever has all of these roles.
#[track_caller]
pub fn all_roles<R: Into<Cow<'static, str>>>(roles: impl IntoIterator<Item = R>) -> Guard {
    Guard::of(roles.into_iter().map(|role| Demand::Role(role.into())).collect(), Demand::All)
}

/// Whoever holds the permission.
#[track_caller]
pub fn permission(permission: Permission) -> Guard {
    Guard::of(vec![Demand::Permission(permission.name.into())], Demand::All)
}

impl Guard {
    #[track_caller]
    fn of(names: Vec<Demand>, together: fn(Vec<Demand>) -> Demand) -> Self {
        let here = Location::caller();
        let place = |demand: &Demand| match demand {
            Demand::Role(name) | Demand::Permission(name) => Some((name.clone(), here)),
            Demand::All(_) | Demand::Any(_) => None,
        };
        Self { places: names.iter().filter_map(place).collect(), demand: together(names) }
    }

    /// Demands both.
    pub fn and(self, other: Self) -> Self {
        self.with(other, Demand::All)
    }

    /// Demands one of both.
    pub fn or(self, other: Self) -> Self {
        self.with(other, Demand::Any)
    }

    fn with(mut self, other: Self, together: fn(Vec<Demand>) -> Demand) -> Self {
        self.places.extend(other.places);
        Self { demand: together(vec![self.demand, other.demand]), places: self.places }
    }
}

/// Sets a guard before routes.
///
/// It stands before those that are there already and not before what is added later, as each
/// layer of axum. Addresses that lead nowhere stay 404. Somebody who is not signed in is led to
/// the login, or as a program gets 401; who lacks what is demanded gets 403; and so does a form
/// that comes from another site.
pub trait Require {
    /// The same, behind `guard`.
    ///
    /// # Panics
    /// When there is no route yet.
    #[must_use]
    fn require(self, guard: Guard) -> Self;
}

impl<S: Clone + Send + Sync + 'static> Require for Router<S> {
    fn require(self, guard: Guard) -> Self {
        self.route_layer(from_fn_with_state(Standing::new(guard), stand))
    }
}

impl<S: Clone + Send + Sync + 'static> Require for MethodRouter<S, Infallible> {
    fn require(self, guard: Guard) -> Self {
        self.route_layer(from_fn_with_state(Standing::new(guard), stand))
    }
}

async fn stand(State(guard): State<Arc<Standing>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match guard.admit(&parts).await {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(response) => response,
    }
}

/// A guard in its place.
struct Standing {
    access: Access,
    places: Vec<(Cow<'static, str>, &'static Location<'static>)>,
    looked: Mutex<Looked>,
}

/// When it was looked last whether all it names exists, and what of it was told.
#[derive(Default)]
struct Looked {
    is_used: bool,
    at: Option<Epoch>,
    told: BTreeSet<String>,
}

impl Standing {
    fn new(Guard { demand, places }: Guard) -> Arc<Self> {
        Arc::new(Self { access: Access::Demand(demand), places, looked: Mutex::default() })
    }

    async fn admit(&self, parts: &Parts) -> Result<(), Response> {
        let app = Rolecall::of(parts)?.app();
        let user = match embedded::identify(app, parts).await {
            Ok(user) => user,
            Err(error) => return Err(embedded::refuse(app, parts, error).await),
        };
        let decision = decide(user.as_deref(), &self.access);
        self.tell_unknown(app, decision).await;
        let error = match decision {
            Decision::Allow => return Ok(()),
            Decision::SignIn => Error::Unauthenticated,
            Decision::Forbid | Decision::Prove => Error::Forbidden,
        };
        Err(embedded::refuse(app, parts, error).await)
    }

    /// Says once of each name that does not exist where it stands: at the first use of the guard,
    /// and when it refuses somebody after roles were changed.
    async fn tell_unknown(&self, app: &App, decision: Decision) {
        let epoch = app.db.revision.epoch();
        {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            let is_refused = decision == Decision::Forbid;
            if looked.is_used && !(is_refused && looked.at != epoch) {
                return;
            }
            (looked.is_used, looked.at) = (true, epoch);
        }
        let Access::Demand(demand) = &self.access else { return };
        let Ok(unknown) = explain::unknown(&app.db, demand).await else { return };
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, place) in self.places.iter().filter(|(name, _)| unknown.contains(&**name)) {
            if looked.told.insert(name.to_string()) {
                tracing::error!(name = &**name, guard = %place, "{}", text::UNKNOWN);
            }
        }
    }
}
