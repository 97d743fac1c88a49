//! `/admin/roles`: what roles there are, what they permit and include, who holds them.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tower_sessions::Session;
use uuid::Uuid;

use super::{
    Error, Me,
    client::Client,
    csv,
    form::{Asked, Form},
    frame,
    page::Page,
    pages::{
        Frame,
        admin::{HolderLine, NewRolePage, Removable, RoleLine, RolePage, RolesPage, TreeLine},
    },
    people,
};
use crate::{
    app::App,
    auth::{
        self, By, Refusal,
        access::{CurrentUser, Permission},
        authority::{Authority, Change},
        graph::Graph,
        name::{ADMIN, PermissionName, RoleName, is_built_in},
        roles::{self, RoleChange},
    },
    db::{grants, permissions, roles as rows},
    text,
};

/// Holders on a page, and lines of a CSV read at once.
const PAGE: i64 = 50;
const BATCH: i64 = 1000;

#[derive(Deserialize)]
pub struct AfterRole {
    /// The last role of the page before.
    #[serde(default)]
    after: String,
}

pub async fn list(
    State(app): State<App>,
    Me(reader): Me,
    frame: Frame,
    Asked(AfterRole { after }): Asked<AfterRole>,
) -> Result<impl IntoResponse, Error> {
    let graph = Graph::load(&app.db).await?;
    let line = |role: rows::Role| RoleLine {
        built_in: is_built_in(&role.name),
        has_all: role.name == ADMIN,
        permissions: graph.permissions(&role.name).to_vec(),
        includes: graph.includes(&role.name).to_vec(),
        holders: people::counted(role.holders, rows::MOST_COUNTED),
        name: role.name,
        description: role.description,
    };
    let mut all = rows::list(&app.db, app.now()).await?;
    // Engines sort by their locale, pages go on by bytes.
    all.sort_by(|one, other| one.name.cmp(&other.name));
    let rest = all.into_iter().skip_while(|role| role.name <= after);
    let mut roles: Vec<RoleLine> = rest.take(PAGE as usize + 1).map(line).collect();
    let has_more = roles.len() > PAGE as usize;
    roles.truncate(PAGE as usize);
    let last = roles.last().filter(|_| has_more);
    Ok(Page(RolesPage {
        frame,
        more: last.map(|last| format!("after={}", last.name)),
        first: (!after.is_empty()).then(|| "after=".to_owned()),
        roles,
        can_create: reader.may(Permission::RolesWrite),
    }))
}

pub async fn show_new(frame: Frame) -> impl IntoResponse {
    Page(NewRolePage {
        frame,
        name: String::new(),
        description: String::new(),
        name_problem: None,
        description_problem: None,
    })
}

#[derive(Deserialize)]
pub struct NewFields {
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
}

