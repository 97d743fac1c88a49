//! `/admin`: what there is, in lists.

use axum::{extract::State, response::IntoResponse};
use serde::Deserialize;
use url::form_urlencoded;

use super::{
    Error, Me,
    form::Asked,
    frame,
    page::Page,
    pages::{OverviewPage, RoleLine, RolesPage, UserLine, UsersPage},
};
use crate::{
    app::App,
    auth::{
        access::Permission,
        name::{self, ADMIN, is_built_in},
        roles::Graph,
    },
    db::{grants, roles, sessions, users},
    text,
};

/// Lines of a page of users, and of the overview's lists.
const PAGE: i64 = 50;
const FIRST: i64 = 10;

pub async fn overview(State(app): State<App>, Me(user): Me) -> Result<impl IntoResponse, Error> {
    let mut counts = vec![(text::overview::COUNT_USERS, users::count(&app.db).await?)];
    if user.may(Permission::RolesRead) {
        counts.push((text::overview::COUNT_ROLES, roles::count(&app.db).await?));
    }
    if user.may(Permission::SessionsRead) {
        let live = sessions::count(&app.db, app.now()).await?;
        counts.push((text::overview::COUNT_SESSIONS, live));
    }
    let mut first_roles = None;
    if user.may(Permission::RolesRead) {
        let mut lines = role_lines(&app).await?;
        lines.truncate(FIRST as usize);
        first_roles = Some(lines);
    }
    Ok(Page(OverviewPage {
        frame: frame::of(&app, &user, "/admin"),
        counts,
        users: user_lines(&app, "", FIRST).await?,
        roles: first_roles,
    }))
}

#[derive(Deserialize)]
pub struct Paging {
    /// Name of the last user of the page before.
    #[serde(default)]
    after: String,
}

pub async fn users(
    State(app): State<App>,
    Me(user): Me,
    Asked(paging): Asked<Paging>,
) -> Result<impl IntoResponse, Error> {
    let mut lines = user_lines(&app, &paging.after, PAGE + 1).await?;
    let has_more = lines.len() > PAGE as usize;
    lines.truncate(PAGE as usize);
    let query = |last: &UserLine| {
        form_urlencoded::Serializer::new(String::new())
            .append_pair("after", &last.username)
            .finish()
    };
    Ok(Page(UsersPage {
        frame: frame::of(&app, &user, "/admin/users"),
        more: lines.last().filter(|_| has_more).map(query),
        users: lines,
    }))
}

pub async fn roles(State(app): State<App>, Me(user): Me) -> Result<impl IntoResponse, Error> {
    let roles = role_lines(&app).await?;
    Ok(Page(RolesPage { frame: frame::of(&app, &user, "/admin/roles"), roles }))
}

async fn user_lines(app: &App, after: &str, limit: i64) -> Result<Vec<UserLine>, Error> {
    let after = name::key(after).unwrap_or_default();
    let users = users::list(&app.db, after.as_bytes(), limit).await?;
    let mut lines = Vec::with_capacity(users.len());
    let last = users.last().map(|user| user.username.clone()).unwrap_or_default();
    let grants = grants::list_of_users(&app.db, after.as_bytes(), last.as_bytes()).await?;
    for user in users {
        let holding = grants.iter().filter(|grant| grant.user_id == user.id);
        let holding = holding.filter(|grant| grant.holds_at(app.now()));
        lines.push(UserLine {
            roles: holding.map(|grant| grant.role_name.clone()).collect(),
            username: user.username,
            display_name: user.display_name,
            email: user.email,
            active: user.status == users::Status::Active,
            last_login: user.last_login_at.map(text::time),
        });
    }
    Ok(lines)
}

async fn role_lines(app: &App) -> Result<Vec<RoleLine>, Error> {
    let graph = Graph::load(&app.db).await?;
    let roles = roles::list(&app.db, app.now()).await?;
    let line = |role: roles::Role| RoleLine {
        built_in: is_built_in(&role.name),
        every: role.name == ADMIN,
        permissions: graph.permissions(&role.name).to_vec(),
        includes: graph.includes(&role.name).to_vec(),
        holders: role.holders,
        name: role.name,
        description: role.description,
    };
    Ok(roles.into_iter().map(line).collect())
}
