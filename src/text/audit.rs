//! The audit trail: `/admin/audit`, and records on other pages.

use time::format_description::well_known::Rfc3339;

use super::{count, whole};
use crate::db::audit::Action;

pub const TITLE: &str = "Audit";
pub const FILTERS: &str = "Filter records";
pub const ACTOR: &str = "Who did it";
pub const ACTOR_HINT: &str = "User name, email, or as the records call them.";
pub const TARGET: &str = "To whom or what";
pub const TARGET_HINT: &str =
    "User name, email, role or permission; role editor for the role alone.";
pub const ACTION: &str = "Action";
pub const FROM: &str = "From day";
pub const TO: &str = "To day";
pub const DAYS_HINT: &str = "In UTC, included.";
pub const RECORDS: &str = "Records";
pub const EMPTY: &str = "No record matches these filters.";
pub const NONE: &str = "There is no record yet.";
/// Ends a file that could not hold all.
pub const CSV_CUT: &str = "More records match. Ask for fewer days, one action or one person.";
pub const OLDER: &str = "Older records";
pub const CSV: &str = "Download as CSV";
pub const ADDRESS: &str = "Address";
pub const REQUEST: &str = "Request";
pub const BEFORE: &str = "before:";
pub const AFTER: &str = "after:";
pub const NOTHING: &str = "nothing";

pub const NO_SUCH_ACTOR: &str = "There is nobody of this name. Check who did it; whoever was \
                                 renamed long ago is found by the present name or by id.";
pub const NO_SUCH_TARGET: &str = "There is no user, role or permission of this name. Check the name; whoever was renamed long \
     ago is found by the present name or by id.";
pub const DAY_INVALID: &str = "A day is written as 2026-11-22. Check both days.";

pub const VISITOR: &str = "Somebody not signed in";
pub const APPLICATION: &str = "The application";
pub const SYSTEM: &str = "rolecall";
pub const REMOVED_PERSON: &str = "a removed person";

/// The same, to be told from others: by the end of the id, since ids begin with their time.
pub fn removed_person(id: &str) -> String {
    let end = id.len().saturating_sub(8);
    format!("{REMOVED_PERSON} (…{})", &id[end..])
}

/// Somebody at the command line, by the name of the OS user.
pub fn operator(name: &str) -> String {
    format!("Operator {}", whole(name))
}

/// What the trail has for an actor who is no user, as the page or the command line calls them.
pub fn label_of_actor(shown: &str) -> Option<String> {
    match shown {
        "visitor" | VISITOR => Some("visitor".to_owned()),
        "application" | APPLICATION => Some("application".to_owned()),
        "system" | SYSTEM => Some("system".to_owned()),
        shown if shown.starts_with("cli:") => Some(shown.to_owned()),
        shown => shown.strip_prefix("Operator ").map(|name| format!("cli:{name}")),
    }
}

/// Every action with its label, for the filter.
pub fn actions() -> Vec<(&'static str, &'static str)> {
    Action::ALL.iter().map(|action| (action.name(), action_label(*action))).collect()
}

