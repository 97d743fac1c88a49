//! What stands in a seed file, in TOML or JSON. Names are parsed here, so that a wrong one is
//! told with its line; what needs more than one entry to judge is in [`super::check`].

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};
use time::OffsetDateTime;

use super::{SeedError, check};
use crate::{
    auth::{
        hasher,
        lifetime::Limit,
        name::{Email, PermissionName, RoleName, Username, parse_display_name},
        roles::described,
    },
    clock, db,
};

/// Bytes of a file that is read.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Toml,
    Json,
}

impl Format {
    /// Of a text whose name does not say it.
    pub fn of(text: &str) -> Self {
        if text.trim_start().starts_with('{') { Self::Json } else { Self::Toml }
    }
}

/// A whole file. What an entry does not say is left as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    #[serde(default)]
    pub(super) managed: Vec<Managed>,
    #[serde(default, rename = "permission")]
    pub(super) permissions: Vec<PermissionEntry>,
    #[serde(default, rename = "role")]
    pub(super) roles: Vec<RoleEntry>,
    #[serde(default, rename = "user")]
    pub(super) users: Vec<UserEntry>,
}

impl Seed {
    /// Whether what is not in the file is to be removed.
    pub(super) fn prunes(&self, prune: bool, what: Managed) -> bool {
        prune && self.managed.contains(&what)
    }
}

/// What `--prune` may remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Managed {
    /// Permissions that are not in the file.
    Permissions,
    /// Roles that are not in the file, and of listed ones what is not listed.
    Roles,
    /// Users who are not in the file.
    Users,
    /// Grants of listed users that are not listed.
    Grants,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PermissionEntry {
    #[serde(deserialize_with = "permission")]
    pub name: PermissionName,
    #[serde(default, deserialize_with = "description")]
    pub description: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleEntry {
    #[serde(deserialize_with = "role")]
    pub name: RoleName,
    #[serde(default, deserialize_with = "description")]
    pub description: Option<String>,
    #[serde(default)]
    pub permissions: Vec<Named<PermissionName>>,
    #[serde(default)]
    pub includes: Vec<Named<RoleName>>,
    /// The inner `None`, an empty text or `none`: the settings alone count.
    #[serde(default, deserialize_with = "limit")]
    pub idle_timeout: Option<Limit>,
    #[serde(default, deserialize_with = "limit")]
    pub absolute_timeout: Option<Limit>,
    /// `None`: `user-manager` for a new role.
    pub grantors: Option<Vec<Named<RoleName>>>,
}

impl RoleEntry {
    /// Whether it says nothing but how long sessions live.
    pub fn only_limits(&self) -> bool {
        let says_more = self.description.is_some()
            || self.grantors.is_some()
            || !(self.permissions.is_empty() && self.includes.is_empty());
        !says_more && (self.idle_timeout.is_some() || self.absolute_timeout.is_some())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserEntry {
    #[serde(deserialize_with = "username")]
    pub username: Username,
    /// The inner `None`, an empty text: no e-mail.
    #[serde(default, deserialize_with = "email")]
    pub email: Option<Option<Email>>,
    #[serde(default, deserialize_with = "display_name")]
    pub display_name: Option<String>,
    pub status: Option<Status>,
    #[serde(default, deserialize_with = "password_hash")]
    pub password_hash: Option<String>,
    /// The password is good for one login until then.
    pub password_expires_at: Option<Moment>,
    /// A new user gets a link to choose a password.
    #[serde(default)]
    pub invite: bool,
    #[serde(default)]
    pub roles: Vec<GrantEntry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Active,
    Disabled,
}

impl From<Status> for db::users::Status {
    fn from(status: Status) -> Self {
        match status {
            Status::Active => Self::Active,
            Status::Disabled => Self::Disabled,
        }
    }
}

/// A role's name alone, or with an end and a reason.
#[derive(Debug)]
pub(super) struct GrantEntry {
    pub role: RoleName,
    pub until: Option<OffsetDateTime>,
    /// `None`: the one that is there stays.
    pub reason: Option<String>,
}

/// A name in a list.
#[derive(Debug)]
pub(super) struct Named<T>(pub T);

/// A time in TOML's own form or as text, in UTC and whole seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(pub OffsetDateTime);

/// Reads a file and judges it by itself, without the database.
///
/// # Errors
/// What is wrong, and in which line or entry.
pub fn parse(text: &str, format: Format) -> Result<Seed, SeedError> {
    if text.len() > MAX_BYTES {
        return Err(SeedError::TooLarge);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let seed: Seed = match format {
        Format::Json => {
            serde_json::from_str(text).map_err(|error| SeedError::Json(error.to_string()))?
        }
        Format::Toml => toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
            SeedError::Line { line, message: error.message().to_owned() }
        })?,
    };
    check::check(&seed)?;
    Ok(seed)
}

/// The same of what a program puts together.
///
/// # Errors
/// What is wrong, and in which entry.
pub fn of_value(value: serde_json::Value) -> Result<Seed, SeedError> {
    let seed: Seed =
        serde_json::from_value(value).map_err(|error| SeedError::Json(error.to_string()))?;
    check::check(&seed)?;
    Ok(seed)
}

fn parsed<'de, D: Deserializer<'de>, T, E: fmt::Display>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

fn username<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Username, D::Error> {
    parsed(deserializer, Username::parse)
}

fn role<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RoleName, D::Error> {
    parsed(deserializer, RoleName::parse)
}

fn permission<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PermissionName, D::Error> {
    parsed(deserializer, PermissionName::parse)
}

fn email<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Email>>, D::Error> {
    parsed(deserializer, |text| match text.trim() {
        "" => Ok(Some(None)),
        text => Email::parse(text).map(|email| Some(Some(email))),
    })
}

fn display_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    parsed(deserializer, parse_display_name).map(Some)
}

fn description<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    parsed(deserializer, |text| described(text).map(|text| Some(text.to_owned())))
}

fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Limit>, D::Error> {
    parsed(deserializer, str::parse).map(Some)
}

fn password_hash<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    parsed(deserializer, |text| hasher::scheme_of(text).map(|_| Some(text.to_owned())))
}

impl<'de> Deserialize<'de> for Named<PermissionName> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        permission(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Named<RoleName> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        role(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for GrantEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Whole {
            #[serde(deserialize_with = "role")]
            role: RoleName,
            until: Option<Moment>,
            reason: Option<String>,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = GrantEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a role's name, or a table with role, until and reason")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<GrantEntry, E> {
                let role = RoleName::parse(text).map_err(E::custom)?;
                Ok(GrantEntry { role, until: None, reason: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<GrantEntry, A::Error> {
                let whole = Whole::deserialize(MapAccessDeserializer::new(map))?;
                let until = whole.until.map(|Moment(at)| at);
                Ok(GrantEntry { role: whole.role, until, reason: whole.reason })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Moment;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time with its offset, such as 2027-01-01T00:00:00Z")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Moment, E> {
                let moment = clock::parse(text).map(Moment);
                moment.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Moment, A::Error> {
                let written = toml::value::Datetime::deserialize(MapAccessDeserializer::new(map))?;
                self.visit_str(&written.to_string())
            }
        }
        deserializer.deserialize_any(Either)
    }
}
