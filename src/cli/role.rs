//! `role`: make and change roles.

use clap::Args;
use serde_json::json;
use time::Duration;

use super::{
    Outcome, Place, operator,
    output::{self, List},
};
use crate::{
    app::App,
    auth::{
        Refusal,
        graph::Graph,
        lifetime::Limit,
        name::{ADMIN, PermissionName, RoleName, is_built_in},
        roles::{self, RoleChange},
    },
    db::{lifetimes::Limits, permissions, roles as rows},
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Make a role
    Add {
        name: String,
        /// What it is for
        #[arg(long, default_value = "", value_name = "TEXT")]
        description: String,
    },
    /// List the roles
    List {
        #[arg(long)]
        json: bool,
    },
    /// Show one role with what it permits and includes
    Show {
        name: String,
        #[arg(long)]
        json: bool,
    },
    /// Delete a role, with its grants
    Remove { name: String },
    /// Let a role do something; permissions are made when first named
    Allow {
        role: String,
        #[arg(required = true)]
        permission: Vec<String>,
    },
    /// Take permissions from a role
    Deny {
        role: String,
        #[arg(required = true)]
        permission: Vec<String>,
    },
    /// End the sessions of whoever has the role sooner than the settings do
    Limit {
        role: String,
        #[command(flatten)]
        limits: Given,
    },
    /// ROLE also has all of OTHER
    Include { role: String, other: String },
    /// ROLE no longer has all of OTHER
    Exclude { role: String, other: String },
}

#[derive(Args)]
#[group(required = true, multiple = true)]
pub struct Given {
    /// Without use: 15m, 8h; or none, to take the limit away
    #[arg(long, value_name = "SPAN")]
    idle: Option<Limit>,
    /// In all, from the login on: 8h, 30d; or none
    #[arg(long, value_name = "SPAN")]
    absolute: Option<Limit>,
}

pub async fn run(place: &Place, command: Command) -> Outcome {
    let app = place.open().await?;
    let by = operator();
    match command {
        Command::Add { name, description } => {
            let name = RoleName::parse(&name)?;
            roles::change(&app, &by, &name, &[RoleChange::Create { description }]).await?;
            output::line(&format!("role {} made", name.as_str()))
        }
        Command::List { json } => list(&app, json).await,
        Command::Show { name, json } => show(&app, &name, json).await,
        Command::Remove { name } => {
            let name = RoleName::parse(&name)?;
            roles::change(&app, &by, &name, &[RoleChange::Delete]).await?;
            output::line(&format!("role {} removed", name.as_str()))
        }
        Command::Allow { role, permission } => {
            let role = RoleName::parse(&role)?;
            roles::change(&app, &by, &role, &each(&permission, RoleChange::Allow)?).await?;
            output::line(&format!("{} permits {}", role.as_str(), permission.join(", ")))
        }
        Command::Deny { role, permission } => {
            let role = RoleName::parse(&role)?;
            roles::change(&app, &by, &role, &each(&permission, RoleChange::Deny)?).await?;
            let names = permission.join(", ");
            output::line(&format!("{} no longer permits {names} by itself", role.as_str()))
        }
        Command::Limit { role, limits: Given { idle, absolute } } => {
            let role = RoleName::parse(&role)?;
            roles::change(&app, &by, &role, &[RoleChange::Limit { idle, absolute }]).await?;
            let mut tx = app.db.begin_read().await?;
            let limits = rows::find_limits(&mut tx, role.as_str()).await?.unwrap_or_default();
            output::line(&format!("sessions with {} end {}", role.as_str(), ends(limits)))
        }
        Command::Include { role, other } => {
            let (role, other) = (RoleName::parse(&role)?, RoleName::parse(&other)?);
            roles::change(&app, &by, &role, &[RoleChange::Include(other.clone())]).await?;
            output::line(&format!("{} includes {}", role.as_str(), other.as_str()))
        }
        Command::Exclude { role, other } => {
            let (role, other) = (RoleName::parse(&role)?, RoleName::parse(&other)?);
            roles::change(&app, &by, &role, &[RoleChange::Exclude(other.clone())]).await?;
            output::line(&format!("{} no longer includes {}", role.as_str(), other.as_str()))
        }
    }
}

