//! The audit trail: `/admin/audit`, and records on other pages.

use time::format_description::well_known::Rfc3339;

use super::{count, whole};

pub const TITLE: &str = "Audit";
pub const FILTERS: &str = "Filter records";
pub const ACTOR: &str = "Who did it";
pub const ACTOR_HINT: &str = "User name, email, or cli:name.";
pub const TARGET: &str = "To whom or what";
pub const TARGET_HINT: &str = "User name, email, or role.";
pub const ACTION: &str = "Action";
pub const FROM: &str = "From day";
pub const TO: &str = "To day";
pub const DAYS_HINT: &str = "In UTC, included.";
pub const RECORDS: &str = "Records";
pub const EMPTY: &str = "No record matches these filters.";
pub const NONE: &str = "There is no record yet.";
pub const CSV: &str = "Download as CSV";
pub const ADDRESS: &str = "Address";
pub const REQUEST: &str = "Request";
pub const BEFORE: &str = "before:";
pub const AFTER: &str = "after:";
pub const NOTHING: &str = "nothing";

pub const NO_SUCH_ACTOR: &str = "Nobody of this name ever did anything here. Check who did it.";
pub const NO_SUCH_TARGET: &str = "There is no user and no role of this name. Check the name.";
pub const DAY_INVALID: &str = "A day is written as 2026-11-22. Check both days.";

pub const VISITOR: &str = "Somebody not signed in";
pub const SYSTEM: &str = "rolecall";
pub const REMOVED_PERSON: &str = "a removed person";

/// Somebody at the command line, by the name of the OS user.
pub fn operator(name: &str) -> String {
    format!("Operator {}", whole(name))
}

/// Every action with its label, for the filter.
pub fn actions() -> &'static [(&'static str, &'static str)] {
    &ACTIONS
}

const ACTIONS: [(&str, &str); 29] = [
    ("session.create", "Sign-in"),
    ("login.refuse", "Sign-in refused"),
    ("session.end", "Session ended"),
    ("user.sessions_end", "All sessions of a user ended"),
    ("sessions.end_all", "All sessions ended"),
    ("user.create", "User added"),
    ("user.edit", "User edited"),
    ("user.enable", "User enabled"),
    ("user.disable", "User disabled"),
    ("user.remove", "User removed"),
    ("user.password", "Password set"),
    ("user.hash_renew", "Password hash renewed"),
    ("link.invite", "Invitation link made"),
    ("link.password", "Password link made"),
    ("link.setup", "Setup link made"),
    ("setup.finish", "Setup finished"),
    ("grant.create", "Role granted"),
    ("grant.delete", "Role revoked"),
    ("grant.end", "Grant ended by itself"),
    ("role.create", "Role added"),
    ("role.describe", "Role described"),
    ("role.delete", "Role deleted"),
    ("role.allow", "Permission added"),
    ("role.deny", "Permission taken away"),
    ("role.include", "Role included"),
    ("role.exclude", "Role no longer included"),
    ("role.grantor_add", "Grantor added"),
    ("role.grantor_remove", "Grantor taken away"),
    ("key.rotate", "Key rotated"),
];

/// What was done, without its subject: `granted editor to kim until 1 Jan 2027, 00:00 UTC`.
/// `detail` gives a value of the record's detail by its path, or nothing.
pub fn sentence(action: &str, target: &str, detail: &dyn Fn(&str) -> String) -> String {
    let to = whole(target);
    match action.split_once('.').unwrap_or_default() {
        ("user", "sessions_end") => of_user_ended(&to, &detail("ended")),
        ("user", _) => of_user(action, &to, detail),
        ("grant", _) => of_grant(action, &to, detail),
        ("role", _) => of_role(action, target, detail),
        ("session" | "sessions" | "login", _) => of_session(action, &to, detail),
        ("link" | "setup" | "key", _) => of_link_or_key(action, &to),
        _ => format!("{action} {to}"),
    }
}

