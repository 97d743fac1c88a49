//! One difference between the file and what there is: how it is told to people and programs.
//! [`super::apply`] makes it.

use std::fmt;

use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    auth::{
        grants::Until,
        lifetime::Limit,
        name::{PermissionName, RoleName, Username},
        roles::{DEFAULT_GRANTOR, RoleChange},
        users::Profile,
    },
    db::{lifetimes::Limits, users::Status},
};

/// A change to make. The steps of a file are made in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Declare {
        permission: PermissionName,
        description: String,
    },
    DescribePermission {
        permission: PermissionName,
        before: String,
        description: String,
    },
    RemovePermission {
        permission: PermissionName,
    },
    CreateRole {
        role: RoleName,
        description: String,
        /// Whether holders of `user-manager` may grant it, as is usual.
        default_grantor: bool,
    },
    DescribeRole {
        role: RoleName,
        before: String,
        description: String,
    },
    /// How long sessions live by the role; what is `None` stays as it is.
    LimitRole {
        role: RoleName,
        /// `None`: of a new role.
        before: Option<Limits>,
        idle: Option<Limit>,
        absolute: Option<Limit>,
    },
    /// Any other change to a role. `holders`: who would lose it.
    Role {
        role: RoleName,
        change: RoleChange,
        holders: i64,
    },
    RemoveUser {
        username: Username,
    },
    EditUser {
        profile: Box<Profile>,
        /// Which fields differ, `email` or `display_name`, and what they were.
        fields: Vec<(&'static str, String)>,
    },
    CreateUser {
        profile: Box<Profile>,
        password: Option<Secret>,
        invite: bool,
    },
    SetPassword {
        username: Username,
        password: Secret,
    },
    SetStatus {
        username: Username,
        /// `None`: of a new user.
        before: Option<Status>,
        status: Status,
    },
    Grant {
        username: Username,
        role: RoleName,
        until: Until,
        reason: String,
        /// The end and reason with which the user has it already.
        held: Option<(Until, String)>,
    },
    Revoke {
        username: Username,
        role: RoleName,
    },
}

/// A password's hash, and its end when it is good for one login. Shows itself to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    pub(super) hash: String,
    pub(super) expires_at: Option<OffsetDateTime>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Add,
    Change,
    Remove,
}

/// A step as it is shown.
#[derive(Debug)]
pub struct View {
    pub kind: Kind,
    /// `permission`, `role`, `user` or `grant`.
    pub what: &'static str,
    /// Which one: field and value.
    pub names: Vec<(&'static str, String)>,
    pub details: Vec<Detail>,
}

/// What of something.
#[derive(Debug)]
pub struct Detail {
    pub field: &'static str,
    /// For programs: what it shall be.
    value: Value,
    /// For people: also what it was.
    shown: Option<String>,
}

/// A value between others, on a line.
fn quoted(value: &str) -> String {
    match value {
        "" => "none".to_owned(),
        value if value.contains(' ') => format!("{value:?}"),
        value => value.to_owned(),
    }
}

impl View {
    fn new(kind: Kind, what: &'static str, name: &str) -> Self {
        Self { kind, what, names: vec![("name", name.to_owned())], details: Vec::new() }
    }

    fn grant(kind: Kind, username: &Username, role: &RoleName) -> Self {
        let names =
            vec![("user", username.as_str().to_owned()), ("role", role.as_str().to_owned())];
        Self { kind, what: "grant", names, details: Vec::new() }
    }

    fn with_detail(
        mut self,
        field: &'static str,
        value: impl Into<Value>,
        shown: Option<String>,
    ) -> Self {
        self.details.push(Detail { field, value: value.into(), shown });
        self
    }

    fn with(self, field: &'static str, value: &str) -> Self {
        self.with_detail(field, value, Some(quoted(value)))
    }

    fn with_change(self, field: &'static str, before: &str, after: &str) -> Self {
        let shown = format!("{} -> {}", quoted(before), quoted(after));
        self.with_detail(field, after, Some(shown))
    }

    fn with_some(self, field: &'static str, value: &str) -> Self {
        if value.is_empty() { self } else { self.with(field, value) }
    }

    fn with_limit(
        self,
        field: &'static str,
        before: Option<Option<Duration>>,
        limit: Option<Limit>,
    ) -> Self {
        match (before, limit.map(|limit| limit.to_string())) {
            (_, None) => self,
            (None, Some(limit)) => self.with(field, &limit),
            (Some(before), Some(limit)) => {
                self.with_change(field, &Limit(before).to_string(), &limit)
            }
        }
    }

    /// `{"change": "add", "kind": "role", "name": "editor", "permission": "reports:write"}`
    pub fn to_json(&self) -> Value {
        let change = match self.kind {
            Kind::Add => "add",
            Kind::Change => "change",
            Kind::Remove => "remove",
        };
        let mut map = Map::new();
        map.insert("change".into(), change.into());
        map.insert("kind".into(), self.what.into());
        for (field, value) in &self.names {
            map.insert((*field).into(), value.as_str().into());
        }
        for detail in &self.details {
            map.insert(detail.field.into(), detail.value.clone());
        }
        Value::Object(map)
    }
}

impl fmt::Display for View {
    /// `+ role editor: permission reports:write`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.kind {
            Kind::Add => '+',
            Kind::Change => '~',
            Kind::Remove => '-',
        };
        write!(f, "{sign} {}", self.what)?;
        for (_, name) in &self.names {
            write!(f, " {name}")?;
        }
        let told = self.details.iter().filter_map(|one| Some((one.field, one.shown.as_ref()?)));
        for (index, (field, shown)) in told.enumerate() {
            let field = field.replace('_', " ");
            write!(f, "{} {field} {shown}", if index == 0 { ":" } else { "," })?;
        }
        Ok(())
    }
}