/// When sessions end by these limits.
pub(super) fn ends(limits: Limits) -> String {
    let told =
        |limit: Option<_>, how| limit.map(|limit| format!("after {} {how}", Limit(Some(limit))));
    match (told(limits.idle, "without use"), told(limits.absolute, "in all")) {
        (None, None) => "as the settings say".to_owned(),
        (Some(one), None) | (None, Some(one)) => one,
        (Some(idle), Some(absolute)) => format!("{idle}, {absolute}"),
    }
}

/// The same for programs.
fn limit_of(limit: Option<Duration>) -> Option<String> {
    limit.map(|limit| Limit(Some(limit)).to_string())
}

fn each(
    permissions: &[String],
    change: impl Fn(PermissionName) -> RoleChange,
) -> Result<Vec<RoleChange>, super::Failure> {
    let changes = permissions.iter().map(|name| PermissionName::parse(name).map(&change));
    Ok(changes.collect::<Result<_, _>>()?)
}

async fn list(app: &App, json: bool) -> Outcome {
    let graph = Graph::load(&app.db).await?;
    let header = ["ROLE", "HELD BY", "INCLUDES", "PERMISSIONS", "DESCRIPTION"];
    let mut list = List::new(json, header);
    let mut tx = app.db.begin_read().await?;
    for role in rows::list_counted_in(&mut tx, app.now()).await? {
        let row = [
            role.name.clone(),
            role.holders.to_string(),
            graph.includes(&role.name).join(" "),
            if role.name == ADMIN { "all".into() } else { graph.permissions(&role.name).join(" ") },
            role.description.clone(),
        ];
        list.push(row, || {
            json!({
                "name": role.name,
                "description": role.description,
                "built_in": is_built_in(&role.name),
                "holders": role.holders,
                "idle_timeout": limit_of(role.limits().idle),
                "absolute_timeout": limit_of(role.limits().absolute),
                "includes": graph.includes(&role.name),
                "permissions": graph.permissions(&role.name),
            })
        })?;
    }
    list.finish()
}

async fn show(app: &App, name: &str, json: bool) -> Outcome {
    let name = RoleName::parse(name)?;
    let name = name.as_str();
    let mut tx = app.db.begin_read().await?;
    let roles = rows::list_counted_in(&mut tx, app.now()).await?;
    drop(tx);
    let role = roles.into_iter().find(|role| role.name == name);
    let role = role.ok_or_else(|| Refusal::NoRole(name.to_owned()))?;
    let graph = Graph::load(&app.db).await?;
    let effective: Vec<String> = if name == ADMIN {
        let mut all = permissions::list(&app.db).await?;
        all.sort();
        all
    } else {
        let closure = graph.closure([name]);
        let permissions = closure.iter().flat_map(|role| graph.permissions(role).iter().cloned());
        permissions.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    };
    let grantors = rows::list_grantors(&app.db).await?;
    let grantors: Vec<_> =
        grantors.into_iter().filter(|pair| pair.role == name).map(|pair| pair.other).collect();
    if json {
        return output::json(&json!({
            "name": name,
            "description": role.description,
            "built_in": is_built_in(name),
            "holders": role.holders,
            "idle_timeout": limit_of(role.limits().idle),
            "absolute_timeout": limit_of(role.limits().absolute),
            "includes": graph.includes(name),
            "permissions": graph.permissions(name),
            "effective_permissions": effective,
            "grantors": grantors,
        }));
    }
    let or_none = |names: &[String]| match names {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    output::line(&format!(
        "role         {name}{}\ndescription  {}\nheld by      {}\nsessions     end {}\nincludes     {}\npermits      {}\nin all       {}\ngrantors     {}",
        if is_built_in(name) { " (built in)" } else { "" },
        output::clean(&role.description),
        role.holders,
        ends(role.limits()),
        or_none(graph.includes(name)),
        or_none(graph.permissions(name)),
        or_none(&effective),
        or_none(&grantors),
    ))
}