pub async fn create(
    State(app): State<App>,
    Me(reader): Me,
    client: Client,
    (session, frame): (Session, Frame),
    Form(NewFields { name, description }): Form<NewFields>,
) -> Result<Response, Error> {
    let mut page =
        NewRolePage { frame, name, description, name_problem: None, description_problem: None };
    match RoleName::parse(page.name.trim()) {
        Err(_) => page.name_problem = Some(text::form::ROLE_NAME_INVALID.to_owned()),
        Ok(role) => {
            let create = RoleChange::Create { description: page.description.clone() };
            match roles::change(&app, &client.user(&reader), &role, &[create]).await {
                Ok(()) => {
                    let notice = text::notice::role_created(role.as_str());
                    let path = format!("/admin/roles/{}", role.as_str());
                    return Ok(frame::done(&session, &notice, &path).await?.into_response());
                }
                Err(auth::Error::Refused(Refusal::RoleExists(_))) => {
                    page.name_problem = Some(text::form::ROLE_EXISTS.to_owned());
                }
                Err(auth::Error::Refused(Refusal::Reserved)) => {
                    page.name_problem = Some(text::form::ROLE_NAME_INVALID.to_owned());
                }
                Err(auth::Error::Refused(Refusal::Description)) => {
                    page.description_problem = Some(text::form::DESCRIPTION_INVALID.to_owned());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Page(page)).into_response())
}

/// A role's page as somebody sees it.
struct View<'a> {
    app: &'a App,
    reader: &'a CurrentUser,
    by: By,
    frame: Frame,
}

#[derive(Deserialize)]
pub struct Paging {
    /// Id of the last holder of the page before.
    #[serde(default)]
    after: Uuid,
}

pub async fn show(
    State(app): State<App>,
    Me(reader): Me,
    client: Client,
    frame: Frame,
    Path(name): Path<String>,
    Asked(paging): Asked<Paging>,
) -> Result<impl IntoResponse, Error> {
    let view = View { app: &app, reader: &reader, by: client.user(&reader), frame };
    Ok(Page(page(view, &name, paging.after).await?))
}

async fn page(view: View<'_>, name: &str, after: Uuid) -> Result<RolePage, Error> {
    let View { app, reader, by, frame } = view;
    let all = rows::list(&app.db, app.now()).await?;
    let role = all.iter().find(|role| role.name == name).ok_or(Error::NotFound)?;
    let graph = Graph::load(&app.db).await?;
    let mut tx = app.db.begin_read().await?;
    let authority = Authority::of(app, &mut tx, &by).await?;
    drop(tx);
    let built_in = is_built_in(name);
    let may = |change: Change<'_>| !built_in && authority.may(change);
    let own: Vec<String> = rows::list_grantors(&app.db)
        .await?
        .into_iter()
        .filter_map(|pair| (pair.role == name).then_some(pair.other))
        .collect();
    let permission = |permission: &String| Removable {
        can_remove: may(Change::PermissionOf { permission }),
        name: permission.clone(),
    };
    let mut offered = permissions::list(&app.db).await?;
    offered.sort();
    offered.retain(|permission| {
        !graph.permissions(name).contains(permission) && may(Change::PermissionOf { permission })
    });
    let above = graph.ancestors(name);
    let includable = all.iter().map(|other| other.name.clone()).filter(|other| {
        !is_built_in(other)
            && other != name
            && !above.contains(other)
            && !graph.includes(name).contains(other)
            && may(Change::IncludeOf { other })
    });
    let itself = may(Change::RoleItself { role: name });
    let mut addable: Vec<String> = all.iter().map(|other| other.name.clone()).collect();
    addable.retain(|other| itself && !own.contains(other));
    let can_see_holders = reader.may(Permission::UsersRead);
    let mut holders = Vec::new();
    if can_see_holders {
        holders = grants::list_holders(&app.db, name, after, PAGE + 1, app.now()).await?;
    }
    let has_more = holders.len() > PAGE as usize;
    holders.truncate(PAGE as usize);
    let last = holders.last().filter(|_| has_more);
    let tree = |line: (usize, String)| TreeLine {
        can_remove: line.0 == 0 && may(Change::IncludeOf { other: &line.1 }),
        depth: line.0,
        name: line.1,
    };
    let upwards = |(depth, name)| TreeLine { depth, name, can_remove: false };
    Ok(RolePage {
        frame,
        name: name.to_owned(),
        built_in,
        description: role.description.clone(),
        description_problem: None,
        version: role.version,
        meanwhile: None,
        can_edit: may(Change::DescribeRole),
        can_delete: itself,
        has_all: name == ADMIN,
        permissions: graph.permissions(name).iter().map(permission).collect(),
        offered_permissions: offered,
        includes: graph.tree(name).into_iter().map(tree).collect(),
        includable: includable.collect(),
        included_in: graph.tree_upwards(name).into_iter().map(upwards).collect(),
        grantors: own.into_iter().map(|name| Removable { name, can_remove: itself }).collect(),
        addable_grantors: addable,
        permission: String::new(),
        permission_problem: None,
        problem: None,
        more: last.map(|last| format!("after={}", last.user_id)),
        holders: holders
            .into_iter()
            .map(|grant| HolderLine {
                user_id: grant.user_id.to_string(),
                granted: text::time(grant.granted_at),
                by: people::granter(&grant),
                until: grant.ends_at.map(text::time),
                username: grant.username,
                reason: grant.reason,
            })
            .collect(),
        can_see_holders,
    })
}

#[derive(Deserialize)]
pub struct Described {
    #[serde(default)]
    description: String,
    #[serde(default)]
    version: i64,
}

pub async fn describe(
    State(app): State<App>,
    Me(reader): Me,
    client: Client,
    (session, frame): (Session, Frame),
    Path(name): Path<String>,
    Form(Described { description, version }): Form<Described>,
) -> Result<Response, Error> {
    let by = client.user(&reader);
    let role = RoleName::parse(&name).map_err(|_| Error::NotFound)?;
    let (conflict, problem) = match roles::describe(&app, &by, &role, &description, version).await {
        Ok(()) => {
            return saved(&session, &name).await;
        }
        Err(auth::Error::Refused(Refusal::Changed)) => (true, None),
        Err(auth::Error::Refused(Refusal::Description)) => {
            (false, Some(text::form::DESCRIPTION_INVALID.to_owned()))
        }
        Err(error) => return Err(error.into()),
    };
    let view = View { app: &app, reader: &reader, by, frame };
    let mut page = page(view, &name, Uuid::nil()).await?;
    let stored = std::mem::replace(&mut page.description, description);
    page.meanwhile = conflict.then_some(stored);
    page.description_problem = problem;
    let status = if conflict { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, Page(page)).into_response())
}

