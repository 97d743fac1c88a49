//! Why somebody may or may not: the same answer as the guards give, with the way to it.

use std::collections::BTreeSet;

use super::{Refusal, Result, access::Demand, graph::Graph, name::ADMIN};
use crate::{
    app::App,
    db::{
        Db,
        grants::{self, Grant},
        permissions, roles,
        users::{Status, User},
    },
};

/// The answer to "may this user …?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explanation {
    /// Yes: by this grant, through these roles (the granted one first).
    Yes { grant: Grant, through: Vec<String> },
    /// No grant leads to it.
    No,
    /// The account is disabled, whatever is granted.
    Disabled,
    /// A grant that would have led to it has ended.
    Ended(Grant),
}

/// Explains whether `user` has the role or permission `what` (a permission has a colon).
///
/// # Errors
/// [`Refusal::NoRole`] or [`Refusal::NoPermission`] when there is none of that name.
pub async fn explain(app: &App, user: &User, what: &str) -> Result<Explanation> {
    let all: BTreeSet<String> = permissions::list(&app.db).await?.into_iter().collect();
    let graph = Graph::load(&app.db).await?;
    let demand = if what.contains(':') {
        if !all.contains(what) {
            return Err(Refusal::NoPermission(what.to_owned()).into());
        }
        Demand::Permission(what.to_owned().into())
    } else {
        if !roles::list(&app.db).await?.iter().any(|role| role.name == what) {
            return Err(Refusal::NoRole(what.to_owned()).into());
        }
        Demand::Role(what.to_owned().into())
    };
    let grants = grants::list_of_user(&app.db, user.id).await?;
    Ok(answer(&graph, &all, user, grants, &demand, app.now()))
}

fn answer(
    graph: &Graph,
    all: &BTreeSet<String>,
    user: &User,
    grants: Vec<Grant>,
    demand: &Demand,
    now: time::OffsetDateTime,
) -> Explanation {
    if user.status != Status::Active {
        return Explanation::Disabled;
    }
    let (holding, ended): (Vec<_>, Vec<_>) =
        grants.into_iter().partition(|grant| grant.holds_at(now));
    let leads = |grant: &Grant| graph.path(&grant.role_name, |role| graph.meets(role, demand, all));
    for grant in holding {
        if let Some(through) = leads(&grant) {
            return Explanation::Yes { grant, through };
        }
    }
    match ended.into_iter().find(|grant| leads(grant).is_some()) {
        Some(grant) => Explanation::Ended(grant),
        None => Explanation::No,
    }
}

/// The roles and permissions that these grants amount to now.
pub fn effective(
    graph: &Graph,
    all: &BTreeSet<String>,
    grants: &[Grant],
    now: time::OffsetDateTime,
) -> (BTreeSet<String>, BTreeSet<String>) {
    let holding = grants.iter().filter(|grant| grant.holds_at(now));
    let roles = graph.closure(holding.map(|grant| grant.role_name.as_str()));
    let roles: BTreeSet<String> = roles.into_iter().map(str::to_owned).collect();
    let permissions = if roles.contains(ADMIN) {
        all.clone()
    } else {
        roles.iter().flat_map(|role| graph.permissions(role).iter().cloned()).collect()
    };
    (roles, permissions)
}

/// Roles and permissions that the demand names and that do not exist.
pub async fn unknown<'a>(db: &Db, demand: &'a Demand) -> Result<BTreeSet<&'a str>> {
    let (mut asked, mut asked_permissions) = (BTreeSet::new(), BTreeSet::new());
    demand.names(&mut asked, &mut asked_permissions);
    for role in roles::list(db).await? {
        asked.remove(role.name.as_str());
    }
    for permission in permissions::list(db).await? {
        asked_permissions.remove(permission.as_str());
    }
    asked.append(&mut asked_permissions);
    Ok(asked)
}
