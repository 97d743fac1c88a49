//! Declaring, describing and removing what applications ask for. A permission that a role is
//! given on the command line or a page is declared there, when it is first named.

use serde_json::json;

use super::{
    By, Refusal, Result,
    authority::{Change, require},
    name::PermissionName,
    roles::described,
};
use crate::{
    app::App,
    db::{
        Tx,
        audit::{Action, Entry, Target},
        permissions,
    },
};

/// Declares the permission; nothing when it is there already.
pub(super) async fn create_in(
    app: &App,
    tx: &mut Tx,
    by: &By,
    permission: &PermissionName,
    description: &str,
) -> Result<()> {
    let (name, description) = (editable(permission)?, described(description)?);
    require(app, tx, by, Change::PermissionOf { permission: name }).await?;
    if permissions::create(tx, name, description).await? {
        let detail = json!({ "description": description });
        record(app, tx, by, Action::PermissionCreate, name, detail).await?;
    }
    Ok(())
}

/// Says what the permission is for.
pub(super) async fn describe_in(
    app: &App,
    tx: &mut Tx,
    by: &By,
    permission: &PermissionName,
    description: &str,
) -> Result<()> {
    let (name, description) = (editable(permission)?, described(description)?);
    require(app, tx, by, Change::PermissionOf { permission: name }).await?;
    if permissions::set_description(tx, name, description).await? {
        let detail = json!({ "after": description });
        record(app, tx, by, Action::PermissionDescribe, name, detail).await?;
    }
    Ok(())
}

/// Removes the permission; roles that had it have it no more.
pub(super) async fn remove_in(
    app: &App,
    tx: &mut Tx,
    by: &By,
    permission: &PermissionName,
) -> Result<()> {
    let name = editable(permission)?;
    require(app, tx, by, Change::PermissionOf { permission: name }).await?;
    if permissions::delete(tx, name).await? {
        record(app, tx, by, Action::PermissionDelete, name, json!({})).await?;
    }
    Ok(())
}

fn editable(permission: &PermissionName) -> Result<&str> {
    if permission.is_reserved() {
        return Err(Refusal::Reserved.into());
    }
    Ok(permission.as_str())
}

async fn record(
    app: &App,
    tx: &mut Tx,
    by: &By,
    action: Action,
    name: &str,
    detail: serde_json::Value,
) -> Result<()> {
    let entry = Entry::new(action, Target::Permission(name.to_owned())).detail(detail);
    Ok(app.pen.record(tx, by, entry).await?)
}
