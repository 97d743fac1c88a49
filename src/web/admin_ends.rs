//! What ends something: a page asks first and says what ends, then a form does it.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect},
};
use serde::Deserialize;
use tower_sessions::Session;
use uuid::Uuid;

use super::{
    Error, Me,
    client::Client,
    form::{Asked, Form},
    frame,
    page::Page,
    pages::{Frame, admin::ConfirmPage},
    people,
};
use crate::{
    app::App,
    auth::{
        Refusal,
        authority::{self, Change},
        grants,
        graph::Graph,
        name::{RoleName, is_built_in},
        roles::{self, RoleChange},
        sessions as session_rules, users,
    },
    db::{UserId, grants as grant_rows, roles as role_rows, sessions},
    text::{confirm, notice},
};

#[derive(Deserialize)]
pub struct NoFields {}

pub async fn ask_disable(
    State(app): State<App>,
    Me(reader): Me,
    client: Client,
    frame: Frame,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, Error> {
    let mut tx = app.db.begin_read().await?;
    let by = client.user(&reader);
    authority::require_user(&app, &mut tx, &by, UserId(id)).await?;
    drop(tx);
    let user = users::find(&app, &id.to_string()).await?;
    let live = sessions::list_of_user(&app.db, user.id, app.now()).await?.len();
    Ok(Page(ConfirmPage {
        frame,
        title: confirm::disable_title(&user.username),
        lines: confirm::disable_lines(live),
        action: format!("/admin/users/{id}/disable"),
        hidden: Vec::new(),
        button: confirm::DISABLE,
        back: format!("/admin/users/{id}"),
    }))
}

pub async fn disable(
    State(app): State<App>,
    Me(reader): Me,
    client: Client,
    session: Session,
    Path(id): Path<Uuid>,
    Form(NoFields {}): Form<NoFields>,
) -> Result<Redirect, Error> {
    let user = users::find(&app, &id.to_string()).await?;
    let live = sessions::list_of_user(&app.db, user.id, app.now()).await?.len();
    users::disable(&app, &client.user(&reader), user.id).await?;
    let notice = notice::user_disabled(&user.username, live as u64);
    frame::done(&session, &notice, &format!("/admin/users/{id}")).await
}

pub async fn ask_remove(
    State(app): State<App>,
    Me(reader): Me,
    client: Client,
    frame: Frame,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, Error> {
    let mut tx = app.db.begin_read().await?;
    let by = client.user(&reader);
    authority::require_user(&app, &mut tx, &by, UserId(id)).await?;
    drop(tx);
    let user = users::find(&app, &id.to_string()).await?;
    let live = sessions::list_of_user(&app.db, user.id, app.now()).await?.len();
    let grants = grant_rows::list_of_user(&app.db, user.id).await?;
    let holding = grants.iter().filter(|grant| grant.holds_at(app.now())).count();
    Ok(Page(ConfirmPage {
        frame,
        title: confirm::remove_title(&user.username),
        lines: confirm::remove_lines(live, holding),
        action: format!("/admin/users/{id}/remove"),
        hidden: Vec::new(),
        button: confirm::REMOVE,
        back: format!("/admin/users/{id}"),
    }))
}

pub async fn remove(
    State(app): State<App>,
    Me(reader): Me,
    client: Client,
    session: Session,
    Path(id): Path<Uuid>,
    Form(NoFields {}): Form<NoFields>,
) -> Result<Redirect, Error> {
    let user = users::find(&app, &id.to_string()).await?;
    users::remove(&app, &client.user(&reader), user.id).await?;
    frame::done(&session, &notice::user_removed(&user.username), "/admin/users").await
}

pub async fn ask_end_sessions(
    State(app): State<App>,
    Me(reader): Me,
    client: Client,
    frame: Frame,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, Error> {
    let mut tx = app.db.begin_read().await?;
    let by = client.user(&reader);
    let roles = authority::granted_roles(&app, &mut tx, UserId(id)).await?;
    let change = Change::Sessions { id: UserId(id), roles: &roles };
    authority::require(&app, &mut tx, &by, change).await?;
    drop(tx);
    let user = users::find(&app, &id.to_string()).await?;
    let live = sessions::list_of_user(&app.db, user.id, app.now()).await?.len();
    Ok(Page(ConfirmPage {
        frame,
        title: confirm::end_sessions_title(&user.username),
        lines: confirm::end_sessions_lines(live),
        action: format!("/admin/users/{id}/sessions/end"),
        hidden: Vec::new(),
        button: confirm::END_SESSIONS,
        back: format!("/admin/users/{id}"),
    }))
}

pub async fn end_sessions(
    State(app): State<App>,
    Me(reader): Me,
    client: Client,
    session: Session,
    Path(id): Path<Uuid>,
    Form(NoFields {}): Form<NoFields>,
) -> Result<Redirect, Error> {
    let ended = session_rules::end_of_user(&app, &client.user(&reader), UserId(id)).await?;
    let path = format!("/admin/users/{id}");
    frame::done(&session, &notice::sessions_ended(ended), &path).await
}

#[derive(Deserialize)]
pub struct OfRole {
    #[serde(default)]
    role: String,
}

pub async fn ask_revoke(
    State(app): State<App>,
    Me(reader): Me,
    client: Client,
    frame: Frame,
    Path(id): Path<Uuid>,
    Asked(OfRole { role }): Asked<OfRole>,
) -> Result<impl IntoResponse, Error> {
    let mut tx = app.db.begin_read().await?;
    let by = client.user(&reader);
    authority::require(&app, &mut tx, &by, Change::Revoke { role: &role }).await?;
    drop(tx);
    let user = users::find(&app, &id.to_string()).await?;
    let grants = grant_rows::list_of_user(&app.db, user.id).await?;
    if !grants.iter().any(|grant| grant.role_name == role) {
        return Err(Error::NotFound);
    }
    Ok(Page(ConfirmPage {
        frame,
        title: confirm::revoke_title(&role, &user.username),
        lines: confirm::revoke_lines(&role, &user.username),
        action: format!("/admin/users/{id}/revoke"),
        hidden: vec![("role", role)],
        button: confirm::REVOKE,
        back: format!("/admin/users/{id}"),
    }))
}

pub async fn revoke(
    State(app): State<App>,
    Me(reader): Me,
    client: Client,
    session: Session,
    Path(id): Path<Uuid>,
    Form(OfRole { role }): Form<OfRole>,
) -> Result<Redirect, Error> {
    let user = users::find(&app, &id.to_string()).await?;
    let role = RoleName::parse(&role).map_err(|_| Error::NotFound)?;
    grants::revoke(&app, &client.user(&reader), user.id, &role).await?;
    let notice = notice::revoked(role.as_str(), &user.username);
    frame::done(&session, &notice, &format!("/admin/users/{id}")).await
}

pub async fn ask_delete_role(
    State(app): State<App>,
    Me(reader): Me,
    client: Client,
    frame: Frame,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, Error> {
    let mut tx = app.db.begin_read().await?;
    let by = client.user(&reader);
    if is_built_in(&name) {
        return Err(Error::NotFound);
    }
    authority::require(&app, &mut tx, &by, Change::DeleteRole { role: &name }).await?;
    drop(tx);
    let role = role_rows::list(&app.db, app.now()).await?;
    let role = role.into_iter().find(|role| role.name == name).ok_or(Error::NotFound)?;
    let graph = Graph::load(&app.db).await?;
    let holders = people::counted(role.holders, role_rows::MOST_COUNTED);
    Ok(Page(ConfirmPage {
        frame,
        title: confirm::delete_role_title(&name),
        lines: confirm::delete_role_lines(&holders, &graph.included_in(&name)),
        action: format!("/admin/roles/{name}/delete"),
        hidden: Vec::new(),
        button: confirm::DELETE_ROLE,
        back: format!("/admin/roles/{name}"),
    }))
}

pub async fn delete_role(
    State(app): State<App>,
    Me(reader): Me,
    client: Client,
    session: Session,
    Path(name): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Result<Redirect, Error> {
    let role = RoleName::parse(&name).map_err(|_| Error::NotFound)?;
    roles::change(&app, &client.user(&reader), &role, &[RoleChange::Delete]).await?;
    frame::done(&session, &notice::role_deleted(&name), "/admin/roles").await
}

#[derive(Deserialize)]
pub struct EndSession {
    /// The page to come back to.
    #[serde(default)]
    back: String,
}

/// Ends one session of anybody.
pub async fn end_session(
    State(app): State<App>,
    Me(reader): Me,
    client: Client,
    session: Session,
    Path(id): Path<Uuid>,
    Form(EndSession { back }): Form<EndSession>,
) -> Result<Redirect, Error> {
    let ended = session_rules::end(&app, &client.user(&reader), id).await;
    let ended = match ended {
        Ok(()) => 1,
        // Somebody was faster.
        Err(crate::auth::Error::Refused(Refusal::NoSession(_))) => 0,
        Err(error) => return Err(error.into()),
    };
    let is_user = back.strip_prefix("/admin/users/").is_some_and(|id| id.parse::<Uuid>().is_ok());
    let path = if is_user { back.as_str() } else { "/admin/sessions" };
    frame::done(&session, &notice::sessions_ended(ended), path).await
}