impl Step {
    pub fn view(&self) -> View {
        use Kind::{Add, Change, Remove};
        match self {
            Self::Declare { permission, description } => {
                View::new(Add, "permission", permission.as_str())
                    .with_some("description", description)
            }
            Self::DescribePermission { permission, before, description } => View::new(
                Change,
                "permission",
                permission.as_str(),
            )
            .with_change("description", before, description),
            Self::DescribeRole { role, before, description } => View::new(
                Change,
                "role",
                role.as_str(),
            )
            .with_change("description", before, description),
            Self::LimitRole { role, before, idle, absolute } => {
                let kind = if before.is_some() { Change } else { Add };
                let view = View::new(kind, "role", role.as_str()).with_limit(
                    "idle_timeout",
                    before.map(|before| before.idle),
                    *idle,
                );
                let before = before.map(|before| before.absolute);
                view.with_limit("absolute_timeout", before, *absolute)
            }
            Self::RemovePermission { permission } => {
                View::new(Remove, "permission", permission.as_str())
            }
            Self::CreateRole { role, description, default_grantor } => {
                let view = View::new(Add, "role", role.as_str());
                let view = view.with_some("description", description);
                if *default_grantor { view } else { view.with("without_grantor", DEFAULT_GRANTOR) }
            }
            Self::Role { role, change, holders } => role_view(role.as_str(), change, *holders),
            Self::RemoveUser { username } => View::new(Remove, "user", username.as_str()),
            Self::EditUser { profile, fields } => {
                let view = View::new(Change, "user", profile.username.as_str());
                fields.iter().fold(view, |view, (field, before)| {
                    view.with_change(field, before, &value(profile, field))
                })
            }
            Self::CreateUser { profile, password, invite } => {
                let view = View::new(Add, "user", profile.username.as_str())
                    .with_some("email", &value(profile, "email"))
                    .with_some("display_name", &profile.display_name);
                match (password, invite) {
                    (Some(_), _) => view.with("password", "set"),
                    (None, true) => view.with("invitation", "yes"),
                    (None, false) => view,
                }
            }
            Self::SetPassword { username, .. } => {
                View::new(Change, "user", username.as_str()).with("password", "set")
            }
            Self::SetStatus { username, before, status } => {
                let (view, status) =
                    (View::new(Change, "user", username.as_str()), status.to_string());
                match before {
                    Some(before) => view.with_change("status", &before.to_string(), &status),
                    None => view.with("status", &status),
                }
            }
            Self::Grant { username, role, until, reason, held: None } => {
                View::grant(Add, username, role)
                    .with_some("until", &end(*until))
                    .with_some("reason", reason)
            }
            Self::Grant { username, role, until, reason, held: Some(held) } => {
                changed_grant(View::grant(Change, username, role), held, (*until, reason))
            }
            Self::Revoke { username, role } => View::grant(Remove, username, role),
        }
    }
}

fn role_view(role: &str, change: &RoleChange, holders: i64) -> View {
    use Kind::{Add, Change, Remove};
    let view = |kind| View::new(kind, "role", role);
    match change {
        RoleChange::Create { description } => view(Add).with_some("description", description),
        RoleChange::Describe { description } => view(Change).with("description", description),
        RoleChange::Limit { idle, absolute } => view(Change)
            .with_limit("idle_timeout", None, *idle)
            .with_limit("absolute_timeout", None, *absolute),
        RoleChange::Delete if holders == 0 => view(Remove),
        RoleChange::Delete => {
            view(Remove).with_detail("grants_lost", holders, Some(holders.to_string()))
        }
        RoleChange::Allow(permission) => view(Add).with("permission", permission.as_str()),
        RoleChange::Deny(permission) => view(Remove).with("permission", permission.as_str()),
        RoleChange::Include(other) => view(Add).with("includes", other.as_str()),
        RoleChange::Exclude(other) => view(Remove).with("includes", other.as_str()),
        RoleChange::AddGrantor(other) => view(Add).with("grantor", other.as_str()),
        RoleChange::RemoveGrantor(other) => view(Remove).with("grantor", other.as_str()),
    }
}

/// When a grant ends; empty: never.
fn end(until: Until) -> String {
    match until {
        Until::At(end) => end.format(&Rfc3339).unwrap_or_default(),
        Until::Always => String::new(),
    }
}

/// Programs are told the whole grant, people what of it changes.
fn changed_grant(view: View, held: &(Until, String), wanted: (Until, &str)) -> View {
    let shown = |until| match until {
        Until::At(_) => end(until),
        Until::Always => "no end".to_owned(),
    };
    let value = match wanted.0 {
        Until::At(_) => end(wanted.0),
        Until::Always => "ever".to_owned(),
    };
    let new_end = || format!("{} -> {}", shown(held.0), shown(wanted.0));
    let view = view.with_detail("until", value, (held.0 != wanted.0).then(new_end));
    match (held.1.as_str(), wanted.1) {
        (before, reason) if before != reason => view.with_change("reason", before, reason),
        (_, "") => view,
        (_, reason) => view.with_detail("reason", reason, None),
    }
}

fn value(profile: &Profile, field: &str) -> String {
    match field {
        "email" => profile.email.as_ref().map(|email| email.as_str().to_owned()),
        _ => Some(profile.display_name.clone()),
    }
    .unwrap_or_default()
}
