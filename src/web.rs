//! Every route with what it requires, in one list; and the server that answers them. Holds no
//! SQL and decides nothing that `auth` decides.

mod account;
mod acting;
mod admin;
mod admin_audit;
mod admin_ends;
mod admin_explain;
mod admin_grant;
mod admin_holders;
mod admin_role_edit;
mod admin_role_ends;
mod admin_roles;
mod admin_sessions;
mod admin_user;
mod admin_users;
mod assets;
mod check;
mod client;
mod cookie;
pub(crate) mod csv;
pub(crate) mod embedded;
mod error;
mod error_page;
mod form;
mod frame;
mod guard;
mod health;
mod limits;
mod link;
mod login;
mod logout;
mod metrics;
mod page;
mod pages;
mod people;
mod route;
mod sent;
mod serve;
mod service;
mod session;
mod step_up;
mod trace;

use axum::{Router, middleware::from_fn_with_state};

pub use crate::app::layout::{Layout, LayoutParts, NavItem};
pub use client::Peer;
pub use error::Error;
pub use guard::{Me, Visitor};
pub use metrics::{serve as serve_metrics, text as metrics_text};
pub use route::{Kind, Route};
pub(crate) use serve::Chores;
pub use serve::{Listener, ServeError, listen, listen_for_metrics, serve};
pub use service::Service;

use crate::{
    app::App,
    auth::access::{Access, Permission},
};

/// The access policy: every route, method by method. A route that is not here does not exist,
/// and none gets in without saying what it requires.
pub fn routes() -> Vec<Route> {
    use Access::{Proven, Public, Query, SignedIn};
    use Permission::{
        AuditRead, RolesRead, RolesWrite, SessionsRead, SessionsWrite, UsersRead, UsersWrite,
    };
    vec![
        Route::page("/").get(Public, account::start),
        Route::page("/login").get(Public, login::show).post(Public, login::submit),
        Route::page("/logout").get(SignedIn, logout::show).post(SignedIn, logout::submit),
        Route::page("/link").get(Public, link::show).post(Public, link::submit),
        Route::page("/account").get(SignedIn, account::show),
        Route::page("/account/password")
            .get(SignedIn, account::to_password)
            .post(SignedIn, account::change_password),
        Route::page("/account/sessions/end")
            .get(SignedIn, account::ask_end_sessions)
            .post(SignedIn, account::end_sessions),
        Route::page("/.well-known/change-password").get(Public, account::to_password),
        Route::page("/admin").get(UsersRead, admin::overview),
        Route::page("/admin/users")
            .get(UsersRead, admin_users::list)
            .post(Proven(UsersWrite), admin_users::create),
        Route::page("/admin/users/new").get(UsersWrite, admin_users::show_new),
        Route::page("/admin/users/{id}")
            .get(UsersRead, admin_user::show)
            .post(Proven(UsersWrite), admin_user::edit),
        Route::page("/admin/users/{id}/disable")
            .get(UsersWrite, admin_ends::ask_disable)
            .post(Proven(UsersWrite), admin_ends::disable),
        Route::page("/admin/users/{id}/enable").post(Proven(UsersWrite), admin_user::enable),
        Route::page("/admin/users/{id}/remove")
            .get(UsersWrite, admin_ends::ask_remove)
            .post(Proven(UsersWrite), admin_ends::remove),
        Route::page("/admin/users/{id}/throttle/clear")
            .post(Proven(UsersWrite), admin_user::clear_tries),
        Route::page("/admin/users/{id}/link").post(Proven(UsersWrite), admin_user::make_link),
        Route::page("/admin/users/{id}/grant").post(Proven(UsersRead), admin_grant::grant),
        Route::page("/admin/users/{id}/revoke")
            .get(UsersRead, admin_ends::ask_revoke)
            .post(Proven(UsersRead), admin_ends::revoke),
        Route::page("/admin/users/{id}/sessions/end")
            .get(SessionsWrite, admin_ends::ask_end_sessions)
            .post(Proven(SessionsWrite), admin_ends::end_sessions),
        Route::page("/admin/roles")
            .get(RolesRead, admin_roles::list)
            .post(Proven(RolesWrite), admin_roles::create),
        Route::page("/admin/roles/new").get(RolesWrite, admin_roles::show_new),
        Route::page("/admin/roles/{name}")
            .get(RolesRead, admin_roles::show)
            .post(Proven(RolesWrite), admin_role_edit::describe),
        Route::page("/admin/roles/{name}/limits").post(Proven(RolesWrite), admin_role_edit::limit),
        Route::page("/admin/roles/{name}/allow").post(Proven(RolesWrite), admin_roles::allow),
        Route::page("/admin/roles/{name}/deny")
            .get(RolesWrite, admin_role_ends::ask_deny)
            .post(Proven(RolesWrite), admin_roles::deny),
        Route::page("/admin/roles/{name}/include").post(Proven(RolesWrite), admin_roles::include),
        Route::page("/admin/roles/{name}/exclude")
            .get(RolesWrite, admin_role_ends::ask_exclude)
            .post(Proven(RolesWrite), admin_roles::exclude),
        Route::page("/admin/roles/{name}/grantor")
            .post(Proven(RolesWrite), admin_roles::add_grantor),
        Route::page("/admin/roles/{name}/ungrantor")
            .get(RolesWrite, admin_role_ends::ask_remove_grantor)
            .post(Proven(RolesWrite), admin_roles::remove_grantor),
        Route::page("/admin/roles/{name}/delete")
            .get(RolesWrite, admin_role_ends::ask_delete)
            .post(Proven(RolesWrite), admin_role_ends::delete),
        Route::page("/admin/roles/{name}/holders.csv")
            .get([UsersRead, RolesRead], admin_holders::as_csv),
        Route::page("/admin/sessions").get(SessionsRead, admin_sessions::list),
        Route::page("/admin/sessions/{id}/end")
            .get(SessionsWrite, admin_ends::ask_end_session)
            .post(Proven(SessionsWrite), admin_ends::end_session),
        Route::page("/admin/audit").get(AuditRead, admin_audit::list),
        Route::page("/admin/audit.csv").get(AuditRead, admin_audit::as_csv),
        Route::check(trace::CHECK).get(Query, check::check),
        Route::check(trace::ENVOY).any(Query, check::envoy),
        Route::check("/healthz").get(Public, health::process),
        Route::check("/readyz").get(Public, health::readiness),
        Route::check("/static/{name}").get(Public, assets::file),
    ]
}

