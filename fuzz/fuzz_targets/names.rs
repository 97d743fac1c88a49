//! User names, e-mails, displayed names, roles, permissions.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rolecall::auth::name::{
    Email, PermissionName, RoleName, Username, key, look, parse_display_name,
};

/// A typed name has more bytes in its key at times; nobody is called by so many.
const BYTES: usize = 300;

fuzz_target!(|typed: &str| {
    if let Some(found) = key(typed)
        && typed.len() <= BYTES
    {
        assert_eq!(key(&found), Some(found));
    }
    if let Ok(name) = Username::parse(typed) {
        assert!(!name.as_str().contains('@') && name.as_str().chars().count() <= 64);
        assert!(!name.as_str().contains(|c: char| c.is_control() || c.is_whitespace()));
        assert_eq!(Username::parse(name.as_str()), Ok(name));
    }
    if let Ok(email) = Email::parse(typed) {
        assert!(!email.as_str().contains(|c: char| c.is_control() || c.is_whitespace()));
        assert_eq!(email.key().matches('@').count(), 1);
        assert_eq!(Email::parse(email.as_str()), Ok(email));
    }
    if let Ok(name) = parse_display_name(typed) {
        assert!(!name.contains(char::is_control));
        assert_eq!(parse_display_name(&name), Ok(name));
    }
    let is_plain = |name: &str| name == typed && !name.contains([',', ' ']) && name.is_ascii();
    assert!(RoleName::parse(typed).map_or(true, |role| is_plain(role.as_str())));
    assert!(PermissionName::parse(typed).map_or(true, |one| is_plain(one.as_str())));
    assert_eq!(look(&look(typed)), look(typed));
});
