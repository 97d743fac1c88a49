//! Who may pass: one function decides, for pages, for forward-auth and for `explain`.

use std::{collections::BTreeSet, sync::Arc};

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::lifetime::Life;
use crate::db::{UserId, sessions};

/// rolecall's own permissions. Those of applications are rows in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    UsersRead,
    UsersWrite,
    RolesRead,
    RolesWrite,
    SessionsRead,
    SessionsWrite,
    AuditRead,
    SettingsRead,
}

impl Permission {
    pub const ALL: [Self; 8] = [
        Self::UsersRead,
        Self::UsersWrite,
        Self::RolesRead,
        Self::RolesWrite,
        Self::SessionsRead,
        Self::SessionsWrite,
        Self::AuditRead,
        Self::SettingsRead,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::UsersRead => "rolecall.users:read",
            Self::UsersWrite => "rolecall.users:write",
            Self::RolesRead => "rolecall.roles:read",
            Self::RolesWrite => "rolecall.roles:write",
            Self::SessionsRead => "rolecall.sessions:read",
            Self::SessionsWrite => "rolecall.sessions:write",
            Self::AuditRead => "rolecall.audit:read",
            Self::SettingsRead => "rolecall.settings:read",
        }
    }
}

/// What a route demands of whoever asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    Public,
    SignedIn,
    Permission(Permission),
    /// The permission, and the password entered lately in this session.
    Proven(Permission),
    Both([Permission; 2]),
    /// What the query of the request says; its handler reads it and asks [`decide`].
    Query,
    Demand(Demand),
}

impl From<Permission> for Access {
    fn from(permission: Permission) -> Self {
        Self::Permission(permission)
    }
}

impl From<[Permission; 2]> for Access {
    fn from(both: [Permission; 2]) -> Self {
        Self::Both(both)
    }
}

impl std::fmt::Display for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Public => "public",
            Self::SignedIn => "signed in",
            Self::Permission(permission) | Self::Proven(permission) => permission.name(),
            Self::Both([one, other]) => {
                return f.pad(&format!("{} and {}", one.name(), other.name()));
            }
            Self::Query | Self::Demand(_) => "what the address asks",
        })
    }
}

/// Roles and permissions that must all be met, each by any one of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demand {
    pub roles: Vec<Vec<String>>,
    pub permissions: Vec<Vec<String>>,
}

/// Names of roles or of permissions, which many users have alike.
pub type Names = Arc<BTreeSet<String>>;

/// The user of this request: who they are and what they hold at this second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentUser {
    pub id: UserId,
    pub username: String,
    pub email: Option<String>,
    pub display_name: String,
    /// Effective roles: granted ones and what these include.
    pub roles: Names,
    pub permissions: Names,
    pub session: CurrentSession,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrentSession {
    pub id: Uuid,
    pub remember: bool,
    pub last_seen_at: OffsetDateTime,
    /// As the settings had it, and as the roles have it now.
    pub absolute_expires_at: OffsetDateTime,
    pub ends_at: OffsetDateTime,
    /// The shortest limit without use that a role sets.
    pub role_idle: Option<Duration>,
    /// The password was entered in it lately enough for changes to people and roles.
    pub is_proven: bool,
}

impl CurrentUser {
    pub fn may(&self, permission: Permission) -> bool {
        decide(Some(self), &Access::Permission(permission)) == Decision::Allow
    }
}