fn action_label(action: Action) -> &'static str {
    use Action as A;
    match action {
        A::SessionCreate => "Sign-in",
        A::LoginRefuse => "Sign-in refused",
        A::SessionProve => "Password entered again",
        A::SessionEnd => "Session ended",
        A::UserSessionsEnd => "All sessions of a user ended",
        A::SessionsEndAll => "All sessions ended",
        A::UserCreate => "User added",
        A::UserEdit => "User edited",
        A::UserEnable => "User enabled",
        A::UserDisable => "User disabled",
        A::UserRemove => "User removed",
        A::UserPassword => "Password set",
        A::UserPasswordRefuse => "Current password wrong",
        A::UserHashRenew => "Password hash renewed",
        A::UsersImport => "Users imported",
        A::LinkInvite => "Invitation link made",
        A::LinkPassword => "Password link made",
        A::LinkSetup => "Setup link made",
        A::SetupFinish => "Setup finished",
        A::GrantCreate => "Role granted",
        A::GrantDelete => "Role revoked",
        A::GrantEnd => "Grant ended by itself",
        A::RoleCreate => "Role added",
        A::RoleDescribe => "Role described",
        A::RoleDelete => "Role deleted",
        A::RoleAllow => "Permission added",
        A::RoleDeny => "Permission taken away",
        A::RoleInclude => "Role included",
        A::RoleExclude => "Role no longer included",
        A::RoleLimit => "Role's sessions limited",
        A::RoleGrantorAdd => "Grantor added",
        A::RoleGrantorRemove => "Grantor taken away",
        A::ThrottleClose => "Closed to unknown devices",
        A::ThrottleClear => "Failed tries cleared",
        A::PermissionCreate => "Permission declared",
        A::PermissionDescribe => "Permission described",
        A::PermissionDelete => "Permission removed",
        A::KeyRotate => "Key rotated",
        A::AuditExport => "Audit trail exported",
        A::AuditPrune => "Audit trail pruned",
    }
}

/// What was done, without its subject: `granted editor to kim until 1 Jan 2027, 00:00 UTC`.
/// `detail` gives a value of the record's detail by its path, or nothing.
pub fn sentence(action: Action, target: &str, detail: &dyn Fn(&str) -> String) -> String {
    use Action as A;
    let to = whole(target);
    let with_sessions = || {
        let ended = sessions(&detail("sessions_ended"));
        ended.map(|sessions| format!(", which ended {sessions}")).unwrap_or_default()
    };
    match action {
        A::SessionCreate if detail("remember") == "true" => {
            "signed in, to stay signed in on that device".to_owned()
        }
        A::SessionCreate => "signed in".to_owned(),
        A::SessionProve => "entered the password again".to_owned(),
        A::SessionEnd if detail("reason") == "limit" => {
            format!("ended the oldest session of {to}, as no more may be open")
        }
        A::SessionEnd => format!("ended a session of {to}"),
        A::LoginRefuse if to.is_empty() => {
            "was refused at sign-in with a name that does not exist".to_owned()
        }
        A::LoginRefuse => format!("was refused at sign-in as {to}"),
        A::UserSessionsEnd => match sessions(&detail("ended")) {
            Some(sessions) => format!("ended {sessions} of {to}"),
            None => format!("ended all sessions of {to}; none was open"),
        },
        A::SessionsEndAll => match sessions(&detail("ended")) {
            Some(sessions) => format!("ended everybody's sessions, {sessions} in all"),
            None => "ended everybody's sessions; none was open".to_owned(),
        },
        A::UserCreate => format!("added {to}"),
        A::UserEdit => format!("edited the profile of {to}"),
        A::UserEnable => format!("enabled {to}"),
        A::UserDisable => format!("disabled {to}{}", with_sessions()),
        A::UserRemove => format!("removed {to}{}", with_sessions()),
        A::UserPassword if detail("one_time") == "true" => {
            format!("made a password for {to} that is good for one sign-in{}", with_sessions())
        }
        A::UserPassword => format!("set the password of {to}{}", with_sessions()),
        A::UserPasswordRefuse => format!("gave a wrong current password for {to}"),
        A::UserHashRenew => format!("had the password of {to} stored under the current settings"),
        A::UsersImport => match detail("made").parse() {
            Ok(made) => format!("imported {}", count(made, "user", "users")),
            Err(_) => "imported users".to_owned(),
        },
        A::LinkInvite => format!("made an invitation link for {to}"),
        A::LinkPassword => format!("made a link for {to} to choose a new password"),
        A::LinkSetup => "made the link that sets up the first administrator".to_owned(),
        A::SetupFinish => format!("set up {to} as the first administrator"),
        A::GrantCreate => granted(&to, detail),
        A::GrantDelete => format!("revoked {} from {to}", detail("role")),
        A::GrantEnd => format!("took {} from {to}, as its end had come", detail("role")),
        A::ThrottleClose => format!("closed {to} to unknown devices after many wrong passwords"),
        A::ThrottleClear if to.is_empty() => "cleared failed tries".to_owned(),
        A::ThrottleClear => format!("cleared the failed tries at {to}"),
        A::PermissionCreate => format!("declared the permission {target}"),
        A::PermissionDescribe => format!("changed the description of {target}"),
        A::PermissionDelete => format!("removed the permission {target}"),
        A::KeyRotate => format!("put the new key {target} to use"),
        A::AuditExport if detail("since").is_empty() => "exported the audit trail".to_owned(),
        A::AuditExport => {
            format!("exported the audit trail since {}", value("until", &detail("since")))
        }
        A::AuditPrune => {
            format!("deleted audit records from before {}", value("until", &detail("before")))
        }
        of_role => changed_role(of_role, target, detail),
    }
}

