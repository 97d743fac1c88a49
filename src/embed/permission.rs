//! What an application declares: its permissions, and roles that have them.

/// A permission of the application: `noun:verb`, of a-z, 0-9, dot, underscore and dash.
///
/// ```
/// use rolecall::Permission;
///
/// const REPORTS_WRITE: Permission = Permission::new("reports:write").describe("Write reports");
/// ```
///
/// A malformed one does not compile, and neither does one with the prefix of rolecall's own:
///
/// ```compile_fail
/// const WRONG: rolecall::Permission = rolecall::Permission::new("write reports");
/// ```
///
/// ```compile_fail
/// const RESERVED: rolecall::Permission = rolecall::Permission::new("rolecall.users:write");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Permission {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
}

impl Permission {
    /// # Panics
    /// When it is malformed or reserved. In a `const` that is a compile error.
    pub const fn new(name: &'static str) -> Self {
        assert!(is_permission(name.as_bytes()), "a permission is noun:verb, such as reports:write");
        assert!(!is_reserved(name.as_bytes()), "the prefix rolecall. is reserved");
        Self { name, description: "" }
    }

    /// What it is for, as the pages show it.
    #[must_use]
    pub const fn describe(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

/// A role that the application comes with. Made at the first start; what an administrator makes
/// of it later stays.
///
/// ```
/// use rolecall::{Permission, Role};
///
/// const REPORTS_READ: Permission = Permission::new("reports:read");
/// const REPORTS_WRITE: Permission = Permission::new("reports:write");
/// const READER: Role = Role::new("reader").permissions(&[REPORTS_READ]);
/// const EDITOR: Role = Role::new("editor").permissions(&[REPORTS_WRITE]).includes(&["reader"]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Role {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) permissions: &'static [Permission],
    pub(super) includes: &'static [&'static str],
}

impl Role {
    /// A role of this name, which is judged by [`Builder::build`](crate::Builder::build): 1 to
    /// 64 of a-z, 0-9, dot, underscore and dash.
    pub const fn new(name: &'static str) -> Self {
        Self { name, description: "", permissions: &[], includes: &[] }
    }

    /// What it is for, as the pages show it.
    #[must_use]
    pub const fn describe(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    /// What its holders may do.
    #[must_use]
    pub const fn permissions(self, permissions: &'static [Permission]) -> Self {
        Self { permissions, ..self }
    }

    /// Other roles, all of whose permissions its holders have too.
    #[must_use]
    pub const fn includes(self, includes: &'static [&'static str]) -> Self {
        Self { includes, ..self }
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl From<Role> for std::borrow::Cow<'static, str> {
    fn from(role: Role) -> Self {
        Self::Borrowed(role.name)
    }
}

/// The rule of [`crate::auth::name::PermissionName`], for the compiler.
const fn is_permission(name: &[u8]) -> bool {
    let (mut at, mut colons, mut begins) = (0, 0, true);
    while at < name.len() {
        match name[at] {
            b'a'..=b'z' | b'0'..=b'9' => begins = false,
            b'.' | b'_' | b'-' if !begins => {}
            b':' if !begins => (colons, begins) = (colons + 1, true),
            _ => return false,
        }
        at += 1;
    }
    colons == 1 && !begins && name.len() <= crate::auth::name::PERMISSION_CHARS
}

const fn is_reserved(name: &[u8]) -> bool {
    matches!(name, [b'r', b'o', b'l', b'e', b'c', b'a', b'l', b'l', b'.', ..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::name::PermissionName;

    #[test]
    fn the_compiler_takes_what_the_database_takes() {
        let long = format!("{}:{}", "a".repeat(63), "b".repeat(64));
        let longer = format!("{long}b");
        for name in [
            "a:b",
            "reports:write",
            "0.a_b-c:9",
            "rolecall:x",
            "rolecall.x:y",
            "a.:b-",
            &long,
            &longer,
            "",
            ":",
            "a",
            "a:",
            ":b",
            "a:b:c",
            "a::b",
            ".a:b",
            "a:-b",
            "A:b",
            "a b:c",
            "a:b ",
            "é:b",
        ] {
            let parsed = PermissionName::parse(name);
            assert_eq!(is_permission(name.as_bytes()), parsed.is_ok(), "{name:?}");
            let is_reserved = is_reserved(name.as_bytes());
            assert_eq!(is_reserved, name.starts_with("rolecall."), "{name:?}");
        }
    }
}
