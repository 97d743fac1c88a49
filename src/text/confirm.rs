//! Pages that ask before something ends.

use super::{count, list, whole};

pub const DISABLE: &str = "Disable";
pub const REMOVE: &str = "Remove for good";
pub const END_SESSIONS: &str = "End all sessions";
pub const REVOKE: &str = "Revoke";
pub const DELETE_ROLE: &str = "Delete role";
pub const TAKE_OUT: &str = "Remove";
pub const END_SESSION: &str = "End session";
pub const END_OTHERS: &str = "End other sessions";

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

/// `roles` are those granted to the person.
pub fn remove_lines(sessions: usize, roles: &[String]) -> Vec<String> {
    vec![
        "Name, email, password and links are deleted. This cannot be undone.".to_owned(),
        match roles.len() {
            0 => "No role is granted, so none is lost.".to_owned(),
            1 => format!("1 granted role is lost: {}.", roles[0]),
            n => format!("{n} granted roles are lost: {}.", list(roles)),
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

/// What the person has only through this grant: roles, and permissions.
pub fn revoke_lines(name: &str, roles: &[String], permissions: &[String]) -> Vec<String> {
    let name = whole(name);
    let mut lines = vec![match roles.len() {
        0 => format!("{name} keeps the role: it comes through another one too."),
        1 => format!("{name} loses the role {} at once.", roles[0]),
        _ => format!("{name} loses these roles at once: {}.", list(roles)),
    }];
    if !permissions.is_empty() {
        lines.push(format!("With it go these permissions: {}.", list(permissions)));
    }
    lines.push("What comes through another role stays.".to_owned());
    lines
}

/// Somebody changed the grant while the page was asking: what it is now.
pub fn grant_now(granted: &str, until: Option<&str>, reason: &str) -> String {
    let end = until.map_or_else(|| "without end".to_owned(), |until| format!("until {until}"));
    let reason = match reason {
        "" => String::new(),
        reason => format!(" ({})", whole(reason)),
    };
    format!(
        "Somebody changed this grant meanwhile: granted {granted}, {end}{reason}. Nothing is \
         revoked yet."
    )
}

pub fn delete_role_title(role: &str) -> String {
    format!("Delete the role {role}?")
}

/// `holders` counts those who hold it directly, as text, and names the first of them, if the
/// reader may know them; `above` are the roles that include it, and how many have it in all.
pub fn delete_role_lines(
    (holders, first): (&str, &[String]),
    (permissions, includes): (&[String], &[String]),
    (above, all): (&[String], &str),
) -> Vec<String> {
    let names = match first {
        [] => String::new(),
        few if few.len() <= 8 => format!(": {}", list(few)),
        many => format!(", among them {}", many[..8].join(", ")),
    };
    let mut lines = vec![match holders {
        "0" => "Nobody holds it directly.".to_owned(),
        "1" => format!("1 user holds it and loses it at once{names}."),
        n => format!("{n} users hold it and lose it at once{names}."),
    }];
    if !above.is_empty() {
        let those = match all {
            "0" => "Nobody has one of them.".to_owned(),
            "1" => "In all, 1 user loses it.".to_owned(),
            n => format!("In all, {n} users lose it."),
        };
        let roles = list(above);
        lines.push(format!("Whoever has it through these roles loses it too: {roles}. {those}"));
    }
    if !permissions.is_empty() {
        lines.push(format!("With it go these permissions: {}.", list(permissions)));
    }
    if !includes.is_empty() {
        lines.push(format!("With it go the roles that it includes: {}.", list(includes)));
    }
    lines.push("This cannot be undone.".to_owned());
    lines
}

/// Who has a role: how many, as text, directly or through the roles `above` that include it.
pub struct Having<'a> {
    pub role: &'a str,
    pub people: &'a str,
    pub above: &'a [String],
}

impl Having<'_> {
    /// That they lose something, and through which roles they had it.
    fn losing(&self, what: &str) -> Vec<String> {
        let mut lines = vec![self.first(what)];
        if !self.above.is_empty() {
            lines.push(self.above_too(self.above));
        }
        lines
    }

    /// That they lose something, as far as no other role gives it.
    fn first(&self, what: &str) -> String {
        let (role, how) = (self.role, self.how());
        match self.people {
            "0" => format!("Nobody has {role}, so nobody loses {what}."),
            "1" => format!(
                "1 user has {role}{how} and loses {what} at once, unless another role gives it."
            ),
            n => format!(
                "{n} users have {role}{how} and lose {what} at once, unless another role gives it."
            ),
        }
    }

    fn above_too(&self, above: &[String]) -> String {
        format!("Through {}, these roles lose it too: {}.", self.role, list(above))
    }

    fn how(&self) -> &'static str {
        if self.above.is_empty() { "" } else { ", directly or through roles that include it," }
    }
}