/// What programs ask for where it always is: at the root of the host, below a prefix too.
pub const AT_ROOT: [&str; 5] =
    [trace::CHECK, trace::ENVOY, "/healthz", "/readyz", "/.well-known/change-password"];

/// The service: everything below the prefix of `public_url`, and what stands at the root.
fn router(app: App) -> Router {
    let not_found = || Router::new().fallback(page::not_found);
    if app.settings.public_url.prefix().is_empty() {
        return answering(routes(), not_found(), app);
    }
    let at_root = routes().into_iter().filter(|route| AT_ROOT.contains(&route.path));
    below_prefix(&app).merge(answering(at_root.collect(), not_found(), app))
}

/// What an application has of itself at the root of the host.
const NOT_EMBEDDED: [&str; 3] = ["/", "/healthz", "/readyz"];

/// Everything below the prefix of `public_url`, and nothing else: the rest of the host is an
/// application's, which merges this into its own router. Without a prefix it has no page for
/// addresses that are not there.
pub fn below_prefix(app: &App) -> Router {
    let prefix = app.settings.public_url.prefix();
    if prefix.is_empty() {
        let embedded = routes().into_iter().filter(|route| !NOT_EMBEDDED.contains(&route.path));
        // Else the layers would stand around what the application says of unknown addresses.
        return answering(embedded.collect(), Router::new(), app.clone()).reset_fallback();
    }
    let start = routes().into_iter().filter(|route| route.path == "/").collect();
    let not_found = Router::new().fallback(page::not_found);
    Router::new()
        .nest(prefix, answering(routes(), not_found, app.clone()))
        .nest(&format!("{prefix}/"), answering(start, Router::new(), app.clone()))
}

/// These routes, with what holds for all of them and for `others`, which are pages.
fn answering(routes: Vec<Route>, others: Router<App>, app: App) -> Router {
    let (pages, checks): (Vec<_>, Vec<_>) =
        routes.into_iter().partition(|route| route.kind == Kind::Page);
    let merge = |routes: Vec<Route>| {
        routes.into_iter().fold(Router::new(), |router, route| router.merge(route.into_router()))
    };
    let pages = merge(pages)
        .merge(others)
        .layer(from_fn_with_state(app.clone(), session::attach))
        .layer(from_fn_with_state(app.clone(), page::around));
    // Each layer costs a check about a microsecond: one for all.
    merge(checks)
        .merge(pages)
        .layer(from_fn_with_state(app.clone(), trace::request))
        .with_state(app)
}
