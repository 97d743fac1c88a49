//! How people, roles and permissions may be called, and which names are the same.

#[cfg(test)]
mod properties;

use precis_profiles::{UsernameCaseMapped, precis_core::profile::PrecisFastInvocation};

/// Most characters of a user name.
pub const USERNAME_CHARS: usize = 64;
/// Most bytes of an e-mail address (RFC 5321 §4.5.3.1).
pub const EMAIL_BYTES: usize = 254;
/// Most characters of a displayed name.
pub const DISPLAY_NAME_CHARS: usize = 200;
/// Most characters of a role's name.
pub const ROLE_CHARS: usize = 64;
/// Most characters of a permission.
pub const PERMISSION_CHARS: usize = 128;
/// Nobody is looked for by a name of more bytes.
const SOUGHT_BYTES: usize = 1024;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error(
        "a user name has 1 to {USERNAME_CHARS} letters, digits or signs such as . _ -, without spaces and @"
    )]
    Username,
    #[error("the audit trail calls the operator and rolecall itself so; choose another name")]
    ReservedUser,
    #[error("that is no e-mail address; it looks like kim@example.com")]
    Email,
    #[error(
        "a displayed name has at most {DISPLAY_NAME_CHARS} characters, none of them control characters"
    )]
    DisplayName,
    #[error(
        "{0:?} is no role name: 1 to {ROLE_CHARS} of a-z, 0-9, dot, underscore and dash, the first a letter or digit"
    )]
    Role(String),
    #[error(
        "{0:?} is no permission: noun:verb, each of a-z, 0-9, dot, underscore and dash, such as reports:write"
    )]
    Permission(String),
}

/// A user's name in the form in which it is unique: RFC 8265 UsernameCaseMapped, so `KIM`,
/// full-width `ｋｉｍ` and `kim` are one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Username(String);

impl Username {
    /// # Errors
    /// Empty, over [`USERNAME_CHARS`], an `@`, or what the standard forbids (spaces, symbols); and
    /// what the audit trail calls those who are no users.
    pub fn parse(typed: &str) -> Result<Self, NameError> {
        let name = key(typed).ok_or(NameError::Username)?;
        if name.contains('@') || name.chars().count() > USERNAME_CHARS {
            return Err(NameError::Username);
        }
        // Nobody passes for another actor of the trail.
        if ["application", "system", "visitor", "rolecall"].contains(&name.as_str())
            || name.starts_with("cli:")
        {
            return Err(NameError::ReservedUser);
        }
        Ok(Self(name))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it looks like; see [`look`].
    pub fn look(&self) -> String {
        look(&self.0)
    }
}

/// What a name looks like (UTS #39 §4, skeleton): the same for two that are mistaken for one
/// another, whatever their scripts. Accents differ.
pub fn look(name: &str) -> String {
    unicode_security::confusable_detection::skeleton(name).collect()
}

/// An e-mail address as typed, and the form in which it is unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    typed: String,
    key: String,
}

impl Email {
    /// # Errors
    /// Not of the form `local@domain`, or over [`EMAIL_BYTES`].
    pub fn parse(typed: &str) -> Result<Self, NameError> {
        let typed = typed.trim();
        let key = key(typed).ok_or(NameError::Email)?;
        let (local, domain) = key.split_once('@').ok_or(NameError::Email)?;
        let is_whole = !local.is_empty() && !domain.is_empty() && !domain.contains('@');
        if !is_whole
            || typed.len() > EMAIL_BYTES
            || domain.starts_with('.')
            || domain.ends_with('.')
        {
            return Err(NameError::Email);
        }
        Ok(Self { typed: typed.to_owned(), key })
    }

    pub fn as_str(&self) -> &str {
        &self.typed
    }

    pub fn key(&self) -> &str {
        &self.key
    }
}

/// The key that a typed name or e-mail would have; `None` when nobody can be called so.
pub fn key(typed: &str) -> Option<String> {
    let typed = typed.trim();
    if typed.is_empty() || typed.len() > SOUGHT_BYTES {
        return None;
    }
    let key = UsernameCaseMapped::enforce(typed).ok()?;
    // RFC 8264 §7: what is not stable is no name, since it could not be typed as it is shown.
    let again = UsernameCaseMapped::enforce(key.as_ref()).ok()?;
    (again == key).then(|| key.into_owned())
}

