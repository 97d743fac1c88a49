//! What takes something out of a role, or ends the role: a page that asks first and says who loses
//! what.

use std::collections::BTreeSet;

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect},
};
use uuid::Uuid;

use super::{
    Error,
    acting::Acting,
    admin_ends::ask,
    admin_roles::{OnePermission, OtherRole, path},
    form::{Asked, Form, NoFields},
    page::Page,
    pages::{Frame, admin::ConfirmPage},
    people,
};
use crate::{
    auth::{
        access::Permission,
        authority,
        authority::Change,
        graph::Graph,
        name::{RoleName, is_built_in},
        roles::{self, RoleChange},
    },
    db::{
        grants::{self, MOST_COUNTED},
        roles as rows,
    },
    text::{
        confirm::{self, Excluded, Having},
        notice, refusal,
    },
};

/// The roles as they are, if this one may be changed so.
async fn changeable(acting: &Acting, name: &str, change: Change<'_>) -> Result<Graph, Error> {
    let app = &acting.app;
    let mut tx = app.db.begin_read().await?;
    if is_built_in(name) || !rows::exists(&mut tx, name).await? {
        return Err(Error::NotFound);
    }
    authority::require(app, &mut tx, &acting.by, change).await?;
    drop(tx);
    Ok(Graph::load(&app.db).await?)
}

/// How many have the role, directly or through others, and these others.
async fn having(
    acting: &Acting,
    graph: &Graph,
    role: &str,
) -> Result<(String, Vec<String>), Error> {
    let app = &acting.app;
    let people = grants::count_having(&app.db, role, MOST_COUNTED, app.now()).await?;
    let above = graph.ancestors(role).into_iter().collect();
    Ok((people::counted(people, MOST_COUNTED), above))
}

/// The page that asks before something is taken out of the role, named in this field of its form.
fn taking_out(
    frame: Frame,
    name: &str,
    says: (String, Vec<String>),
    (field, taken): (&'static str, &str),
) -> Page<ConfirmPage> {
    let page = ask(frame, path(name), says, confirm::TAKE_OUT);
    Page(ConfirmPage { hidden: vec![(field, taken.to_owned())], ..page })
}

pub async fn ask_deny(
    acting: Acting,
    frame: Frame,
    Path(name): Path<String>,
    Asked(OnePermission { permission }): Asked<OnePermission>,
) -> Result<impl IntoResponse, Error> {
    let permission = permission.trim();
    let graph = changeable(&acting, &name, Change::PermissionOf { permission }).await?;
    if !graph.permissions(&name).iter().any(|own| own == permission) {
        return Err(Error::NothingToEnd(refusal::not_carried(&name, permission)));
    }
    let (people, above) = having(&acting, &graph, &name).await?;
    let of = Having { role: &name, people: &people, above: &above };
    let title = confirm::take_out_title(permission, &name);
    let says = (title, confirm::deny_lines(&of, permission));
    Ok(taking_out(frame, &name, says, ("permission", permission)))
}

pub async fn ask_exclude(
    acting: Acting,
    frame: Frame,
    Path(name): Path<String>,
    Asked(OtherRole { other }): Asked<OtherRole>,
) -> Result<impl IntoResponse, Error> {
    let other = other.trim();
    let graph = changeable(&acting, &name, Change::IncludeOf { other }).await?;
    if !graph.includes(&name).iter().any(|own| own == other) {
        return Err(Error::NothingToEnd(refusal::not_included(&name, other)));
    }
    let (people, above) = having(&acting, &graph, &name).await?;
    let of = Having { role: &name, people: &people, above: &above };
    let mut lost = lost_without(&graph, &name, other);
    // Where those who have the role are too many to be counted, so are those who lose the other.
    if !people.ends_with('+') {
        let (db, now) = (&acting.app.db, acting.app.now());
        let losing = grants::count_losing(db, &name, other, MOST_COUNTED, now).await?;
        lost.people = Some(people::counted(losing, MOST_COUNTED));
    }
    let says = (confirm::take_out_title(other, &name), confirm::exclude_lines(&of, other, &lost));
    Ok(taking_out(frame, &name, says, ("other", other)))
}

/// What the role, and those that include it, have through the other one alone.
fn lost_without(graph: &Graph, name: &str, other: &str) -> Excluded {
    let after = graph.clone().without(name, other);
    let (had, has) = (graph.closure([name]), after.closure([name]));
    let mut roles: Vec<String> = had.difference(&has).map(|role| (*role).to_owned()).collect();
    let permissions = |roles: &BTreeSet<&str>| -> BTreeSet<String> {
        roles.iter().flat_map(|role| graph.permissions(role)).cloned().collect()
    };
    let (before, left) = (permissions(&had), permissions(&has));
    roles.retain(|role| role != other);
    let mut above: Vec<String> = graph.ancestors(name).into_iter().collect();
    above.retain(|role| !after.closure([role.as_str()]).contains(other));
    Excluded {
        people: None,
        above,
        roles,
        permissions: before.difference(&left).cloned().collect(),
    }
}

pub async fn ask_remove_grantor(
    acting: Acting,
    frame: Frame,
    Path(name): Path<String>,
    Asked(OtherRole { other }): Asked<OtherRole>,
) -> Result<impl IntoResponse, Error> {
    let other = other.trim();
    let graph = changeable(&acting, &name, Change::GrantorOf { role: &name }).await?;
    let pairs = rows::list_grantors(&acting.app.db).await?;
    if !pairs.iter().any(|pair| pair.role == name && pair.other == other) {
        return Err(Error::NothingToEnd(refusal::no_grantor(&name, other)));
    }
    let (people, above) = having(&acting, &graph, other).await?;
    let of = Having { role: other, people: &people, above: &above };
    let title = confirm::remove_grantor_title(other, &name);
    let says = (title, confirm::remove_grantor_lines(&of, &name));
    Ok(taking_out(frame, &name, says, ("other", other)))
}

pub async fn ask_delete(
    acting: Acting,
    frame: Frame,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, Error> {
    let graph = changeable(&acting, &name, Change::DeleteRole { role: &name }).await?;
    let (db, now) = (&acting.app.db, acting.app.now());
    let direct = grants::count_holders(db, &name, MOST_COUNTED, now).await?;
    let mut first = Vec::new();
    if acting.user.may(Permission::UsersRead) {
        first = grants::list_holders(db, &name, Uuid::nil(), 9, now).await?;
    }
    let first: Vec<String> = first.into_iter().map(|grant| grant.username).collect();
    let (people, above) = having(&acting, &graph, &name).await?;
    let lines = confirm::delete_role_lines(
        (&people::counted(direct, MOST_COUNTED), &first),
        (graph.permissions(&name), graph.includes(&name)),
        (&above, &people),
    );
    let says = (confirm::delete_role_title(&name), lines);
    Ok(Page(ask(frame, path(&name), says, confirm::DELETE_ROLE)))
}

pub async fn delete(
    acting: Acting,
    Path(name): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Result<Redirect, Error> {
    let role = RoleName::parse(&name).map_err(|_| Error::NotFound)?;
    roles::change(&acting.app, &acting.by, &role, &[RoleChange::Delete]).await?;
    acting.done(notice::ROLE_DELETED, "/admin/roles").await
}
