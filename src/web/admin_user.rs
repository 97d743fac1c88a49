//! `/admin/users/{id}`: one user, and what can be done to them.

use axum::{
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Error,
    acting::Acting,
    admin_explain,
    admin_users::{parse_profile, take_problem},
    form::{Asked, Form, NoFields},
    page::Page,
    pages::{
        Cut, Frame, Room,
        admin::{GrantFields, GrantLine, LinkShownPage, ProfileFields, UserPage},
    },
    people,
};
use crate::{
    app::App,
    auth::{
        self, Refusal, access::Permission, admins, authority::Change, explain, grants::Seen,
        graph::Graph, link, name::ADMIN, throttle, users,
    },
    db::{
        UserId,
        grants::{self as grant_rows, Grant},
        permissions, roles, sessions,
        throttles::Throttle,
        users::{Status, User},
    },
    text,
};

/// The address of a user's page.
pub fn path(id: Uuid) -> String {
    format!("/admin/users/{id}")
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Query {
    /// A role or permission to explain.
    explain: String,
    /// Where lists of the page begin: after these, as the part before ended.
    grants: String,
    permissions: String,
    /// Id of a record.
    before: Option<Uuid>,
}

const GRANTS: Room = Room { lines: 15, bytes: 6000 };
const PERMISSIONS: Room = Room { lines: 40, bytes: 2400 };
/// All are on the page of sessions.
const SESSIONS: usize = 8;

pub async fn show(
    acting: Acting,
    frame: Frame,
    Path(id): Path<Uuid>,
    Asked(query): Asked<Query>,
) -> Result<impl IntoResponse, Error> {
    let user = users::find(&acting.app, &id.to_string()).await?;
    let mut page = page(&acting, frame, &user, profile(&user), &query).await?;
    let asked = query.explain.trim();
    if !asked.is_empty() {
        page.explained = Some(admin_explain::explained(&acting.app, &user, asked).await?);
        page.explain = asked.to_owned();
    }
    Ok(Page(page))
}

pub(super) fn profile(user: &User) -> ProfileFields {
    ProfileFields {
        username: user.username.clone(),
        email: user.email.clone().unwrap_or_default(),
        display_name: user.display_name.clone(),
        version: user.version,
        ..ProfileFields::default()
    }
}

pub(super) async fn page(
    acting: &Acting,
    frame: Frame,
    user: &User,
    fields: ProfileFields,
    starts: &Query,
) -> Result<UserPage, Error> {
    let Acting { app, user: reader, .. } = acting;
    let now = app.now();
    let named = grant_rows::list_named(&app.db, user.id).await?;
    let grants: Vec<Grant> = named.iter().map(Grant::from).collect();
    let holding: Vec<_> = grants.iter().filter(|grant| grant.holds_at(now)).collect();
    let held: Vec<String> = holding.iter().map(|grant| grant.role_name.clone()).collect();
    let authority = acting.authority().await?;
    let all = roles::list(&app.db).await?.into_iter().map(|role| role.name);
    let grantable = all.filter(|role| authority.may(Change::Grant { to: user.id, role }));
    let graph = Graph::load(&app.db).await?;
    let every = permissions::list(&app.db).await?.into_iter().collect();
    let (_, effective) = explain::effective(&graph, &every, &grants, now);
    let last_admin = admins::is_last(app, user).await?;
    let effective: Vec<_> = effective.into_iter().collect();
    let can_end = authority.may(Change::Sessions { id: user.id, roles: &held });
    let sessions = if reader.may(Permission::SessionsRead) {
        let live = sessions::list_of_user(&app.db, user.id, now).await?;
        let line = |one| people::session_line(one, reader.session.id, can_end);
        Some(Cut::first(live.iter().map(line), SESSIONS))
    } else {
        None
    };
    let (records, older_records) = if reader.may(Permission::AuditRead) {
        let (records, older) = people::records_about(app, user.id, starts.before).await?;
        (Some(records), older)
    } else {
        (None, None)
    };
    let line = |grant: &grant_rows::Named| GrantLine {
        role: grant.role_name.clone(),
        granted: text::time(grant.granted_at),
        by: people::granter(grant),
        reason: grant.reason.clone(),
        until: grant.ends_at.map(text::time),
        ended: grant.ends_at.is_some_and(|end| end <= now),
        can_revoke: !(last_admin && grant.role_name == ADMIN)
            && authority.may(Change::Revoke { role: &grant.role_name }),
    };
    let shown = Cut::after(&starts.grants, &named, |one| one.role_name.clone(), GRANTS, line);
    let is_shown = |grant: &Grant| shown.shown.iter().any(|line| line.role == grant.role_name);
    let seen = Seen::of(holding.into_iter().filter(|grant| is_shown(grant)));
    Ok(UserPage {
        frame,
        id: user.id.to_string(),
        username: user.username.clone(),
        active: user.status == Status::Active,
        password: password(user, now),
        created: text::time(user.created_at),
        last_login: user.last_login_at.map(text::time),
        fields,
        held_back: throttle::find(app, user).await?.and_then(|tries| held_back(app, &tries)),
        can_set_email: authority.may(Change::Email),
        can_edit: authority.may(Change::User { id: user.id, roles: &held }),
        is_own: user.id == reader.id,
        last_admin,
        grants: shown,
        permissions: Cut::after(
            &starts.permissions,
            &effective,
            String::clone,
            PERMISSIONS,
            String::clone,
        ),
        grantable: grantable.collect(),
        grant: GrantFields { seen: seen.to_string(), ..GrantFields::default() },
        sessions,
        can_end_sessions: can_end,
        explain: String::new(),
        explained: None,
        records,
        older_records,
    })
}

fn password(user: &User, now: OffsetDateTime) -> Option<String> {
    user.password_hash.as_ref()?;
    Some(match user.password_expires_at {
        None => text::user::PASSWORD_SET.to_owned(),
        Some(end) if end > now => text::user::one_time_password(&text::time(end)),
        Some(_) => text::user::ONE_TIME_PASSWORD_OVER.to_owned(),
    })
}

/// What holds strangers back, once it does.
fn held_back(app: &App, tries: &Throttle) -> Option<String> {
    let now = app.pen.clock.now_ms();
    let free_at = throttle::free_at(tries, now);
    let is_free = free_at.is_some_and(|free_at| free_at <= now);
    let free_at = free_at.map(|ms| OffsetDateTime::from_unix_timestamp(ms.div_euclid(1000)));
    match free_at {
        None => Some(text::user::closed(tries.failures)),
        Some(_) if tries.failures < 5 => None,
        Some(_) if is_free => Some(text::user::failed(tries.failures)),
        Some(Ok(at)) => Some(text::user::held_back(tries.failures, &text::time(at))),
        Some(Err(_)) => None,
    }
}

#[derive(Deserialize)]
pub struct EditFields {
    #[serde(default)]
    username: String,
    /// Absent: it stays as it is.
    email: Option<String>,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    version: i64,
}

pub async fn edit(
    acting: Acting,
    frame: Frame,
    Path(id): Path<Uuid>,
    Form(typed): Form<EditFields>,
) -> Result<Response, Error> {
    let EditFields { username, email, display_name, version } = typed;
    let user = users::find(&acting.app, &id.to_string()).await?;
    let email = email.unwrap_or_else(|| user.email.clone().unwrap_or_default());
    let mut fields =
        ProfileFields { username, email, display_name, version, ..ProfileFields::default() };
    if let Some(profile) = parse_profile(&mut fields) {
        match users::edit(&acting.app, &acting.by, UserId(id), &profile, Some(version)).await {
            Ok(()) => {
                let done = acting.done(text::notice::SAVED, &path(id)).await?;
                return Ok(done.into_response());
            }
            Err(auth::Error::Refused(Refusal::Changed)) => {
                let now = users::find(&acting.app, &id.to_string()).await?;
                fields.version = now.version;
                fields.meanwhile = Some(vec![
                    (text::audit::label("username"), now.username),
                    (text::audit::label("email"), now.email.unwrap_or_default()),
                    (text::audit::label("display_name"), now.display_name),
                ]);
            }
            Err(error) => take_problem(&mut fields, error)?,
        }
    }
    let status = match fields.meanwhile {
        Some(_) => StatusCode::CONFLICT,
        None => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let user = users::find(&acting.app, &id.to_string()).await?;
    let page = page(&acting, frame, &user, fields, &Query::default()).await?;
    // A page without the form has no place for what is wrong with it.
    if !page.can_edit {
        return Err(auth::Error::from(Refusal::NotYours).into());
    }
    Ok((status, Page(page)).into_response())
}

pub async fn enable(
    acting: Acting,
    Path(id): Path<Uuid>,
    Form(NoFields {}): Form<NoFields>,
) -> Result<Redirect, Error> {
    let user = users::find(&acting.app, &id.to_string()).await?;
    users::enable(&acting.app, &acting.by, user.id).await?;
    acting.done(text::notice::USER_ENABLED, &path(id)).await
}

/// Lets strangers try again.
pub async fn clear_tries(
    acting: Acting,
    Path(id): Path<Uuid>,
    Form(NoFields {}): Form<NoFields>,
) -> Result<Redirect, Error> {
    throttle::clear(&acting.app, &acting.by, UserId(id)).await?;
    acting.done(text::notice::TRIES_CLEARED, &path(id)).await
}

/// Makes a one-time link and shows it this once.
pub async fn make_link(
    acting: Acting,
    frame: Frame,
    Path(id): Path<Uuid>,
    Form(NoFields {}): Form<NoFields>,
) -> Result<impl IntoResponse, Error> {
    let user = users::find(&acting.app, &id.to_string()).await?;
    let token = link::make(&acting.app, &acting.by, user.id).await?;
    Ok(Page(LinkShownPage {
        back: frame.reachable(&path(id)).to_owned(),
        frame,
        username: user.username,
        url: link::url(&acting.app, token),
        good_for: text::link::GOOD_FOR_PASSWORD,
    }))
}