pub fn take_out_title(what: &str, role: &str) -> String {
    format!("Remove {what} from the role {role}?")
}

pub fn deny_lines(of: &Having<'_>, permission: &str) -> Vec<String> {
    of.losing(permission)
}

/// What goes when a role no longer includes another one.
pub struct Excluded {
    /// How many lose the other one, as text, of those who have the role; `None`: they are too
    /// many to be looked at.
    pub people: Option<String>,
    /// Roles that include the role, and lose it too.
    pub above: Vec<String>,
    /// What the role loses besides.
    pub roles: Vec<String>,
    pub permissions: Vec<String>,
}

pub fn exclude_lines(of: &Having<'_>, other: &str, lost: &Excluded) -> Vec<String> {
    let (role, how) = (of.role, of.how());
    let mut lines = vec![match (of.people, lost.people.as_deref()) {
        ("0", _) | (_, None) => of.first(other),
        ("1", Some("0")) => {
            format!("1 user has {role}{how} and keeps {other}: another role gives it.")
        }
        (all, Some("0")) => {
            format!("{all} users have {role}{how} and keep {other}: another role gives it.")
        }
        ("1", Some(_)) => format!("1 user has {role}{how} and loses {other} at once."),
        (all, Some(n)) if n == all => {
            format!("{all} users have {role}{how} and lose {other} at once.")
        }
        (all, Some(n)) => {
            let lose = if n == "1" { "1 loses" } else { &format!("{n} lose") };
            format!(
                "Of {all} users who have {role}{how} {lose} {other} at once. To the others \
                 another role gives it."
            )
        }
    }];
    if !lost.above.is_empty() {
        lines.push(of.above_too(&lost.above));
    }
    for (what, names) in
        [("the roles that it includes", &lost.roles), ("these permissions", &lost.permissions)]
    {
        if !names.is_empty() {
            lines.push(format!("With {other} go {what}: {}.", list(names)));
        }
    }
    lines
}

pub fn remove_grantor_title(grantor: &str, role: &str) -> String {
    format!("Remove the grantor {grantor} of the role {role}?")
}

/// `of`: who has the role that is the grantor.
pub fn remove_grantor_lines(of: &Having<'_>, role: &str) -> Vec<String> {
    let (grantor, how) = (of.role, of.how());
    let mut lines = vec![match of.people {
        "0" => format!("Nobody has {grantor}, so nobody loses the right to grant {role}."),
        "1" => format!(
            "1 user has {grantor}{how} and may no longer grant or revoke {role}, unless another \
             of their roles allows it."
        ),
        n => format!(
            "{n} users have {grantor}{how} and may no longer grant or revoke {role}, unless \
             another of their roles allows it."
        ),
    }];
    if !of.above.is_empty() {
        let above = list(of.above);
        lines.push(format!("Through {grantor}, that is also whoever has: {above}."));
    }
    lines.push("What they have granted stays.".to_owned());
    lines
}

/// An open session, as people know it.
pub struct Open<'a> {
    pub device: &'a str,
    pub address: &'a str,
    pub created: &'a str,
    pub last_seen: &'a str,
    /// It is that of the request.
    pub is_this: bool,
}

impl Open<'_> {
    fn lines(&self) -> Vec<String> {
        let Self { device, created, last_seen, .. } = self;
        let at = match self.address {
            "" => String::new(),
            address => format!(" at {address}"),
        };
        vec![
            format!("{device}{at}: signed in {created}, last used {last_seen}."),
            match self.is_this {
                true => "It is the one that you use now, so you are signed out.".to_owned(),
                false => "Whoever uses it is signed out at once.".to_owned(),
            },
        ]
    }
}

pub fn end_session_title(name: &str) -> String {
    format!("End this session of {}?", whole(name))
}

pub fn end_session_lines(open: &Open<'_>) -> Vec<String> {
    let again = "The password stays as it is, so this person can sign in again.".to_owned();
    [open.lines(), vec![again]].concat()
}

pub const END_OWN_TITLE: &str = "End this session?";

pub fn end_own_lines(open: &Open<'_>) -> Vec<String> {
    let again = "Your password stays as it is. Do you not know this session? Then change it.";
    [open.lines(), vec![again.to_owned()]].concat()
}

pub const END_OTHERS_TITLE: &str = "End all your other sessions?";

pub fn end_others_lines(sessions: usize) -> Vec<String> {
    vec![ending(sessions), "You stay signed in here.".to_owned()]
}

fn ending(sessions: usize) -> String {
    match sessions {
        0 => "There is no open session to end.".to_owned(),
        1 => "1 open session ends at once.".to_owned(),
        n => format!("{} end at once.", count(n as u64, "open session", "open sessions")),
    }
}