fn of_user(action: &str, user: &str, detail: &dyn Fn(&str) -> String) -> String {
    let ended = ended_with_it(&detail("sessions_ended"));
    match action {
        "user.create" => format!("added {user}"),
        "user.edit" => format!("edited the profile of {user}"),
        "user.enable" => format!("enabled {user}"),
        "user.disable" => format!("disabled {user}{ended}"),
        "user.remove" => format!("removed {user}{ended}"),
        "user.password" if detail("one_time") == "true" => {
            format!("made a password for {user} that is good for one sign-in{ended}")
        }
        "user.password" => format!("set the password of {user}{ended}"),
        "user.hash_renew" => {
            format!("had the password of {user} stored under the current settings")
        }
        other => format!("{other} {user}"),
    }
}

fn of_user_ended(user: &str, ended: &str) -> String {
    match sessions(ended) {
        Some(sessions) => format!("ended {sessions} of {user}"),
        None => format!("ended all sessions of {user}; none was open"),
    }
}

fn of_grant(action: &str, user: &str, detail: &dyn Fn(&str) -> String) -> String {
    let role = detail("role");
    let end = match detail("after.until") {
        until if until.is_empty() => String::new(),
        until => format!(" until {}", value("until", &until)),
    };
    match action {
        "grant.create" if detail("before").is_empty() => {
            format!("granted {role} to {user}{end}")
        }
        "grant.create" if end.is_empty() => {
            format!("changed the grant of {role} to {user}, now without end")
        }
        "grant.create" => format!("changed the grant of {role} to {user}, now{end}"),
        "grant.delete" => format!("revoked {role} from {user}"),
        "grant.end" => format!("took {role} from {user}, as its end had come"),
        other => format!("{other} {role} {user}"),
    }
}

fn of_role(action: &str, role: &str, detail: &dyn Fn(&str) -> String) -> String {
    let (permission, other, grantor) =
        (detail("permission"), detail("includes"), detail("grantor"));
    match action {
        "role.create" => format!("added the role {role}"),
        "role.describe" => format!("changed the description of {role}"),
        "role.delete" => format!("deleted the role {role}"),
        "role.allow" => format!("gave {role} the permission {permission}"),
        "role.deny" => format!("took the permission {permission} from {role}"),
        "role.include" => format!("made {role} include {other}"),
        "role.exclude" => format!("made {role} no longer include {other}"),
        "role.grantor_add" => format!("let holders of {grantor} grant {role}"),
        "role.grantor_remove" => format!("stopped holders of {grantor} from granting {role}"),
        action => format!("{action} {role}"),
    }
}

fn of_session(action: &str, user: &str, detail: &dyn Fn(&str) -> String) -> String {
    match action {
        "session.create" if detail("remember") == "true" => {
            "signed in, to stay signed in on that device".to_owned()
        }
        "session.create" => "signed in".to_owned(),
        "session.end" => format!("ended a session of {user}"),
        "sessions.end_all" => match sessions(&detail("ended")) {
            Some(sessions) => format!("ended everybody's sessions, {sessions} in all"),
            None => "ended everybody's sessions; none was open".to_owned(),
        },
        "login.refuse" if user.is_empty() => {
            "was refused at sign-in with a name that does not exist".to_owned()
        }
        "login.refuse" => format!("was refused at sign-in as {user}"),
        other => format!("{other} {user}"),
    }
}

fn of_link_or_key(action: &str, target: &str) -> String {
    match action {
        "link.invite" => format!("made an invitation link for {target}"),
        "link.password" => format!("made a link for {target} to choose a new password"),
        "link.setup" => "made the link that sets up the first administrator".to_owned(),
        "setup.finish" => format!("set up {target} as the first administrator"),
        "key.rotate" => format!("put the new key {target} to use"),
        other => format!("{other} {target}"),
    }
}

fn ended_with_it(ended: &str) -> String {
    sessions(ended).map(|sessions| format!(", which ended {sessions}")).unwrap_or_default()
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
    use super::{actions, sentence};

    #[test]
    fn every_action_reads_as_words() {
        for (action, label) in actions() {
            let text = sentence(action, "kim", &|_| String::new());
            assert!(!text.contains(action), "{action}: {text}");
            assert!(!label.is_empty());
        }
    }

    #[test]
    fn a_grant_says_its_end_in_plain_words() {
        let detail = |key: &str| match key {
            "role" => "editor".to_owned(),
            "after.until" => "2027-01-01T00:00:00Z".to_owned(),
            _ => String::new(),
        };
        let text = sentence("grant.create", "kim", &detail);
        assert_eq!(text, "granted editor to kim until 1 Jan 2027, 00:00 UTC");
    }
}
