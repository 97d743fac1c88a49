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

/// One change to a permission.
pub(super) enum PermissionChange<'a> {
    Declare {
        description: &'a str,
    },
    /// Say what it is for.
    Describe {
        description: &'a str,
    },
    /// Roles that had it have it no more.
    Remove,
}

/// Makes one change; nothing when it is so already.
pub(super) async fn change_in(
    app: &App,
    tx: &mut Tx,
    by: &By,
    permission: &PermissionName,
    change: PermissionChange<'_>,
) -> Result<()> {
    if permission.is_reserved() {
        return Err(Refusal::Reserved.into());
    }
    let name = permission.as_str();
    require(app, tx, by, Change::PermissionOf { permission: name }).await?;
    let (is_new, action, detail) = match change {
        PermissionChange::Declare { description } => {
            let description = described(description)?;
            let is_new = permissions::create(tx, name, description).await?;
            (is_new, Action::PermissionCreate, json!({ "description": description }))
        }
        PermissionChange::Describe { description } => {
            let description = described(description)?;
            let is_new = permissions::set_description(tx, name, description).await?;
            (is_new, Action::PermissionDescribe, json!({ "after": description }))
        }
        PermissionChange::Remove => {
            (permissions::delete(tx, name).await?, Action::PermissionDelete, json!({}))
        }
    };
    if is_new {
        let entry = Entry::new(action, Target::Permission(name.to_owned())).detail(detail);
        app.pen.record(tx, by, entry).await?;
    }
    Ok(())
}
