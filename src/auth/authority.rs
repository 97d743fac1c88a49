//! Who may change whom and what. One function decides, [`Authority::may`]; every operation of
//! a person asks it inside its own transaction, and pages ask it for which buttons to show.

use std::collections::BTreeSet;

use super::{
    Actor, By, Refusal, Result, access::Permission, explain::effective, graph::Graph, name::ADMIN,
};
use crate::{
    app::App,
    db::{Tx, UserId, grants, permissions, roles, users},
};

/// Something that a person wants to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// Make a user.
    CreateUser,
    /// Set somebody's e-mail.
    Email,
    /// Edit, rename, disable, enable, link or remove this user, who has these roles by grants.
    User {
        id: UserId,
        roles: &'a [String],
    },
    /// End sessions of this user.
    Sessions {
        id: UserId,
        roles: &'a [String],
    },
    /// Grant the role to this user, or change the grant.
    Grant {
        to: UserId,
        role: &'a str,
    },
    Revoke {
        role: &'a str,
    },
    /// Make a role, or say what it is for.
    DescribeRole,
    /// Give the role a permission.
    Allow {
        role: &'a str,
        permission: &'a str,
    },
    /// Take the permission from a role, or declare it.
    PermissionOf {
        permission: &'a str,
    },
    /// Make the role include another.
    Include {
        role: &'a str,
        other: &'a str,
    },
    /// End that a role includes this one.
    IncludeOf {
        other: &'a str,
    },
    /// Let holders of another role grant this one, or end that.
    GrantorOf {
        role: &'a str,
    },
    DeleteRole {
        role: &'a str,
    },
    /// Say how long sessions of the role's holders live.
    LimitRole {
        role: &'a str,
    },
}

/// What somebody may change.
#[derive(Debug)]
pub struct Authority {
    holder: Holder,
    graph: Graph,
    /// All permissions there are.
    all: BTreeSet<String>,
    grantors: Vec<roles::Pair>,
    /// Roles that are granted to somebody.
    held: BTreeSet<String>,
}

#[derive(Debug)]
enum Holder {
    /// The operator, the application, rolecall itself, and whoever has the role `admin`.
    Everything,
    Person(Person),
    Nobody,
}

/// What somebody has at this moment.
#[derive(Debug)]
struct Person {
    id: UserId,
    roles: BTreeSet<String>,
    permissions: BTreeSet<String>,
}

impl Person {
    fn has(&self, permission: Permission) -> bool {
        self.permissions.contains(permission.name())
    }

    fn covers(&self, permissions: &BTreeSet<&str>) -> bool {
        permissions.iter().all(|name| self.permissions.contains(*name))
    }
}

impl Authority {
    /// What `by` may change, as the transaction sees it.
    pub async fn of(app: &App, tx: &mut Tx, by: &By) -> Result<Self> {
        let graph = Graph::load_in(tx).await?;
        let all: BTreeSet<String> = permissions::list_in(tx).await?.into_iter().collect();
        let holder = match &by.actor {
            Actor::Cli(_) | Actor::Application | Actor::System => Holder::Everything,
            Actor::Visitor => Holder::Nobody,
            Actor::User { id, .. } => {
                let user = users::find_in(tx, *id).await?;
                let is_active = user.is_some_and(|user| user.status == users::Status::Active);
                let grants = grants::list_of_user_in(tx, *id).await?;
                let (roles, permissions) = effective(&graph, &all, &grants, app.now());
                match is_active {
                    true if roles.contains(ADMIN) => Holder::Everything,
                    true => Holder::Person(Person { id: *id, roles, permissions }),
                    false => Holder::Nobody,
                }
            }
        };
        let grantors = roles::list_grantors_in(tx).await?;
        let held = roles::list_held_in(tx).await?.into_iter().collect();
        Ok(Self { holder, graph, all, grantors, held })
    }

    /// The decision.
    pub fn may(&self, change: Change<'_>) -> bool {
        let own = match &self.holder {
            Holder::Everything => return true,
            Holder::Nobody => return false,
            Holder::Person(own) => own,
        };
        match change {
            Change::CreateUser => own.has(Permission::UsersWrite),
            // It is a name to log in by, and nobody has verified whose it is.
            Change::Email => false,
            Change::User { id, roles } => {
                own.has(Permission::UsersWrite) && (id == own.id || self.may_grant_all(roles))
            }
            Change::Sessions { id, roles } => {
                own.has(Permission::SessionsWrite) && (id == own.id || self.may_grant_all(roles))
            }
            // To oneself nobody grants, so that no grant outlives what its giver was given.
            Change::Grant { to, role } => to != own.id && self.may_pass(own, role),
            Change::Revoke { role } => self.may_pass(own, role),
            Change::DescribeRole => own.has(Permission::RolesWrite),
            Change::Allow { role, permission } => {
                self.may_fill(own, role) && self.may(Change::PermissionOf { permission })
            }
            Change::Include { role, other } => {
                self.may_fill(own, role) && self.may(Change::IncludeOf { other })
            }
            Change::PermissionOf { permission } => {
                own.has(Permission::RolesWrite) && own.permissions.contains(permission)
            }
            // What deletes a role takes it from whoever has it; what limits it ends their sessions.
            Change::IncludeOf { other: role }
            | Change::GrantorOf { role }
            | Change::DeleteRole { role }
            | Change::LimitRole { role } => {
                own.has(Permission::RolesWrite) && self.may_hand_over(own, role)
            }
        }
    }

