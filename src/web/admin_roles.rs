//! `/admin/roles`: what roles there are, what they permit and include, who holds them.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Error, Me,
    acting::Acting,
    admin_holders, admin_role_edit,
    form::{Asked, Form},
    page::Page,
    pages::{
        Cut, Frame, Room,
        admin_roles::{Addition, NewRolePage, Removable, RoleLine, RolePage, RolesPage, TreeLine},
    },
    people,
};
use crate::{
    app::App,
    auth::{
        self, Refusal,
        access::Permission,
        authority::Change,
        graph::Graph,
        name::{ADMIN, PermissionName, RoleName, is_built_in},
        roles::{self, RoleChange},
    },
    db::{grants, permissions, roles as rows},
    text,
};

const ROLES: Room = Room { lines: 25, bytes: 12_000 };
/// On the page of one.
const PERMISSIONS: Room = Room { lines: 20, bytes: 4000 };
const TREE: Room = Room { lines: 12, bytes: 2500 };
const GRANTORS: Room = Room { lines: 10, bytes: 2500 };
const HOLDERS: Room = Room { lines: 15, bytes: 5000 };
/// Permissions suggested to whoever types one.
const MOST_SUGGESTED: usize = 60;

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
    let mut all = rows::list(&app.db).await?;
    all.retain(|role| role.name > after);
    let is_longer = all.len() > ROLES.lines;
    all.truncate(ROLES.lines);
    let mut roles = Vec::with_capacity(all.len());
    for role in all {
        let most = grants::MOST_COUNTED;
        let holders = grants::count_holders(&app.db, &role.name, most, app.now()).await?;
        roles.push(RoleLine {
            built_in: is_built_in(&role.name),
            has_all: role.name == ADMIN,
            permissions: Cut::first(graph.permissions(&role.name).to_vec(), 5),
            includes: Cut::first(graph.includes(&role.name).to_vec(), 5),
            holders: people::counted(holders, most),
            name: role.name,
            description: role.description,
        });
    }
    let has_more = ROLES.cut(&mut roles) || is_longer;
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
    acting: Acting,
    frame: Frame,
    Form(NewFields { name, description }): Form<NewFields>,
) -> Result<Response, Error> {
    let mut page =
        NewRolePage { frame, name, description, name_problem: None, description_problem: None };
    match RoleName::parse(page.name.trim()) {
        Err(_) => page.name_problem = Some(text::form::ROLE_NAME_INVALID.to_owned()),
        Ok(role) => {
            let create = RoleChange::Create { description: page.description.clone() };
            match roles::change(&acting.app, &acting.by, &role, &[create]).await {
                Ok(()) => {
                    let path = path(role.as_str());
                    return Ok(acting
                        .done(text::notice::ROLE_CREATED, &path)
                        .await?
                        .into_response());
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

/// The address of a role's page.
pub fn path(name: &str) -> String {
    format!("/admin/roles/{name}")
}

/// Where the lists of the page begin: after these, as the part before ended.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Starts {
    /// Id of a holder.
    after: Uuid,
    permissions: String,
    includes: String,
    included_in: String,
    grantors: String,
}

pub async fn show(
    acting: Acting,
    frame: Frame,
    Path(name): Path<String>,
    Asked(starts): Asked<Starts>,
) -> Result<impl IntoResponse, Error> {
    Ok(Page(page(&acting, frame, &name, &starts).await?))
}

pub(super) async fn page(
    acting: &Acting,
    frame: Frame,
    name: &str,
    starts: &Starts,
) -> Result<RolePage, Error> {
    let Acting { app, user: reader, .. } = acting;
    let all = rows::list(&app.db).await?;
    let role = all.iter().find(|role| role.name == name).ok_or(Error::NotFound)?;
    let graph = Graph::load(&app.db).await?;
    let authority = acting.authority().await?;
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
        !graph.permissions(name).contains(permission)
            && may(Change::Allow { role: name, permission })
    });
    offered.truncate(MOST_SUGGESTED);
    let above = graph.ancestors(name);
    let includable = all.iter().map(|other| other.name.clone()).filter(|other| {
        !is_built_in(other)
            && other != name
            && !above.contains(other)
            && !graph.includes(name).contains(other)
            && may(Change::Include { role: name, other })
    });
    let grantors_too = may(Change::GrantorOf { role: name });
    let mut addable: Vec<String> = all.iter().map(|other| other.name.clone()).collect();
    addable.retain(|other| grantors_too && !own.contains(other));
    let can_see_holders = reader.may(Permission::UsersRead);
    let mut holders = Vec::new();
    if can_see_holders {
        holders =
            grants::list_holders(&app.db, name, starts.after, HOLDERS.lines as i64 + 1, app.now())
                .await?;
    }
    let mut holders: Vec<_> = holders.iter().map(admin_holders::line).collect();
    let has_more = HOLDERS.cut(&mut holders);
    let last = holders.last().filter(|_| has_more);
    let tree = |(depth, name): &(usize, String)| TreeLine {
        can_remove: *depth == 0 && may(Change::IncludeOf { other: name }),
        depth: *depth,
        name: name.clone(),
    };
    let upwards = |(depth, name): &(usize, String)| TreeLine {
        depth: *depth,
        name: name.clone(),
        can_remove: false,
    };
    let grantor = |name: &String| Removable { name: name.clone(), can_remove: grantors_too };
    let (own_permissions, below) = (graph.permissions(name), graph.tree(name));
    let name_of = |line: &(usize, String)| line.1.clone();
    Ok(RolePage {
        frame,
        name: name.to_owned(),
        built_in,
        description: role.description.clone(),
        description_problem: None,
        version: role.version,
        meanwhile: None,
        limits: admin_role_edit::limits(role, authority.may(Change::LimitRole { role: name })),
        can_edit: may(Change::DescribeRole),
        can_delete: may(Change::DeleteRole { role: name }),
        has_all: name == ADMIN,
        permissions: Cut::after(
            &starts.permissions,
            own_permissions,
            String::clone,
            PERMISSIONS,
            permission,
        ),
        offered_permissions: offered,
        includes: Cut::after(&starts.includes, &below, name_of, TREE, tree),
        includable: includable.collect(),
        included_in: Cut::after(
            &starts.included_in,
            &graph.tree_upwards(name),
            name_of,
            TREE,
            upwards,
        ),
        grantors: Cut::after(&starts.grantors, &own, String::clone, GRANTORS, grantor),
        addable_grantors: addable,
        permission: Addition::default(),
        include: Addition::default(),
        grantor: Addition::default(),
        problem: None,
        more: last.map(|last| format!("after={}", last.user_id)),
        holders,
        can_see_holders,
    })
}

#[derive(Deserialize)]
pub struct OnePermission {
    #[serde(default)]
    pub permission: String,
}

#[derive(Deserialize)]
pub struct OtherRole {
    #[serde(default)]
    pub other: String,
}

/// The field of the page from which a change to the role comes, if it has one.
#[derive(Clone, Copy)]
enum Field {
    Permission,
    Include,
    Grantor,
    None,
}

macro_rules! change_handlers {
    ($($name:ident: $fields:ident { $field:ident } as $parse:ident => $change:ident, $at:ident;)+) => { $(
        pub async fn $name(
            acting: Acting,
            frame: Frame,
            Path(name): Path<String>,
            Form($fields { $field }): Form<$fields>,
        ) -> Result<Response, Error> {
            let change = $parse::parse($field.trim()).map(RoleChange::$change);
            let change = change.map_err(|_| unnamed(stringify!($field), $field.trim()));
            make(acting, frame, &name, (Field::$at, $field), change).await
        }
    )+ };
}

change_handlers! {
    allow: OnePermission { permission } as PermissionName => Allow, Permission;
    deny: OnePermission { permission } as PermissionName => Deny, None;
    include: OtherRole { other } as RoleName => Include, Include;
    exclude: OtherRole { other } as RoleName => Exclude, None;
    add_grantor: OtherRole { other } as RoleName => AddGrantor, Grantor;
    remove_grantor: OtherRole { other } as RoleName => RemoveGrantor, None;
}

/// What to say of something typed that is no name.
fn unnamed(field: &str, typed: &str) -> &'static str {
    match field {
        "permission" => text::form::PERMISSION_INVALID,
        _ if typed.is_empty() => text::form::ROLE_MISSING,
        _ => text::form::ROLE_UNKNOWN,
    }
}

/// Makes one change to the role and shows its page: when it is refused with the reason, beside
/// the field where one is typed.
async fn make(
    acting: Acting,
    frame: Frame,
    name: &str,
    (field, typed): (Field, String),
    change: Result<RoleChange, &'static str>,
) -> Result<Response, Error> {
    let role = RoleName::parse(name).map_err(|_| Error::NotFound)?;
    let problem = match change {
        Err(unnamed) => unnamed.to_owned(),
        Ok(change) => match roles::change(&acting.app, &acting.by, &role, &[change]).await {
            Ok(()) => {
                let done = acting.done(text::notice::SAVED, &path(name)).await?;
                return Ok(done.into_response());
            }
            Err(auth::Error::Refused(Refusal::NoRole(gone))) if gone == name => {
                return Err(Error::NotFound);
            }
            Err(auth::Error::Refused(refusal)) => text::refusal::sentence(&refusal),
            Err(error) => return Err(error.into()),
        },
    };
    let mut page = page(&acting, frame, name, &Starts::default()).await?;
    let (is_shown, addition) = match field {
        Field::Permission => (page.can_edit, &mut page.permission),
        Field::Include => (!page.includable.is_empty(), &mut page.include),
        Field::Grantor => (!page.addable_grantors.is_empty(), &mut page.grantor),
        Field::None => (false, &mut page.permission),
    };
    if is_shown {
        *addition = Addition { typed, problem };
    } else {
        page.problem = Some(problem);
    }
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Page(page)).into_response())
}
