//! What surrounds the page of a signed-in user.

use super::pages::{Frame, NavItem};
use crate::{
    app::App,
    auth::{
        access::{CurrentUser, Permission},
        token,
    },
    text::nav,
};

/// The frame of `user`'s page at `path`: only links that they may follow.
pub fn of(app: &App, user: &CurrentUser, path: &'static str) -> Frame {
    let links = [
        ("/account", nav::ACCOUNT, None),
        ("/admin", nav::OVERVIEW, Some(Permission::UsersRead)),
        ("/admin/users", nav::USERS, Some(Permission::UsersRead)),
        ("/admin/roles", nav::ROLES, Some(Permission::RolesRead)),
    ];
    let may = |needed: &Option<Permission>| needed.is_none_or(|permission| user.may(permission));
    let nav = links.into_iter().filter(|(_, _, needed)| may(needed));
    Frame {
        user: Some(user.username.clone()),
        nav: nav.map(|(href, label, _)| NavItem { href, label, current: href == path }).collect(),
        form_token: token::form_token(&app.keys, user.session.id),
        notice: None,
    }
}
