//! Who may pass: one function decides, for pages, for forward-auth and for `explain`.

use std::{borrow::Cow, collections::BTreeSet, fmt, sync::Arc};

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
        Self::Demand(Demand::All(both.map(|one| Demand::Permission(one.name().into())).into()))
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Public => "public",
            Self::SignedIn => "signed in",
            Self::Permission(permission) | Self::Proven(permission) => permission.name(),
            Self::Query => "what the address asks",
            Self::Demand(demand) => return f.pad(&demand.to_string()),
        })
    }
}

/// What somebody has to hold, whoever asks for it: a page, a proxy or an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Demand {
    Role(Cow<'static, str>),
    Permission(Cow<'static, str>),
    /// Everybody meets all of nothing.
    All(Vec<Self>),
    /// Nobody meets any of nothing.
    Any(Vec<Self>),
}

impl Demand {
    pub fn is_met(&self, roles: &BTreeSet<String>, permissions: &BTreeSet<String>) -> bool {
        match self {
            Self::Role(name) => roles.contains(name.as_ref()),
            Self::Permission(name) => permissions.contains(name.as_ref()),
            Self::All(parts) => parts.iter().all(|part| part.is_met(roles, permissions)),
            Self::Any(parts) => parts.iter().any(|part| part.is_met(roles, permissions)),
        }
    }

    /// Adds the roles and permissions that it names.
    pub fn names<'a>(&'a self, roles: &mut BTreeSet<&'a str>, permissions: &mut BTreeSet<&'a str>) {
        match self {
            Self::Role(name) => _ = roles.insert(name),
            Self::Permission(name) => _ = permissions.insert(name),
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().for_each(|part| part.names(roles, permissions));
            }
        }
    }
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, between) = match self {
            Self::Role(name) | Self::Permission(name) => return f.write_str(name),
            Self::All(parts) => (parts, " and "),
            Self::Any(parts) => (parts, " or "),
        };
        for (at, part) in parts.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { between })?;
            match part {
                Self::All(inner) | Self::Any(inner) if inner.len() > 1 => write!(f, "({part})")?,
                _ => write!(f, "{part}")?,
            }
        }
        Ok(())
    }
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
        Access::Query => false,
        Access::Demand(demand) => demand.is_met(&user.roles, &user.permissions),
    };
    match (is_met, access) {
        (false, _) => Decision::Forbid,
        (true, Access::Proven(_)) if !user.session.is_proven => Decision::Prove,
        (true, _) => Decision::Allow,
    }
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

    #[test]
    fn all_any_and_both_in_one_another_are_met_as_they_read() {
        use Demand::{All, Any};
        let role = |name| Demand::Role(Cow::Borrowed(name));
        let permission = |name| Demand::Permission(Cow::Borrowed(name));
        let kim = user(&["editor", "viewer"], &["reports:write"]);
        let nobody = || Any(vec![]);
        let everybody = || All(vec![]);
        for (demand, is_met, text) in [
            (everybody(), true, ""),
            (nobody(), false, ""),
            (role("editor"), true, "editor"),
            (role("reports:write"), false, "reports:write"),
            (permission("reports:write"), true, "reports:write"),
            (permission("editor"), false, "editor"),
            (Any(vec![role("owner"), role("editor")]), true, "owner or editor"),
            (Any(vec![role("owner"), permission("reports:read")]), false, "owner or reports:read"),
            (All(vec![role("editor"), role("viewer")]), true, "editor and viewer"),
            (
                All(vec![role("editor"), permission("reports:read")]),
                false,
                "editor and reports:read",
            ),
            (
                All(vec![Any(vec![role("owner"), role("editor")]), permission("reports:write")]),
                true,
                "(owner or editor) and reports:write",
            ),
            (
                Any(vec![All(vec![role("editor"), role("owner")]), permission("reports:write")]),
                true,
                "(editor and owner) or reports:write",
            ),
            (All(vec![role("editor"), nobody()]), false, "editor and "),
            (Any(vec![role("owner"), everybody()]), true, "owner or "),
        ] {
            assert_eq!(demand.to_string(), text);
            let access = Access::Demand(demand);
            let expected = if is_met { Decision::Allow } else { Decision::Forbid };
            assert_eq!(decide(Some(&kim), &access), expected, "{access:?}");
            assert_eq!(decide(None, &access), Decision::SignIn, "{access:?}");
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
