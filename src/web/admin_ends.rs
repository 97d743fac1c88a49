//! What ends something: a page asks first and says what ends, then a form does it.

use std::collections::BTreeSet;

use axum::{
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Error,
    acting::Acting,
    admin_user,
    form::{Asked, Form, NoFields},
    page::Page,
    pages::{Frame, admin::ConfirmPage},
    people,
};
use crate::{
    app::App,
    auth::{
        self, Refusal, authority,
        authority::Change,
        explain,
        grants::{self, Seen},
        graph::Graph,
        name::RoleName,
        sessions as session_rules, users,
    },
    db::{
        UserId,
        grants::{self as grant_rows, Grant},
        permissions, sessions,
        users::User,
    },
    text::{self, confirm, notice, refusal::sentence, user},
};

/// The page that asks. It stands at the address its form posts to, below the page `back`.
pub fn ask(
    frame: Frame,
    back: String,
    (title, lines): (String, Vec<String>),
    button: &'static str,
) -> ConfirmPage {
    let (action, back) = (frame.route.clone(), frame.reachable(&back).to_owned());
    let (hidden, meanwhile) = (Vec::new(), None);
    ConfirmPage { frame, title, lines, meanwhile, action, hidden, button, back }
}

/// The user, if the person may change them, and how many sessions of them are open.
async fn changeable(acting: &Acting, id: Uuid) -> Result<(User, usize), Error> {
    let app = &acting.app;
    let mut tx = app.db.begin_read().await?;
    authority::require_user(app, &mut tx, &acting.by, UserId(id)).await?;
    drop(tx);
    let user = users::find(app, &id.to_string()).await?;
    let live = live_sessions(acting, user.id).await?;
    Ok((user, live))
}

async fn live_sessions(acting: &Acting, id: UserId) -> Result<usize, Error> {
    let Acting { app, .. } = acting;
    Ok(sessions::list_of_user(&app.db, id, app.now()).await?.len())
}

