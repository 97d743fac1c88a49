//! What surrounds the page of a signed-in user.

use axum::{extract::FromRequestParts, http::request::Parts};
use tower_sessions::Session;

use super::{Error, Me, pages::Frame};
use crate::{
    app::{App, layout::NavItem},
    auth::{
        access::{CurrentUser, Permission},
        token,
    },
    text::nav,
};

/// Key in the session of the sentence that the next page shows.
pub const NOTICE: &str = "notice";

/// The frame of this request's page: only links that the user may follow, and the notice that
/// the page before has left. That is fetched only when the address says that there is one.
impl FromRequestParts<App> for Frame {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let Me(user) = Me::from_request_parts(parts, app).await?;
        let mut frame = of(app, &user, parts.uri.path());
        if parts.uri.query() == Some("done")
            && let Some(session) = parts.extensions.get::<Session>()
        {
            frame.notice = session.remove(NOTICE).await?;
        }
        Ok(frame)
    }
}

/// The frame of a page for somebody who is not signed in.
pub fn of_visitor(app: &App) -> Frame {
    Frame {
        app: app.clone(),
        route: String::new(),
        user: None,
        nav: Vec::new(),
        form_token: String::new(),
        asks_password: false,
        notice: None,
    }
}

/// The frame of this user's page at `route`.
pub fn of(app: &App, user: &CurrentUser, route: &str) -> Frame {
    let links = [
        ("/account", nav::ACCOUNT, None),
        ("/admin", nav::OVERVIEW, Some(Permission::UsersRead)),
        ("/admin/users", nav::USERS, Some(Permission::UsersRead)),
        ("/admin/roles", nav::ROLES, Some(Permission::RolesRead)),
        ("/admin/sessions", nav::SESSIONS, Some(Permission::SessionsRead)),
        ("/admin/audit", nav::AUDIT, Some(Permission::AuditRead)),
    ];
    let may = |needed: &Option<Permission>| needed.is_none_or(|permission| user.may(permission));
    // The overview stands above the others, so it is current only by itself.
    let is_current =
        |link: &str| route == link || (link != "/admin" && route.starts_with(&format!("{link}/")));
    let nav = links.into_iter().filter(|(_, _, needed)| may(needed));
    let item = |(route, label, _)| NavItem {
        route,
        href: app.settings.public_url.path(route),
        label,
        current: is_current(route),
    };
    Frame {
        route: route.to_owned(),
        user: Some(user.username.clone()),
        nav: nav.map(item).collect(),
        form_token: token::form_token(&app.keys, user.session.id),
        asks_password: !user.session.is_proven,
        ..of_visitor(app)
    }
}
