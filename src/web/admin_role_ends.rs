//! What takes something out of a role, or ends the role: a page that asks first and says who loses
//! what.

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
        confirm::{self, Having},
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
    let page = ask(frame, path(&name), says, confirm::TAKE_OUT);
    Ok(Page(ConfirmPage { hidden: vec![("permission", permission.to_owned())], ..page }))
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
    let comes_with = graph.closure([other]);
    let permissions = comes_with.iter().flat_map(|role| graph.permissions(role));
    let mut permissions: Vec<String> = permissions.cloned().collect();
    permissions.sort();
    permissions.dedup();
    let below = comes_with.into_iter().filter(|role| *role != other);
    let below: Vec<String> = below.map(str::to_owned).collect();
    let lines = confirm::exclude_lines(&of, other, (&below, &permissions));
    let says = (confirm::take_out_title(other, &name), lines);
    let page = ask(frame, path(&name), says, confirm::TAKE_OUT);
    Ok(Page(ConfirmPage { hidden: vec![("other", other.to_owned())], ..page }))
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
    let page = ask(frame, path(&name), says, confirm::TAKE_OUT);
    Ok(Page(ConfirmPage { hidden: vec![("other", other.to_owned())], ..page }))
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
