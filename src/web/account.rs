//! `/account`: who I am, what I may, my password.

use std::collections::HashMap;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Error, Me, Visitor,
    acting::Acting,
    admin_ends::ask,
    cookie,
    form::{Asked, Form},
    page::{self, Page},
    pages::{AccountPage, AccountPermission, AccountRole, Cut, Frame, Room, admin::ConfirmPage},
    people,
    step_up::Renewed,
};
use crate::{
    app::App,
    auth::{
        self, Refusal, access::CurrentUser, graph::Graph, name::ADMIN, password::Password,
        sessions, step_up::Mine, users,
    },
    db::{grants, roles, sessions as session_rows},
    text::{self, confirm},
};

/// `/`
pub async fn start(State(app): State<App>, Visitor(user): Visitor) -> Redirect {
    page::to(&app, if user.is_some() { "/account" } else { "/login" })
}

/// `/.well-known/change-password`, where password managers look.
pub async fn to_password(State(app): State<App>) -> Redirect {
    page::to(&app, "/account#password")
}

/// Where the lists of the page begin: after these, as the part before ended.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Query {
    roles: String,
    permissions: String,
    sessions: String,
    /// Id of a record.
    before: Option<Uuid>,
}

const ROLES: Room = Room { lines: 15, bytes: 6000 };
const PERMISSIONS: Room = Room { lines: 30, bytes: 6000 };
const SESSIONS: Room = Room { lines: 10, bytes: 4000 };

pub async fn show(
    State(app): State<App>,
    Me(user): Me,
    frame: Frame,
    Asked(query): Asked<Query>,
) -> Result<impl IntoResponse, Error> {
    Ok(Page(page(&app, &user, frame, &query).await?))
}

#[derive(Deserialize)]
pub struct Fields {
    #[serde(default)]
    current_password: String,
    #[serde(default)]
    new_password: String,
}