fn granted(user: &str, detail: &dyn Fn(&str) -> String) -> String {
    let role = detail("role");
    let end = match detail("after.until") {
        until if until.is_empty() => String::new(),
        until => format!(" until {}", value("until", &until)),
    };
    if detail("before").is_empty() {
        format!("granted {role} to {user}{end}")
    } else if end.is_empty() {
        format!("changed the grant of {role} to {user}, now without end")
    } else {
        format!("changed the grant of {role} to {user}, now{end}")
    }
}

fn changed_role(action: Action, role: &str, detail: &dyn Fn(&str) -> String) -> String {
    use Action as A;
    match action {
        A::RoleCreate => format!("added the role {role}"),
        A::RoleDescribe => format!("changed the description of {role}"),
        A::RoleDelete => format!("deleted the role {role}"),
        A::RoleAllow => format!("gave {role} the permission {}", detail("permission")),
        A::RoleDeny => format!("took the permission {} from {role}", detail("permission")),
        A::RoleInclude => format!("made {role} include {}", detail("includes")),
        A::RoleExclude => format!("made {role} no longer include {}", detail("includes")),
        A::RoleLimit => format!("changed how long sessions with {role} last"),
        A::RoleGrantorAdd => format!("let holders of {} grant {role}", detail("grantor")),
        A::RoleGrantorRemove => {
            format!("stopped holders of {} from granting {role}", detail("grantor"))
        }
        other => format!("{} {role}", other.name()),
    }
}

fn sessions(ended: &str) -> Option<String> {
    let number = ended.parse().ok().filter(|number| *number > 0)?;
    Some(count(number, "session", "sessions"))
}

/// What a value is, beside before and after.
pub fn label(key: &str) -> &'static str {
    match key {
        "username" => "User name",
        "email" => "Email",
        "display_name" => "Display name",
        "description" => "Description",
        "until" => "Ends",
        "reason" => "Reason",
        "idle_timeout" => super::role::IDLE,
        "absolute_timeout" => super::role::ABSOLUTE,
        _ => "Value",
    }
}

/// A value before or after, as people read it.
pub fn value(key: &str, value: &str) -> String {
    match (key, time::OffsetDateTime::parse(value, &Rfc3339)) {
        ("until", Ok(at)) => super::time(at),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, sentence};

    #[test]
    fn every_action_reads_as_words() {
        for action in Action::ALL {
            let text = sentence(*action, "kim", &|_| String::new());
            assert!(!text.contains(action.name()), "{text}");
        }
    }

    #[test]
    fn a_grant_says_its_end_in_plain_words() {
        let detail = |key: &str| match key {
            "role" => "editor".to_owned(),
            "after.until" => "2027-01-01T00:00:00Z".to_owned(),
            _ => String::new(),
        };
        let text = sentence(Action::GrantCreate, "kim", &detail);
        assert_eq!(text, "granted editor to kim until 1 Jan 2027, 00:00\u{a0}UTC");
    }
}
