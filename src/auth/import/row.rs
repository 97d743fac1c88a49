//! One user as a line says it: by itself, without the database.

use std::borrow::Cow;

use super::{
    field::Field,
    refused::{Flaw, Reason},
};
use crate::{
    auth::{
        hasher::{self, Hasher, Scheme, Unfit, Weak},
        name::{Email, RoleName, Username, parse_display_name},
    },
    db::users::Status,
};

/// What stands in a line; what is empty is not said.
#[derive(Debug, Default)]
pub struct Raw<'a> {
    pub username: Cow<'a, str>,
    pub email: Cow<'a, str>,
    pub display_name: Cow<'a, str>,
    pub password_hash: Cow<'a, str>,
    pub status: Cow<'a, str>,
    pub roles: Vec<Cow<'a, str>>,
}

#[derive(Debug)]
pub struct Row {
    pub username: Username,
    pub look: String,
    pub email: Option<Email>,
    pub display_name: String,
    pub password: Password,
    pub roles: Vec<RoleName>,
    pub status: Status,
}

/// What of a password is taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Password {
    Hash(String, Scheme),
    /// None was there, or one that opens for nobody.
    None,
    /// One that is nearly lost with its database: it is not kept.
    Weak(Weak),
}

impl Password {
    pub fn hash(&self) -> Option<&str> {
        match self {
            Self::Hash(hash, _) => Some(hash),
            Self::None | Self::Weak(_) => None,
        }
    }
}

impl Row {
    /// # Errors
    /// The first field that is not as it has to be.
    pub fn read(raw: &Raw<'_>, hasher: &Hasher) -> Result<Self, Flaw> {
        let of = |field| move |reason: Reason| (Some(field), reason);
        let name = |field| move |error| (Some(field), Reason::Name(error));
        if raw.username.trim().is_empty() {
            return Err((Some(Field::Username), Reason::Missing));
        }
        let username = Username::parse(&raw.username).map_err(name(Field::Username))?;
        let email = match raw.email.trim() {
            "" => None,
            email => Some(Email::parse(email).map_err(name(Field::Email))?),
        };
        let display_name =
            parse_display_name(&raw.display_name).map_err(name(Field::DisplayName))?;
        let password = password(&raw.password_hash, hasher).map_err(of(Field::PasswordHash))?;
        let roles = roles(&raw.roles).map_err(of(Field::Roles))?;
        let status = match raw.status.trim() {
            "" | "active" => Status::Active,
            "disabled" => Status::Disabled,
            _ => return Err((Some(Field::Status), Reason::Status)),
        };
        let look = username.look();
        Ok(Self { username, look, email, display_name, password, roles, status })
    }
}

fn password(text: &str, hasher: &Hasher) -> Result<Password, Reason> {
    let hash = text.trim();
    if hash.is_empty() {
        return Ok(Password::None);
    }
    // A salt may be any text, which the database has to hold.
    if hash.contains(char::is_control) {
        return Err(Reason::Control);
    }
    match hasher::scheme_of(hash) {
        Ok(Scheme::Argon2id) if !hasher.has_pepper_of(hash) => Err(Reason::Pepper),
        Ok(scheme) => Ok(Password::Hash(hash.to_owned(), scheme)),
        Err(Unfit::Unusable) => Ok(Password::None),
        Err(Unfit::Weak(weak)) => Ok(Password::Weak(weak)),
        Err(unfit) => Err(unfit.into()),
    }
}

/// Each once, in the order of their names.
fn roles(names: &[Cow<'_, str>]) -> Result<Vec<RoleName>, Reason> {
    let named = names.iter().map(|name| name.trim()).filter(|name| !name.is_empty());
    let roles: Result<Vec<_>, _> = named.map(RoleName::parse).collect();
    let mut roles = roles.map_err(|_| Reason::RoleName)?;
    roles.sort();
    roles.dedup();
    Ok(roles)
}
