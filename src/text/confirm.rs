//! Pages that ask before something ends.

use super::{count, list, whole};

pub const DISABLE: &str = "Disable";
pub const REMOVE: &str = "Remove for good";
pub const END_SESSIONS: &str = "End all sessions";
pub const REVOKE: &str = "Revoke";
pub const DELETE_ROLE: &str = "Delete role";

pub fn disable_title(name: &str) -> String {
    format!("Disable {}?", whole(name))
}

pub fn disable_lines(sessions: usize) -> Vec<String> {
    vec![
        ending(sessions),
        "Nobody can sign in to this account until it is enabled again.".to_owned(),
        "Roles and profile are kept; one-time links are void.".to_owned(),
    ]
}

pub fn remove_title(name: &str) -> String {
    format!("Remove {}?", whole(name))
}

pub fn remove_lines(sessions: usize, grants: usize) -> Vec<String> {
    vec![
        "Name, email, password and links are deleted. This cannot be undone.".to_owned(),
        match grants {
            0 => "No role is granted, so none is lost.".to_owned(),
            1 => "1 granted role is lost.".to_owned(),
            n => format!("{n} granted roles are lost."),
        },
        ending(sessions),
        "The audit trail keeps what happened, without the name.".to_owned(),
        "Somebody who takes the name later inherits nothing.".to_owned(),
    ]
}

pub fn end_sessions_title(name: &str) -> String {
    format!("End all sessions of {}?", whole(name))
}

pub fn end_sessions_lines(sessions: usize) -> Vec<String> {
    let again = "The password stays as it is, so this person can sign in again.".to_owned();
    vec![ending(sessions), again]
}

pub fn revoke_title(role: &str, name: &str) -> String {
    format!("Revoke {role} from {}?", whole(name))
}

pub fn revoke_lines(role: &str, name: &str) -> Vec<String> {
    vec![
        format!(
            "{} loses {role} at once, with the roles and permissions that come through it.",
            whole(name)
        ),
        "What comes through another role stays.".to_owned(),
    ]
}

pub fn delete_role_title(role: &str) -> String {
    format!("Delete the role {role}?")
}

/// `holders` counts those who hold it directly, as text; `first` names the first of them.
pub fn delete_role_lines(
    (holders, first): (&str, &[String]),
    (permissions, includes): (&[String], &[String]),
    included_in: &[String],
) -> Vec<String> {
    let mut lines = vec![match holders {
        "0" => "Nobody holds it directly.".to_owned(),
        "1" => format!("1 user holds it and loses it at once: {}.", list(first)),
        n if first.len() > 8 => {
            format!("{n} users hold it and lose it at once, among them {}.", first[..8].join(", "))
        }
        n => format!("{n} users hold it and lose it at once: {}.", list(first)),
    }];
    if !permissions.is_empty() {
        lines.push(format!("With it go these permissions: {}.", list(permissions)));
    }
    if !includes.is_empty() {
        lines.push(format!("With it go the roles that it includes: {}.", list(includes)));
    }
    if !included_in.is_empty() {
        let roles = list(included_in);
        lines.push(format!("Whoever has it through these roles loses it too: {roles}."));
    }
    lines.push("This cannot be undone.".to_owned());
    lines
}

fn ending(sessions: usize) -> String {
    match sessions {
        0 => "There is no open session to end.".to_owned(),
        1 => "1 open session ends at once.".to_owned(),
        n => format!("{} end at once.", count(n as u64, "open session", "open sessions")),
    }
}
