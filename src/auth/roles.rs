//! Making and changing roles: what they permit and which others they include.

use serde_json::json;

use super::{
    By, Refusal, Result,
    access::Permission,
    authority::{Change, require},
    grants,
    graph::Graph,
    lifetime::{Limit, bury},
    name::{PermissionName, RoleName, is_built_in},
};
use crate::{
    app::App,
    db::{
        Tx,
        audit::{Action, Entry, Target},
        lifetimes::Limits,
        permissions, roles, turns,
    },
};

/// Most characters of what a role or permission is for.
pub const DESCRIPTION_CHARS: usize = 500;

/// One change to roles. Each is made by `change_in` and by nothing else, so that the pages,
/// the commands and the seed file make the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleChange {
    /// Make a role. Holders of `user-manager` may grant it, unless that is changed.
    Create {
        description: String,
    },
    Describe {
        description: String,
    },
    /// Delete the role; whoever had it through a grant or an include has it no more.
    Delete,
    /// Let the role's holders do something; a permission is declared when first named.
    Allow(PermissionName),
    Deny(PermissionName),
    /// Give the role all that another has.
    Include(RoleName),
    Exclude(RoleName),
    /// End the sessions of whoever has the role so early; what is `None` stays as it is. This
    /// alone is changed of built-in roles too.
    Limit {
        idle: Option<Limit>,
        absolute: Option<Limit>,
    },
    /// Let the holders of another role grant this one.
    AddGrantor(RoleName),
    RemoveGrantor(RoleName),
}

/// Makes the changes to the role in one transaction.
///
/// # Errors
/// The refusal of the first one that the rules do not allow; then none is made.
pub async fn change(app: &App, by: &By, role: &RoleName, changes: &[RoleChange]) -> Result<()> {
    let mut tx = app.db.begin().await?;
    for change in changes {
        change_in(app, &mut tx, by, role, change).await?;
    }
    Ok(tx.commit().await?)
}

/// Makes the change, if the role is still as the editor saw it.
///
/// # Errors
/// [`Refusal::Changed`] when somebody else was faster.
pub async fn change_seen(
    app: &App,
    by: &By,
    role: &RoleName,
    change: &RoleChange,
    version: i64,
) -> Result<()> {
    let mut tx = app.db.begin().await?;
    if !roles::hold_version(&mut tx, role.as_str(), version).await? {
        return Err(Refusal::Changed.into());
    }
    change_in(app, &mut tx, by, role, change).await?;
    Ok(tx.commit().await?)
}

/// Makes one change; nothing when it is so already.
pub(super) async fn change_in(
    app: &App,
    tx: &mut Tx,
    by: &By,
    role: &RoleName,
    change: &RoleChange,
) -> Result<()> {
    change_with(app, tx, by, role, change, Cycles::Refuse).await
}

/// How it is made sure that no role includes itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cycles {
    /// Each include is compared with all there are.
    Refuse,
    /// The caller has the turn of includes, and has looked at all its changes at once.
    RuledOut,
}

pub(super) async fn change_with(
    app: &App,
    tx: &mut Tx,
    by: &By,
    role: &RoleName,
    change: &RoleChange,
    cycles: Cycles,
) -> Result<()> {
    let name = role.as_str();
    if let RoleChange::Create { .. } = change {
        if role.is_built_in() || roles::exists(tx, name).await? {
            return Err(Refusal::RoleExists(name.to_owned()).into());
        }
        if name.starts_with("rolecall.") {
            return Err(Refusal::Reserved.into());
        }
    } else if let RoleChange::Limit { .. } = change {
        existing(tx, role).await?;
    } else {
        editable(tx, role).await?;
    }
    require(app, tx, by, needed(role, change)).await?;
    let (is_new, action, detail) = match change {
        RoleChange::Create { description } => {
            let description = described(description)?;
            roles::create(tx, name, description, app.now()).await?;
            roles::add_grantor(tx, name, DEFAULT_GRANTOR).await?;
            let detail = json!({ "description": description, "grantors": [DEFAULT_GRANTOR] });
            (true, Action::RoleCreate, detail)
        }
        RoleChange::Describe { description } => {
            let description = described(description)?;
            let before = roles::find(tx, name).await?.unwrap_or_default();
            let is_new = before != description;
            if is_new {
                roles::set_description(tx, name, description).await?;
            }
            let detail = json!({ "before": before, "after": description });
            (is_new, Action::RoleDescribe, detail)
        }
        RoleChange::Limit { idle, absolute } => {
            let (before, after) = set_limits(app, tx, name, (*idle, *absolute)).await?;
            let detail = json!({ "before": limits(before), "after": limits(after) });
            (after != before, Action::RoleLimit, detail)
        }
        RoleChange::Delete => {
            bury(tx, app.now()).await?;
            let holders = grants::record_losses(app, tx, by, name).await?;
            let graph = Graph::load_in(tx).await?;
            let before = roles::find(tx, name).await?.unwrap_or_default();
            let detail = json!({
                "before": before,
                "permissions": graph.permissions(name),
                "includes": graph.includes(name),
                "included_in": graph.included_in(name),
                "holders": holders,
            });
            (roles::delete(tx, name).await?, Action::RoleDelete, detail)
        }
        RoleChange::Allow(permission) => {
            declare(tx, permission).await?;
            let is_new = roles::allow(tx, name, permission.as_str()).await?;
            (is_new, Action::RoleAllow, json!({ "permission": permission.as_str() }))
        }
        RoleChange::Deny(permission) => {
            let is_new = roles::deny(tx, name, permission.as_str()).await?;
            (is_new, Action::RoleDeny, json!({ "permission": permission.as_str() }))
        }
        RoleChange::Include(other) => {
            includable(tx, other).await?;
            if cycles == Cycles::Refuse {
                acyclic(tx, role, other).await?;
            }
            let is_new = roles::include(tx, name, other.as_str()).await?;
            (is_new, Action::RoleInclude, json!({ "includes": other.as_str() }))
        }
        RoleChange::Exclude(other) => {
            bury(tx, app.now()).await?;
            let is_new = roles::exclude(tx, name, other.as_str()).await?;
            (is_new, Action::RoleExclude, json!({ "includes": other.as_str() }))
        }
        RoleChange::AddGrantor(other) => {
            existing(tx, other).await?;
            let is_new = roles::add_grantor(tx, name, other.as_str()).await?;
            (is_new, Action::RoleGrantorAdd, json!({ "grantor": other.as_str() }))
        }
        RoleChange::RemoveGrantor(other) => {
            let is_new = roles::delete_grantor(tx, name, other.as_str()).await?;
            (is_new, Action::RoleGrantorRemove, json!({ "grantor": other.as_str() }))
        }
    };
    if is_new {
        let entry = Entry::new(action, Target::Role(name.to_owned())).detail(detail);
        app.pen.record(tx, by, entry).await?;
    }
    Ok(())
}

