//! One difference between the file and what there is: how it is told to people and programs.
//! [`super::apply`] makes it.

use std::fmt;

use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    auth::{
        grants::Until,
        name::{PermissionName, RoleName, Username},
        roles::{DEFAULT_GRANTOR, RoleChange},
        users::Profile,
    },
    db::users::Status,
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
        /// Which fields differ: `email`, `display_name`.
        fields: Vec<&'static str>,
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
        status: Status,
    },
    Grant {
        username: Username,
        role: RoleName,
        until: Until,
        reason: String,
        /// Whether the user has it already, with another end or reason.
        is_held: bool,
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
    /// What of it: field and value.
    pub details: Vec<(&'static str, String)>,
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

    fn with(mut self, field: &'static str, value: &str) -> Self {
        self.details.push((field, value.to_owned()));
        self
    }

    fn with_some(self, field: &'static str, value: &str) -> Self {
        if value.is_empty() { self } else { self.with(field, value) }
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
        for (field, value) in self.names.iter().chain(&self.details) {
            map.insert((*field).into(), value.as_str().into());
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
        for (index, (field, value)) in self.details.iter().enumerate() {
            let field = field.replace('_', " ");
            write!(f, "{} {field}", if index == 0 { ":" } else { "," })?;
            match value.as_str() {
                "" => write!(f, " none")?,
                value if value.contains(' ') => write!(f, " {value:?}")?,
                value => write!(f, " {value}")?,
            }
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
            Self::DescribePermission { permission, description } => {
                View::new(Change, "permission", permission.as_str())
                    .with("description", description)
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
            Self::EditUser { profile, fields } => edit_view(profile, fields),
            Self::CreateUser { profile, password, invite } => {
                let fields = ["email", "display_name"].into_iter();
                let fields: Vec<_> =
                    fields.filter(|field| !value(profile, field).is_empty()).collect();
                let mut view = edit_view(profile, &fields);
                view.kind = Add;
                match (password, invite) {
                    (Some(_), _) => view.with("password", "set"),
                    (None, true) => view.with("invitation", "yes"),
                    (None, false) => view,
                }
            }
            Self::SetPassword { username, .. } => {
                View::new(Change, "user", username.as_str()).with("password", "set")
            }
            Self::SetStatus { username, status } => {
                View::new(Change, "user", username.as_str()).with("status", &status.to_string())
            }
            Self::Grant { username, role, until, reason, is_held } => {
                let kind = if *is_held { Change } else { Add };
                let view = View::grant(kind, username, role);
                let end = match until {
                    Until::At(end) => end.format(&Rfc3339).unwrap_or_default(),
                    Until::Always if *is_held => "ever".to_owned(),
                    Until::Always => String::new(),
                };
                view.with_some("until", &end).with_some("reason", reason)
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
        RoleChange::Delete if holders == 0 => view(Remove),
        RoleChange::Delete => view(Remove).with("grants_lost", &holders.to_string()),
        RoleChange::Allow(permission) => view(Add).with("permission", permission.as_str()),
        RoleChange::Deny(permission) => view(Remove).with("permission", permission.as_str()),
        RoleChange::Include(other) => view(Add).with("includes", other.as_str()),
        RoleChange::Exclude(other) => view(Remove).with("includes", other.as_str()),
        RoleChange::AddGrantor(other) => view(Add).with("grantor", other.as_str()),
        RoleChange::RemoveGrantor(other) => view(Remove).with("grantor", other.as_str()),
    }
}

fn edit_view(profile: &Profile, fields: &[&'static str]) -> View {
    let view = View::new(Kind::Change, "user", profile.username.as_str());
    fields.iter().fold(view, |view, field| view.with(field, &value(profile, field)))
}

fn value(profile: &Profile, field: &str) -> String {
    match field {
        "email" => profile.email.as_ref().map(|email| email.as_str().to_owned()),
        _ => Some(profile.display_name.clone()),
    }
    .unwrap_or_default()
}