impl CurrentUser {
    /// `names` reads what the database has joined.
    pub(super) fn of(
        row: sessions::Current,
        life: &Life,
        is_proven: bool,
        names: impl Fn(Option<&str>) -> Names,
    ) -> Self {
        Self {
            id: row.user_id,
            username: row.username,
            email: row.email,
            display_name: row.display_name,
            roles: names(row.roles.as_deref()),
            permissions: names(row.permissions.as_deref()),
            session: CurrentSession {
                id: row.session_id,
                remember: row.remember,
                last_seen_at: row.last_seen_at,
                absolute_expires_at: row.absolute_expires_at,
                ends_at: life.ends_at,
                role_idle: life.idle,
                is_proven,
            },
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Allow,
    /// Nobody is signed in: ask who it is.
    SignIn,
    /// It would be allowed, had the password been entered lately: ask for it.
    Prove,
    Forbid,
}

/// Decides whether `user` may have what `access` stands before.
pub fn decide(user: Option<&CurrentUser>, access: &Access) -> Decision {
    let user = match (user, access) {
        (_, Access::Public) => return Decision::Allow,
        (None, _) => return Decision::SignIn,
        (Some(user), _) => user,
    };
    let is_met = match access {
        Access::Public | Access::SignedIn => true,
        Access::Permission(permission) | Access::Proven(permission) => {
            user.permissions.contains(permission.name())
        }
        Access::Both(both) => both.iter().all(|one| user.permissions.contains(one.name())),
        Access::Query => false,
        Access::Demand(demand) => holds(&user.roles, &user.permissions, demand),
    };
    match (is_met, access) {
        (false, _) => Decision::Forbid,
        (true, Access::Proven(_)) if !user.session.is_proven => Decision::Prove,
        (true, _) => Decision::Allow,
    }
}

/// Whether these roles and permissions meet the demand. An empty group is met by nobody.
pub(super) fn holds(
    roles: &BTreeSet<String>,
    permissions: &BTreeSet<String>,
    demand: &Demand,
) -> bool {
    let all = |held: &BTreeSet<String>, groups: &[Vec<String>]| {
        groups.iter().all(|group| group.iter().any(|name| held.contains(name)))
    };
    all(roles, &demand.roles) && all(permissions, &demand.permissions)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn user(roles: &[&str], permissions: &[&str]) -> CurrentUser {
        let set = |names: &[&str]| Arc::new(names.iter().map(|name| (*name).to_owned()).collect());
        CurrentUser {
            id: UserId(Uuid::nil()),
            username: "kim".into(),
            email: None,
            display_name: String::new(),
            roles: set(roles),
            permissions: set(permissions),
            session: CurrentSession {
                id: Uuid::nil(),
                remember: false,
                last_seen_at: OffsetDateTime::UNIX_EPOCH,
                absolute_expires_at: OffsetDateTime::UNIX_EPOCH,
                ends_at: OffsetDateTime::UNIX_EPOCH,
                role_idle: None,
                is_proven: false,
            },
        }
    }

    fn demand(roles: &[&[&str]], permissions: &[&[&str]]) -> Access {
        let groups = |groups: &[&[&str]]| {
            groups.iter().map(|group| group.iter().map(|name| (*name).into()).collect()).collect()
        };
        Access::Demand(Demand { roles: groups(roles), permissions: groups(permissions) })
    }

    #[test]
    fn commas_mean_any_of_and_repetition_all_of() {
        let kim = user(&["editor", "viewer"], &["reports:write"]);
        for (asked, expected) in [
            (demand(&[], &[]), Decision::Allow),
            (demand(&[&["editor", "owner"]], &[]), Decision::Allow),
            (demand(&[&["owner"]], &[]), Decision::Forbid),
            (demand(&[&["editor"], &["viewer"]], &[]), Decision::Allow),
            (demand(&[&["editor"], &["owner"]], &[]), Decision::Forbid),
            (demand(&[&["editor"]], &[&["reports:write"]]), Decision::Allow),
            (demand(&[&["editor"]], &[&["reports:read"]]), Decision::Forbid),
            (demand(&[&[]], &[]), Decision::Forbid),
        ] {
            assert_eq!(decide(Some(&kim), &asked), expected, "{asked:?}");
            assert_eq!(decide(None, &asked), Decision::SignIn, "{asked:?}");
        }
    }

    #[test]
    fn a_proof_is_asked_for_only_from_those_who_have_the_permission() {
        let access = Access::Proven(Permission::UsersWrite);
        let mut kim = user(&[], &[Permission::UsersWrite.name()]);
        assert_eq!(decide(None, &access), Decision::SignIn);
        assert_eq!(decide(Some(&user(&[], &[])), &access), Decision::Forbid);
        assert_eq!(decide(Some(&kim), &access), Decision::Prove);
        kim.session.is_proven = true;
        assert_eq!(decide(Some(&kim), &access), Decision::Allow);
        assert_eq!(decide(Some(&kim), &Access::Proven(Permission::RolesWrite)), Decision::Forbid);
    }

    #[test]
    fn what_only_a_handler_can_decide_is_refused_before_it_has() {
        assert_eq!(decide(Some(&user(&["admin"], &[])), &Access::Query), Decision::Forbid);
    }
}