pub async fn change_password(
    acting: Acting,
    frame: Frame,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, Error> {
    let Acting { app, user, by, .. } = &acting;
    let names = [&*user.username, user.email.as_deref().unwrap_or_default(), &user.display_name];
    let new = match Password::chosen_for(app, &fields.new_password, &names) {
        Ok(new) => new,
        Err(error) => {
            let mut page = page(app, user, frame, &Query::default()).await?;
            page.new_problem = Some(text::form::password_problem(error));
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Page(page)).into_response());
        }
    };
    let devices = cookie::device_claims(app, &headers);
    let token = cookie::session_token(app, &headers).ok_or(Error::Unauthenticated)?;
    let (mine, current) = (Mine { user, token, devices: &devices }, &fields.current_password);
    match users::change_own_password(app, by, mine, current, &new).await {
        Ok((ended, opened)) => {
            let renewed = Renewed::of(app, &opened);
            let notice = text::notice::password_changed(ended);
            let done = renewed.done(app, &notice, "/account").await?;
            Ok(renewed.tell(done.into_response()))
        }
        Err(auth::Error::Refused(Refusal::WrongPassword)) => {
            let mut page = page(app, user, frame, &Query::default()).await?;
            page.current_problem = Some(text::form::CURRENT_PASSWORD_WRONG.to_owned());
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Page(page)).into_response())
        }
        Err(auth::Error::HeldBack(wait)) => {
            let mut page = page(app, user, frame, &Query::default()).await?;
            page.current_problem = Some(text::login::held_back(wait));
            let retry = [(header::RETRY_AFTER, wait)];
            Ok((StatusCode::TOO_MANY_REQUESTS, retry, Page(page)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
pub struct EndFields {
    /// Which session.
    id: Option<Uuid>,
    /// All but this one.
    others: Option<String>,
}

pub async fn ask_end_sessions(
    acting: Acting,
    frame: Frame,
    Asked(fields): Asked<EndFields>,
) -> Result<impl IntoResponse, Error> {
    let Acting { app, user, .. } = &acting;
    let (says, button, hidden) = match (fields.others, fields.id) {
        (Some(others), _) => {
            let live = session_rows::list_of_user(&app.db, user.id, app.now()).await?;
            let lines = confirm::end_others_lines(live.len().saturating_sub(1));
            ((confirm::END_OTHERS_TITLE, lines), confirm::END_OTHERS, ("others", others))
        }
        (None, Some(id)) => {
            let found = sessions::find_own(app, user, id).await?;
            let gone = || text::refusal::sentence(&Refusal::NoSession(id.to_string()));
            let session = found.ok_or_else(|| Error::NothingToEnd(gone()))?;
            let line = people::session_line(&session, user.session.id, true);
            let lines = confirm::end_own_lines(&people::open(&line));
            ((confirm::END_OWN_TITLE, lines), confirm::END_SESSION, ("id", line.id))
        }
        (None, None) => return Err(Error::BadRequest),
    };
    let says = (says.0.to_owned(), says.1);
    let page = ask(frame, "/account".to_owned(), says, button);
    Ok(Page(ConfirmPage { hidden: vec![hidden], ..page }))
}

pub async fn end_sessions(
    acting: Acting,
    Form(fields): Form<EndFields>,
) -> Result<Response, Error> {
    let Acting { app, user, by, .. } = &acting;
    let ended = match (fields.others, fields.id) {
        (Some(_), _) => sessions::end_others(app, by, user).await?,
        (None, Some(id)) => sessions::end_own(app, by, user, id).await?,
        (None, None) => return Err(Error::BadRequest),
    };
    if fields.id == Some(user.session.id) {
        let cookies: HeaderMap = cookie::clear(&app.settings).into_iter().collect();
        return Ok((cookies, page::to(app, "/login?done=signed-out")).into_response());
    }
    let notice = text::notice::sessions_ended(ended);
    Ok(acting.done(&notice, "/account").await?.into_response())
}

async fn page(
    app: &App,
    user: &CurrentUser,
    frame: Frame,
    starts: &Query,
) -> Result<AccountPage, Error> {
    let now = app.now();
    let graph = Graph::load(&app.db).await?;
    let granted = grants::list_named(&app.db, user.id).await?;
    let holding: Vec<_> =
        granted.iter().filter(|grant| grant.ends_at.is_none_or(|end| end > now)).collect();
    let all = roles::list(&app.db).await?;
    let ends = ends(&graph, &holding);
    let role = |name: &String| {
        let grant = holding.iter().find(|grant| grant.role_name == *name);
        let parents = || {
            let above = graph.included_in(name).iter();
            above.filter(|name| user.roles.contains(*name)).collect::<Vec<_>>()
        };
        let described = all.iter().find(|role| role.name == *name);
        AccountRole {
            origin: text::account::origin(
                grant.map(|grant| {
                    let until = grant.ends_at.map(text::time);
                    (people::granter(grant), text::time(grant.granted_at), until)
                }),
                &text::list(&parents()),
            ),
            reason: grant.map(|grant| grant.reason.clone()).unwrap_or_default(),
            until: ends.get(name).copied().flatten().map(text::time),
            name: name.clone(),
            description: described.map(|role| role.description.clone()).unwrap_or_default(),
        }
    };
    let through = |permission: &String| {
        let permits =
            |role: &&String| role.as_str() == ADMIN || graph.permissions(role).contains(permission);
        Cut::first(user.roles.iter().filter(permits).cloned(), 3)
    };
    let mut open = session_rows::list_of_user(&app.db, user.id, now).await?;
    open.sort_by_key(|one| (one.id != user.session.id, std::cmp::Reverse(one.last_seen_at)));
    let (records, older_records) = people::records_about(app, user.id, starts.before).await?;
    let names: Vec<_> = user.roles.iter().cloned().collect();
    let permissions: Vec<_> = user.permissions.iter().cloned().collect();
    Ok(AccountPage {
        frame,
        username: user.username.clone(),
        display_name: user.display_name.clone(),
        email: user.email.clone(),
        roles: Cut::after(&starts.roles, &names, String::clone, ROLES, role),
        permissions: Cut::after(
            &starts.permissions,
            &permissions,
            String::clone,
            PERMISSIONS,
            |name| AccountPermission { through: through(name), name: name.clone() },
        ),
        sessions: Cut::after(
            &starts.sessions,
            &open,
            |one| one.id.to_string(),
            SESSIONS,
            |one| people::session_line(one, user.session.id, true),
        ),
        records,
        older_records,
        current_problem: None,
        new_problem: None,
        min_length: app.settings.password_min_length,
    })
}

/// When each effective role ends. It may come by several grants, itself or through one that
/// includes it: the last to end counts, and one without end (`None`) outlasts all.
fn ends(graph: &Graph, holding: &[&grants::Named]) -> HashMap<String, Option<OffsetDateTime>> {
    let mut grants = holding.to_vec();
    // The longest first, so that a role is reached once, however many grants lead to it.
    grants.sort_by_key(|grant| std::cmp::Reverse((grant.ends_at.is_none(), grant.ends_at)));
    let mut ends = HashMap::new();
    for grant in grants {
        let mut open = vec![grant.role_name.as_str()];
        while let Some(role) = open.pop() {
            if !ends.contains_key(role) {
                ends.insert(role.to_owned(), grant.ends_at);
                open.extend(graph.includes(role).iter().map(String::as_str));
            }
        }
    }
    ends
}