/// How a person wants to be shown; empty for just the user name.
pub fn parse_display_name(typed: &str) -> Result<String, NameError> {
    let name = typed.trim();
    if name.chars().count() > DISPLAY_NAME_CHARS || name.chars().any(char::is_control) {
        return Err(NameError::DisplayName);
    }
    Ok(name.to_owned())
}

/// A role's name: `[a-z0-9][a-z0-9._-]{0,63}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleName(String);

impl RoleName {
    pub fn parse(typed: &str) -> Result<Self, NameError> {
        let starts_well = typed.starts_with(|c: char| c.is_ascii_alphanumeric());
        if starts_well && is_word(typed) && typed.len() <= ROLE_CHARS {
            Ok(Self(typed.to_owned()))
        } else {
            Err(NameError::Role(typed.chars().take(80).collect()))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_built_in(&self) -> bool {
        is_built_in(&self.0)
    }
}

/// The roles that come built in.
pub fn is_built_in(role: &str) -> bool {
    ["admin", "user-manager", "auditor", "user"].contains(&role)
}

/// The role that has every permission.
pub const ADMIN: &str = "admin";

/// A permission's name: `noun:verb`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PermissionName(String);

impl PermissionName {
    pub fn parse(typed: &str) -> Result<Self, NameError> {
        let wrong = || NameError::Permission(typed.chars().take(140).collect());
        let (noun, verb) = typed.split_once(':').ok_or_else(wrong)?;
        let starts_well = |word: &str| word.starts_with(|c: char| c.is_ascii_alphanumeric());
        let fits = [noun, verb].iter().all(|word| is_word(word) && starts_well(word));
        if fits && typed.len() <= PERMISSION_CHARS {
            Ok(Self(typed.to_owned()))
        } else {
            Err(wrong())
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one of rolecall's own, or would look like one.
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with("rolecall.")
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_however_it_is_spelled() {
        for spelling in ["zoë", "ZOË", " Zoë ", "zoe\u{308}", "ｚｏë"] {
            assert_eq!(Username::parse(spelling).as_ref().map(Username::as_str), Ok("zoë"));
        }
    }

    #[test]
    fn names_that_look_alike_have_one_look_and_accents_differ() {
        for (one, other) in
            [("admin", "аdmin"), ("paypal", "раураӏ"), ("modern", "modem"), ("राम्", "राम्\u{200c}")]
        {
            assert_eq!(look(one), look(other), "{one} {other}");
        }
        for (one, other) in [("zoe", "zoë"), ("zoë", "zoé"), ("kim", "tim"), ("o", "0")] {
            assert_ne!(look(one), look(other), "{one} {other}");
        }
    }

    #[test]
    fn nobody_is_called_like_an_address_or_by_what_does_not_show() {
        for name in
            ["", "  ", "a@b", "a b", "a\0", "a\u{202e}b", "a\u{200b}b", "☃", &"x".repeat(65)]
        {
            assert_eq!(Username::parse(name), Err(NameError::Username), "{name:?}");
        }
        assert!(Username::parse(&"é".repeat(64)).is_ok());
    }

    #[test]
    fn an_email_is_one_in_any_case() {
        let email = Email::parse("Kim.A+x@Example.COM").ok();
        assert_eq!(email.as_ref().map(Email::key), Some("kim.a+x@example.com"));
        assert_eq!(email.as_ref().map(Email::as_str), Some("Kim.A+x@Example.COM"));
        for wrong in ["kim", "@example.com", "kim@", "a@b@c", "a b@c", "a@.c", "a@c."] {
            assert_eq!(Email::parse(wrong), Err(NameError::Email), "{wrong:?}");
        }
    }

    #[test]
    fn roles_and_permissions_are_plain_ascii() {
        for role in ["a", "0", "team-lead", "a.b_c", &"x".repeat(64)] {
            assert!(RoleName::parse(role).is_ok(), "{role:?}");
        }
        for role in ["", "-a", ".a", "A", "a b", "a,b", "é", &"x".repeat(65)] {
            assert!(RoleName::parse(role).is_err(), "{role:?}");
        }
        for permission in ["reports:write", "a:b", "rolecall.users:read"] {
            assert!(PermissionName::parse(permission).is_ok(), "{permission:?}");
        }
        for permission in ["", "reports", ":write", "reports:", "a:b:c", "A:b", "a: b"] {
            assert!(PermissionName::parse(permission).is_err(), "{permission:?}");
        }
    }
}