/// Returns what they were and what they are.
async fn set_limits(
    app: &App,
    tx: &mut Tx,
    name: &str,
    (idle, absolute): (Option<Limit>, Option<Limit>),
) -> Result<(Limits, Limits)> {
    // Of two at once, one for each, both stay.
    roles::hold(tx, name).await?;
    let before = roles::find_limits(tx, name).await?.unwrap_or_default();
    let after = Limits {
        idle: idle.map_or(before.idle, |limit| limit.0),
        absolute: absolute.map_or(before.absolute, |limit| limit.0),
    };
    if after != before {
        bury(tx, app.now()).await?;
        roles::set_limits(tx, name, after).await?;
    }
    Ok((before, after))
}

/// As the record has them.
fn limits(limits: Limits) -> serde_json::Value {
    let told = |limit: Option<_>| limit.map(|limit| Limit(Some(limit)).to_string());
    json!({ "idle_timeout": told(limits.idle), "absolute_timeout": told(limits.absolute) })
}

/// Who may grant a new role, besides those who hold all that it permits.
pub const DEFAULT_GRANTOR: &str = "user-manager";

fn needed<'a>(role: &'a RoleName, change: &'a RoleChange) -> Change<'a> {
    match change {
        RoleChange::Create { .. } | RoleChange::Describe { .. } => Change::DescribeRole,
        RoleChange::Allow(permission) => {
            Change::Allow { role: role.as_str(), permission: permission.as_str() }
        }
        RoleChange::Deny(permission) => Change::PermissionOf { permission: permission.as_str() },
        RoleChange::Include(other) => {
            Change::Include { role: role.as_str(), other: other.as_str() }
        }
        RoleChange::Exclude(other) => Change::IncludeOf { other: other.as_str() },
        RoleChange::AddGrantor(_) | RoleChange::RemoveGrantor(_) => {
            Change::GrantorOf { role: role.as_str() }
        }
        RoleChange::Limit { .. } => Change::LimitRole { role: role.as_str() },
        RoleChange::Delete => Change::DeleteRole { role: role.as_str() },
    }
}

/// What a role or permission is for, in the form in which it is kept.
pub(super) fn described(description: &str) -> Result<&str> {
    let description = description.trim();
    if description.chars().count() > DESCRIPTION_CHARS || description.chars().any(char::is_control)
    {
        return Err(Refusal::Description.into());
    }
    Ok(description)
}

async fn declare(tx: &mut Tx, permission: &PermissionName) -> Result<()> {
    let is_ours = Permission::ALL.iter().any(|own| own.name() == permission.as_str());
    if permission.is_reserved() && !is_ours {
        return Err(Refusal::NoPermission(permission.as_str().to_owned()).into());
    }
    permissions::create(tx, permission.as_str(), "").await?;
    Ok(())
}

async fn includable(tx: &mut Tx, other: &RoleName) -> Result<()> {
    if other.is_built_in() {
        return Err(Refusal::BuiltInIncluded(other.as_str().to_owned()).into());
    }
    existing(tx, other).await
}

async fn acyclic(tx: &mut Tx, role: &RoleName, other: &RoleName) -> Result<()> {
    // Two halves of a cycle that come at once see each other.
    turns::take(tx, turns::INCLUDES).await?;
    let graph = Graph::load_in(tx).await?;
    if let Some(path) = graph.path(other.as_str(), |name| name == role.as_str()) {
        return Err(Refusal::Cycle(role.as_str().to_owned(), path.join(" -> ")).into());
    }
    Ok(())
}

async fn existing(tx: &mut Tx, role: &RoleName) -> Result<()> {
    if roles::exists(tx, role.as_str()).await? {
        return Ok(());
    }
    Err(Refusal::NoRole(role.as_str().to_owned()).into())
}

async fn editable(tx: &mut Tx, role: &RoleName) -> Result<()> {
    if is_built_in(role.as_str()) {
        return Err(Refusal::BuiltIn(role.as_str().to_owned()).into());
    }
    existing(tx, role).await
}