#[derive(Deserialize)]
pub struct OnePermission {
    #[serde(default)]
    permission: String,
}

#[derive(Deserialize)]
pub struct OtherRole {
    #[serde(default)]
    other: String,
}

macro_rules! change_handlers {
    ($($name:ident: $fields:ident { $field:ident } as $parse:ident or $invalid:path => $change:ident;)+) => { $(
        pub async fn $name(
            State(app): State<App>,
            Me(reader): Me,
            client: Client,
            (session, frame): (Session, Frame),
            Path(name): Path<String>,
            Form($fields { $field }): Form<$fields>,
        ) -> Result<Response, Error> {
            let change = $parse::parse($field.trim()).map(RoleChange::$change);
            let view = View { app: &app, reader: &reader, by: client.user(&reader), frame };
            let Some(problem) = make(&view, &name, change.ok(), $invalid).await? else {
                return saved(&session, &name).await;
            };
            let mut page = page(view, &name, Uuid::nil()).await?;
            page.problem = Some(problem);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Page(page)).into_response())
        }
    )+ };
}

change_handlers! {
    deny: OnePermission { permission } as PermissionName or text::form::PERMISSION_INVALID => Deny;
    include: OtherRole { other } as RoleName or text::form::ROLE_UNKNOWN => Include;
    exclude: OtherRole { other } as RoleName or text::form::ROLE_UNKNOWN => Exclude;
    add_grantor: OtherRole { other } as RoleName or text::form::ROLE_UNKNOWN => AddGrantor;
    remove_grantor: OtherRole { other } as RoleName or text::form::ROLE_UNKNOWN => RemoveGrantor;
}

/// Gives the role a permission, which is typed: what is wrong with it stands beside it.
pub async fn allow(
    State(app): State<App>,
    Me(reader): Me,
    client: Client,
    (session, frame): (Session, Frame),
    Path(name): Path<String>,
    Form(OnePermission { permission }): Form<OnePermission>,
) -> Result<Response, Error> {
    let change = PermissionName::parse(permission.trim()).map(RoleChange::Allow).ok();
    let view = View { app: &app, reader: &reader, by: client.user(&reader), frame };
    let invalid = text::form::PERMISSION_INVALID;
    let Some(problem) = make(&view, &name, change, invalid).await? else {
        return saved(&session, &name).await;
    };
    let mut page = page(view, &name, Uuid::nil()).await?;
    page.permission = permission;
    page.permission_problem = Some(problem);
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Page(page)).into_response())
}

/// Makes one change to the role; returns why not, when it is refused, and `invalid`, when the
/// form asks for none.
async fn make(
    view: &View<'_>,
    name: &str,
    change: Option<RoleChange>,
    invalid: &str,
) -> Result<Option<String>, Error> {
    let role = RoleName::parse(name).map_err(|_| Error::NotFound)?;
    let Some(change) = change else { return Ok(Some(invalid.to_owned())) };
    match roles::change(view.app, &view.by, &role, &[change]).await {
        Ok(()) => Ok(None),
        Err(auth::Error::Refused(Refusal::NoRole(gone))) if gone == name => Err(Error::NotFound),
        Err(auth::Error::Refused(refusal)) => Ok(Some(refusal.to_string())),
        Err(error) => Err(error.into()),
    }
}

async fn saved(session: &Session, name: &str) -> Result<Response, Error> {
    let path = format!("/admin/roles/{name}");
    Ok(frame::done(session, text::notice::SAVED, &path).await?.into_response())
}

/// Who has the role, since when, by whom, why and until when.
pub async fn holders_csv(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, Error> {
    let all = rows::list(&app.db, app.now()).await?;
    if !all.iter().any(|role| role.name == name) {
        return Err(Error::NotFound);
    }
    let mut file = csv::File::new(&["user", "role", "since", "by", "reason", "until"]);
    let mut after = Uuid::nil();
    loop {
        let holders = grants::list_holders(&app.db, &name, after, BATCH, app.now()).await?;
        let Some(last) = holders.last() else { break };
        after = last.user_id.0;
        for grant in &holders {
            let by = people::granter(grant);
            let since = csv::time(Some(grant.granted_at));
            let until = csv::time(grant.ends_at);
            file.row(&[&grant.username, &grant.role_name, &since, &by, &grant.reason, &until]);
        }
    }
    Ok(file.into_response(&format!("{name}-holders.csv")))
}
