//! Every route with what it requires, in one list; and the server that answers them. Holds no
//! SQL and decides nothing that `auth` decides.

mod account;
mod admin;
mod assets;
mod check;
mod client;
mod cookie;
mod error;
mod form;
mod frame;
mod guard;
mod health;
mod link;
mod login;
mod logout;
mod page;
mod pages;
mod route;
mod serve;
mod session;
mod trace;

use axum::{Router, middleware::from_fn_with_state};

pub use client::Peer;
pub use error::Error;
pub use guard::{Me, Visitor};
pub use route::{Kind, Route};
pub use serve::{Listener, ServeError, listen, serve};

use crate::{
    app::App,
    auth::access::{Access, Permission},
};

/// The access policy: every route, method by method. A route that is not here does not exist,
/// and none gets in without saying what it requires.
pub fn routes() -> Vec<Route> {
    use Access::{Public, Query, SignedIn};
    vec![
        Route::page("/").get(Public, account::start),
        Route::page("/login").get(Public, login::show).post(Public, login::submit),
        Route::page("/logout").get(SignedIn, logout::show).post(SignedIn, logout::submit),
        Route::page("/link").get(Public, link::show).post(Public, link::submit),
        Route::page("/account").get(SignedIn, account::show),
        Route::page("/account/password")
            .get(SignedIn, account::to_password)
            .post(SignedIn, account::change_password),
        Route::page("/.well-known/change-password").get(Public, account::to_password),
        Route::page("/admin").get(Permission::UsersRead, admin::overview),
        Route::page("/admin/users").get(Permission::UsersRead, admin::users),
        Route::page("/admin/roles").get(Permission::RolesRead, admin::roles),
        Route::check("/auth/check").get(Query, check::check),
        Route::check("/healthz").get(Public, health::process),
        Route::check("/readyz").get(Public, health::database),
        Route::check("/static/{name}").get(Public, assets::file),
    ]
}

/// The application as a service. Whoever serves it puts a [`Peer`] into each request.
pub fn router(app: App) -> Router {
    let (pages, checks): (Vec<_>, Vec<_>) =
        routes().into_iter().partition(|route| route.kind == Kind::Page);
    let merge = |routes: Vec<Route>| {
        routes.into_iter().fold(Router::new(), |router, route| router.merge(route.into_router()))
    };
    let pages = merge(pages)
        .fallback(page::not_found)
        .layer(from_fn_with_state(app.clone(), session::attach))
        .layer(from_fn_with_state(app.clone(), page::around));
    merge(checks)
        .merge(pages)
        .layer(from_fn_with_state(app.clone(), trace::request))
        .with_state(app)
}