pub async fn ask_disable(
    acting: Acting,
    frame: Frame,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, Error> {
    let (user, live) = changeable(&acting, id).await?;
    let says = (confirm::disable_title(&user.username), confirm::disable_lines(live));
    Ok(Page(ask(frame, admin_user::path(id), says, confirm::DISABLE)))
}

pub async fn disable(
    acting: Acting,
    Path(id): Path<Uuid>,
    Form(NoFields {}): Form<NoFields>,
) -> Result<Redirect, Error> {
    let user = users::find(&acting.app, &id.to_string()).await?;
    let live = live_sessions(&acting, user.id).await?;
    users::disable(&acting.app, &acting.by, user.id).await?;
    let notice = notice::user_disabled(live as u64);
    acting.done(&notice, &admin_user::path(id)).await
}

pub async fn ask_remove(
    acting: Acting,
    frame: Frame,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, Error> {
    let (user, live) = changeable(&acting, id).await?;
    let app = &acting.app;
    let grants = grant_rows::list_of_user(&app.db, user.id).await?;
    let holding = grants.into_iter().filter(|grant| grant.holds_at(app.now()));
    let roles: Vec<String> = holding.map(|grant| grant.role_name).collect();
    let says = (confirm::remove_title(&user.username), confirm::remove_lines(live, &roles));
    Ok(Page(ask(frame, admin_user::path(id), says, confirm::REMOVE)))
}

pub async fn remove(
    acting: Acting,
    Path(id): Path<Uuid>,
    Form(NoFields {}): Form<NoFields>,
) -> Result<Redirect, Error> {
    let user = users::find(&acting.app, &id.to_string()).await?;
    users::remove(&acting.app, &acting.by, user.id).await?;
    acting.done(notice::USER_REMOVED, "/admin/users").await
}

pub async fn ask_end_sessions(
    acting: Acting,
    frame: Frame,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, Error> {
    let app = &acting.app;
    let mut tx = app.db.begin_read().await?;
    let roles = authority::granted_roles(app, &mut tx, UserId(id)).await?;
    let change = Change::Sessions { id: UserId(id), roles: &roles };
    authority::require(app, &mut tx, &acting.by, change).await?;
    drop(tx);
    let user = users::find(app, &id.to_string()).await?;
    let live = live_sessions(&acting, user.id).await?;
    let says = (confirm::end_sessions_title(&user.username), confirm::end_sessions_lines(live));
    Ok(Page(ask(frame, admin_user::path(id), says, confirm::END_SESSIONS)))
}

pub async fn end_sessions(
    acting: Acting,
    Path(id): Path<Uuid>,
    Form(NoFields {}): Form<NoFields>,
) -> Result<Redirect, Error> {
    let ended = session_rules::end_of_user(&acting.app, &acting.by, UserId(id)).await?;
    acting.done(&notice::sessions_ended(ended), &admin_user::path(id)).await
}

#[derive(Deserialize)]
pub struct OfRole {
    #[serde(default)]
    role: String,
}

pub async fn ask_revoke(
    acting: Acting,
    frame: Frame,
    Path(id): Path<Uuid>,
    Asked(OfRole { role }): Asked<OfRole>,
) -> Result<impl IntoResponse, Error> {
    Ok(Page(revoke_page(&acting, frame, id, role).await?.0))
}

/// The page that asks, and what it says of the grant that holds, if one does.
async fn revoke_page(
    acting: &Acting,
    frame: Frame,
    id: Uuid,
    role: String,
) -> Result<(ConfirmPage, String), Error> {
    let app = &acting.app;
    let mut tx = app.db.begin_read().await?;
    authority::require(app, &mut tx, &acting.by, Change::Revoke { role: &role }).await?;
    drop(tx);
    let user = users::find(app, &id.to_string()).await?;
    let named = grant_rows::list_named(&app.db, user.id).await?;
    let Some(of_role) = named.iter().find(|grant| grant.role_name == role) else {
        let missing = Refusal::NotGranted(user.username, role);
        return Err(Error::NothingToEnd(sentence(&missing)));
    };
    let told = confirm::grant_now(
        &user::granted(of_role.granted_at, &people::granter(of_role)),
        of_role.ends_at.map(text::time).as_deref(),
        &of_role.reason,
    );
    let grants: Vec<Grant> = named.iter().map(Grant::from).collect();
    let seen =
        Seen::of(grants.iter().filter(|one| one.role_name == role && one.holds_at(app.now())));
    let (roles, permissions) = lost_with(app, grants, &role).await?;
    let title = confirm::revoke_title(&role, &user.username);
    let says = (title, confirm::revoke_lines(&user.username, &roles, &permissions));
    let page = ask(frame, admin_user::path(id), says, confirm::REVOKE);
    let hidden = vec![("role", role), ("seen", seen.to_string())];
    Ok((ConfirmPage { hidden, ..page }, told))
}

/// Roles and permissions that come through the grant of this role and no other.
async fn lost_with(
    app: &App,
    mut grants: Vec<Grant>,
    role: &str,
) -> Result<(Vec<String>, Vec<String>), Error> {
    let graph = Graph::load(&app.db).await?;
    let all = permissions::list(&app.db).await?.into_iter().collect();
    let before = explain::effective(&graph, &all, &grants, app.now());
    grants.retain(|grant| grant.role_name != role);
    let after = explain::effective(&graph, &all, &grants, app.now());
    let lost = |before: &BTreeSet<String>, after| before.difference(after).cloned().collect();
    Ok((lost(&before.0, &after.0), lost(&before.1, &after.1)))
}

#[derive(Deserialize)]
pub struct Revoked {
    #[serde(default)]
    role: String,
    /// What the page that asked showed of the grant.
    seen: Option<String>,
}

pub async fn revoke(
    acting: Acting,
    frame: Frame,
    Path(id): Path<Uuid>,
    Form(Revoked { role, seen }): Form<Revoked>,
) -> Result<Response, Error> {
    let user = users::find(&acting.app, &id.to_string()).await?;
    let role = RoleName::parse(&role).map_err(|_| Error::NotFound)?;
    let seen = seen.as_deref().map(Seen::parse);
    match grants::revoke_as_seen(&acting.app, &acting.by, user.id, &role, seen.as_ref()).await {
        // Whoever changed it may have had a reason to: it is asked once more.
        Err(auth::Error::Refused(Refusal::Changed)) => {
            let (page, now) = revoke_page(&acting, frame, id, role.as_str().to_owned()).await?;
            let page = ConfirmPage { meanwhile: Some(now), ..page };
            return Ok((StatusCode::CONFLICT, Page(page)).into_response());
        }
        done => done?,
    }
    // Without that role, this page may be closed to them.
    let is_own = user.id == acting.user.id;
    let next = if is_own { "/account".to_owned() } else { admin_user::path(id) };
    Ok(acting.done(notice::REVOKED, &next).await?.into_response())
}

#[derive(Deserialize)]
pub struct EndSession {
    /// The page to come back to.
    #[serde(default)]
    back: String,
}

impl EndSession {
    /// A user's page, or the list.
    fn path(&self) -> &str {
        let id = self.back.strip_prefix("/admin/users/");
        let is_user = id.is_some_and(|id| id.parse::<Uuid>().is_ok());
        if is_user { &self.back } else { "/admin/sessions" }
    }
}

pub async fn ask_end_session(
    acting: Acting,
    frame: Frame,
    Path(id): Path<Uuid>,
    Asked(asked): Asked<EndSession>,
) -> Result<impl IntoResponse, Error> {
    let session = match session_rules::endable(&acting.app, &acting.by, id).await {
        Err(auth::Error::Refused(gone @ Refusal::NoSession(_))) => {
            return Err(Error::NothingToEnd(sentence(&gone)));
        }
        found => found?,
    };
    let line = people::session_line(&session, acting.user.session.id, true);
    let lines = confirm::end_session_lines(&people::open(&line));
    let says = (confirm::end_session_title(&line.username), lines);
    let back = asked.path().to_owned();
    let page = ask(frame, back.clone(), says, confirm::END_SESSION);
    Ok(Page(ConfirmPage { hidden: vec![("back", back)], ..page }))
}

/// Ends one session of anybody.
pub async fn end_session(
    acting: Acting,
    Path(id): Path<Uuid>,
    Form(asked): Form<EndSession>,
) -> Result<Redirect, Error> {
    let ended = match session_rules::end(&acting.app, &acting.by, id).await {
        Ok(()) => 1,
        // Somebody was faster.
        Err(auth::Error::Refused(Refusal::NoSession(_))) => 0,
        Err(error) => return Err(error.into()),
    };
    acting.done(&notice::sessions_ended(ended), asked.path()).await
}