    /// Whether all that comes with a role may come to others, and to oneself: it is within what
    /// one has, and so is every role whose grantor it would make them.
    fn may_hand_over(&self, own: &Person, role: &str) -> bool {
        let closure = self.graph.closure([role]);
        let mut grantable =
            self.grantors.iter().filter(|pair| closure.contains(pair.other.as_str()));
        let is_in_reach = |role: &str| self.is_within(own, role) || self.names_own(own, role);
        own.roles.contains(role)
            || (self.is_within(own, role) && grantable.all(|pair| is_in_reach(&pair.role)))
    }

    /// Whether a role may be given something. One that carries nothing is asked for by its name:
    /// as soon as it carried what one has, one could hand it on.
    fn may_fill(&self, own: &Person, role: &str) -> bool {
        let above = self.graph.ancestors(role);
        let is_held = self.held.contains(role) || above.iter().any(|role| self.held.contains(role));
        own.roles.contains(role) || !self.carried(role).is_empty() || !is_held
    }

    /// Whether a role may be handed on by a grant.
    fn may_pass(&self, own: &Person, role: &str) -> bool {
        (own.has(Permission::UsersWrite) && self.is_within(own, role))
            || (own.has(Permission::UsersRead) && self.names_own(own, role))
    }

    /// Whether the role is held, or everything in it is. One that carries nothing is still a
    /// role, which applications ask for by its name.
    fn is_within(&self, own: &Person, role: &str) -> bool {
        let carried = self.carried(role);
        own.roles.contains(role) || (!carried.is_empty() && own.covers(&carried))
    }

    /// Whether the role names one that is held as its grantor, and carries nothing of rolecall's
    /// own that is not held.
    fn names_own(&self, own: &Person, role: &str) -> bool {
        let carried = self.carried(role);
        let ours = carried.into_iter().filter(|name| name.starts_with("rolecall."));
        let mut grantors = self.grantors.iter().filter(|pair| pair.role == role);
        role != ADMIN
            && grantors.any(|pair| own.roles.contains(&pair.other))
            && own.covers(&ours.collect())
    }

    fn may_grant_all(&self, roles: &[String]) -> bool {
        roles.iter().all(|role| self.may(Change::Revoke { role }))
    }

    /// All that the role permits, by itself and through what it includes.
    fn carried<'a>(&'a self, role: &'a str) -> BTreeSet<&'a str> {
        if role == ADMIN {
            return self.all.iter().map(String::as_str).collect();
        }
        let roles = self.graph.closure([role]);
        roles.iter().flat_map(|role| self.graph.permissions(role)).map(String::as_str).collect()
    }
}

/// Refuses the change unless `by` may make it.
///
/// # Errors
/// [`Refusal::NotYours`].
pub async fn require(app: &App, tx: &mut Tx, by: &By, change: Change<'_>) -> Result<()> {
    if matches!(by.actor, Actor::Cli(_) | Actor::Application | Actor::System) {
        return Ok(());
    }
    if Authority::of(app, tx, by).await?.may(change) {
        Ok(())
    } else {
        tracing::warn!(?change, "refused: the person may not change this");
        Err(Refusal::NotYours.into())
    }
}

/// Names of the roles that the user has by grants that hold.
pub async fn granted_roles(app: &App, tx: &mut Tx, id: UserId) -> Result<Vec<String>> {
    let grants = grants::list_of_user_in(tx, id).await?;
    let holding = grants.into_iter().filter(|grant| grant.holds_at(app.now()));
    Ok(holding.map(|grant| grant.role_name).collect())
}

/// The same as [`require`] for a change to a user, whose roles decide.
pub async fn require_user(app: &App, tx: &mut Tx, by: &By, id: UserId) -> Result<()> {
    let roles = granted_roles(app, tx, id).await?;
    require(app, tx, by, Change::User { id, roles: &roles }).await
}
