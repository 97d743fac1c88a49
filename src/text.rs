//! Every sentence and label that a person reads on a page, by page. Markup stands in `templates/`,
//! decisions elsewhere; each message of an error says what to do next.

/// Name of the product, as the wordmark and the window title show it.
pub const PRODUCT: &str = "rolecall";
/// Language of this file (BCP 47).
pub const LANGUAGE: &str = "en";

/// A count as people read it: `12,345`.
pub fn number(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut text = String::from(if count < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time as people read it, UTC: `22 Nov 2026, 21:53 UTC`.
pub fn time(at: time::OffsetDateTime) -> String {
    let (month, day) = (at.month().to_string(), at.day());
    let (year, hour, minute) = (at.year(), at.hour(), at.minute());
    format!("{day} {} {year}, {hour:02}:{minute:02} UTC", &month[..3])
}

/// A day as people read it: `22 Nov 2026`.
pub fn day(at: time::OffsetDateTime) -> String {
    format!("{} {} {}", at.day(), &at.month().to_string()[..3], at.year())
}

/// `1 session`, `12 sessions`.
fn count(number: u64, one: &str, more: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        other => {
            format!("{} {more}", self::number(i64::try_from(other).unwrap_or(i64::MAX)))
        }
    }
}

/// Keeps a name that is written from right to left from turning the sentence around it.
fn whole(name: &str) -> String {
    let turns = |sign: char| {
        matches!(u32::from(sign), 0x590..=0x8ff | 0x200e..=0x200f | 0x202a..=0x202e
            | 0x2066..=0x2069 | 0xfb1d..=0xfdff | 0xfe70..=0xfefc
            | 0x10800..=0x10fff | 0x1e800..=0x1efff)
    };
    if name.contains(turns) { format!("\u{2068}{name}\u{2069}") } else { name.to_owned() }
}

/// Around every page.
pub mod layout {
    pub const SKIP_TO_CONTENT: &str = "Skip to content";
    pub const HOME: &str = "rolecall, start page";
    pub const MAIN_NAVIGATION: &str = "Main";
    pub const SIGNED_IN_AS: &str = "Signed in as";
    pub const SIGN_OUT: &str = "Sign out";
    pub const FOOTER: &str = "Login and roles by rolecall";
    /// Stands before the title of a page that shows a problem.
    pub const TITLE_WITH_PROBLEM: &str = "Problem:";
}

/// Labels of the links in `Frame::nav`.
pub mod nav {
    pub const ACCOUNT: &str = "Account";
    pub const OVERVIEW: &str = "Overview";
    pub const USERS: &str = "Users";
    pub const ROLES: &str = "Roles";
    pub const SESSIONS: &str = "Sessions";
    pub const AUDIT: &str = "Audit";
}

/// What a page says once, after something was done (`Frame::notice`).
pub mod notice {
    use super::{count, whole};

    pub const SAVED: &str = "Saved.";
    pub const SIGNED_OUT: &str = "You are signed out.";
    pub const PASSWORD_SET: &str = "Your password is set. Sign in with it now.";
    pub const SETUP_DONE: &str = "The first administrator is set up. Sign in to begin.";

    /// After a person changed their password: `ended` counts the other sessions that ended with it.
    pub fn password_changed(ended: u64) -> String {
        match ended {
            0 => "Your password is changed.".to_owned(),
            1 => "Your password is changed, and 1 other session is signed out.".to_owned(),
            more => format!("Your password is changed, and {more} other sessions are signed out."),
        }
    }

    pub fn user_enabled(name: &str) -> String {
        format!("{} is enabled and can sign in again.", whole(name))
    }

    /// `sessions` ended with it.
    pub fn user_disabled(name: &str, sessions: u64) -> String {
        let name = whole(name);
        match sessions {
            0 => format!("{name} is disabled and cannot sign in."),
            n => format!("{name} is disabled. {}.", ended(n)),
        }
    }

    pub fn user_removed(name: &str) -> String {
        format!("{} is removed.", whole(name))
    }

    pub fn granted(role: &str, name: &str) -> String {
        format!("{} has {role} now.", whole(name))
    }

    pub fn revoked(role: &str, name: &str) -> String {
        format!("{role} is revoked from {}.", whole(name))
    }

    pub fn sessions_ended(n: u64) -> String {
        match n {
            0 => "There was no open session left to end.".to_owned(),
            n => format!("{}.", ended(n)),
        }
    }

    pub fn role_created(name: &str) -> String {
        format!("The role {name} is there. Give it permissions now.")
    }

    pub fn role_deleted(name: &str) -> String {
        format!("The role {name} is deleted.")
    }

    fn ended(sessions: u64) -> String {
        let verb = if sessions == 1 { "has" } else { "have" };
        format!("{} {verb} ended", count(sessions, "session", "sessions"))
    }
}

/// Shared by all forms: labels, hints, and what is wrong with a field.
pub mod form {
    pub const USERNAME: &str = "User name";
    pub const PASSWORD: &str = "Password";
    pub const NEW_PASSWORD: &str = "New password";
    pub const SHOW_PASSWORD: &str = "Show password";
    pub const SUMMARY: &str = "Nothing is saved yet. Please look at:";
    pub const USERNAME_HINT: &str = "Up to 64 characters, without @.";

    pub const USERNAME_REQUIRED: &str = "Enter a user name.";
    pub const USERNAME_INVALID: &str =
        "Choose a name of 1 to 64 letters, digits or signs, without @ or spaces.";
    pub const USERNAME_TAKEN: &str = "This name is taken. Choose another.";
    pub const PASSWORD_REQUIRED: &str = "Enter a password.";
    pub const PASSWORD_TOO_COMMON: &str =
        "This password is among the first that others would try. Choose a less common one.";
    pub const PASSWORD_HOLDS_NAME: &str =
        "This password is too close to your name. Choose another.";
    pub const PASSWORD_UNCHANGED: &str = "This is your current password. Choose a new one.";
    pub const CURRENT_PASSWORD_REQUIRED: &str = "Enter your current password.";
    pub const CURRENT_PASSWORD_WRONG: &str =
        "This is not your current password. Check it and enter it again.";

    pub const EMAIL_INVALID: &str =
        "This is no email address. It looks like name@example.org, or stays empty.";
    pub const EMAIL_TAKEN: &str =
        "This address belongs to another account, as its email or its name. Choose another.";
    pub const DISPLAY_NAME_INVALID: &str =
        "Use at most 200 characters, without line breaks or other signs that do not print.";
    pub const ROLE_NAME_INVALID: &str = "Use 1 to 64 small letters, digits, dots, dashes or \
                                         underscores, with a letter or digit first. Names that \
                                         begin with rolecall. are reserved.";
    pub const ROLE_EXISTS: &str = "There is a role of this name. Choose another.";
    pub const ROLE_UNKNOWN: &str = "There is no such role. Choose one from the list.";
    pub const DESCRIPTION_INVALID: &str =
        "Use at most 500 characters, without line breaks or other signs that do not print.";
    pub const PERMISSION_INVALID: &str =
        "Write a permission as noun:verb in small letters, such as reports:write.";
    pub const UNTIL_INVALID: &str = "Enter a day and a time, such as 2027-01-31 18:00, or \
                                     leave the field empty.";
    pub const UNTIL_PAST: &str = "This moment has passed. Choose a later one.";
    pub const REASON_INVALID: &str =
        "Use at most 500 characters, without line breaks or other signs that do not print.";
    pub const NOT_YOURS: &str =
        "Your own rights do not reach this far. Ask an administrator to do it.";
    pub const LAST_ADMIN: &str = "This would leave no administrator who can sign in and whose \
                                  role has no end. Make another one first.";

    pub const SAVE: &str = "Save changes";
    pub const CANCEL: &str = "Cancel";
    pub const OPTIONAL: &str = "(optional)";
    pub const SEARCH: &str = "Search";
    pub const SHOW: &str = "Show";
    pub const CLEAR: &str = "Clear";
    pub const ANY: &str = "Any";
    /// Heads what is stored now, when somebody else saved meanwhile.
    pub const MEANWHILE: &str = "Somebody else saved this while you were writing.";
    pub const MEANWHILE_INTRODUCTION: &str =
        "Your entries are still in the form. Saving it again replaces what is stored now:";
    pub const EMPTY: &str = "empty";

    pub const PASSWORD_UNPRINTABLE: &str =
        "A tab, a line break or another sign that does not print is in it. Leave that out.";

    /// Below the field for a new password.
    pub fn new_password_hint(min_length: usize) -> String {
        format!(
            "At least {min_length} characters. A few words that do not belong together work well."
        )
    }

    pub fn password_too_short(min_length: usize) -> String {
        format!("Use at least {min_length} characters.")
    }

    pub fn password_too_long(max_bytes: usize) -> String {
        format!("Use at most {max_bytes} bytes.")
    }
}

/// `/login`.
pub mod login {
    pub const TITLE: &str = "Sign in";
    pub const USERNAME: &str = "User name or email";
    pub const REMEMBER: &str = "Keep me signed in on this device";
    pub const SUBMIT: &str = "Sign in";
    pub const FORGOTTEN: &str =
        "Forgot your password? An administrator can send you a link to set a new one.";

    /// One message for every cause, so that it tells nobody which accounts there are.
    pub const REFUSED: &str = "That name and password do not match an account you can sign in to. \
                               Check both and try again.";
    pub const HELD_BACK: &str = "There were too many tries. Wait a few minutes, then try again.";
    pub const BUSY: &str = "Many people are signing in right now. Wait a moment, then try again.";
}

/// `/logout`.
pub mod logout {
    pub const TITLE: &str = "Sign out?";
    pub const EXPLANATION: &str = "You will need your password to come back.";
    pub const SUBMIT: &str = "Sign out";
    pub const STAY: &str = "Stay signed in";
}

/// `/link`.
pub mod link {
    pub const TITLE: &str = "Choose a password";
    pub const INTRODUCTION: &str =
        "Saving it signs this account out everywhere. After that, sign in with the new password.";
    pub const SUBMIT: &str = "Save password";
    pub const SETUP_TITLE: &str = "Welcome to rolecall";
    pub const SETUP_INTRODUCTION: &str =
        "Create the first administrator. This person can add everyone else.";
    pub const SETUP_SUBMIT: &str = "Create administrator";

    /// How long a link made by an administrator is good.
    pub const GOOD_FOR_INVITATION: &str = "7 days";
    pub const GOOD_FOR_PASSWORD: &str = "one hour";
    pub const SHOWN_TITLE: &str = "One-time link for";
    pub const SHOWN_ONCE: &str = "This page shows the link once. It is stored nowhere, so copy \
                                  it now and pass it on by a way you trust.";
    pub const SHOWN_LABEL: &str = "Link";
    pub const SHOWN_GOOD_FOR: &str = "Good for";
    pub const SHOWN_EFFECT: &str = "Whoever opens it chooses the password. It works once, and it \
                                    voids the links of its kind made before.";
    pub const COPY: &str = "Copy";
    pub const COPIED: &str = "Copied";
    pub const SHOWN_BACK: &str = "Done, back to the user";
}

/// `/account`.
pub mod account {
    use super::whole;

    pub const TITLE: &str = "Your account";
    pub const PROFILE: &str = "Profile";
    pub const DISPLAY_NAME: &str = "Display name";
    pub const EMAIL: &str = "Email";
    pub const NOT_SET: &str = "Not set";
    pub const ROLES: &str = "Roles";
    pub const NO_ROLES: &str = "You have no role yet. An administrator can give you one.";
    pub const ROLE: &str = "Role";
    pub const ROLE_ORIGIN: &str = "Where it comes from";
    pub const ROLE_UNTIL: &str = "Ends";
    pub const NO_END: &str = "No end";
    pub const PERMISSIONS: &str = "Permissions";
    pub const NO_PERMISSIONS: &str = "Your roles carry no permission.";
    pub const PERMISSION: &str = "Permission";
    pub const THROUGH: &str = "Through";
    pub const PASSWORD: &str = "Change password";
    pub const PASSWORD_INTRODUCTION: &str = "This signs you out on every other device.";
    pub const CURRENT_PASSWORD: &str = "Current password";
    pub const SUBMIT_PASSWORD: &str = "Change password";
    pub const SESSIONS: &str = "Where you are signed in";
    pub const SESSIONS_INTRODUCTION: &str =
        "Do you not know one of these? End it, then change your password.";
    pub const END_OTHERS: &str = "End all others";
    pub const RECORDS: &str = "What happened";
    pub const RECORDS_INTRODUCTION: &str =
        "What you did and what was done to your account, newest first.";

    /// Origin of a role that was granted: `granted by ben on 22 Nov 2026`.
    pub fn granted(by: &str, on: &str) -> String {
        format!("granted by {} on {on}", whole(by))
    }

    /// Origin of a role that another one includes.
    pub fn part_of(role: &str) -> String {
        format!("part of {role}")
    }
}

/// `/admin`.
pub mod overview {
    use super::number;

    pub const TITLE: &str = "Overview";
    pub const COUNTS: &str = "In numbers";
    pub const COUNT_USERS: &str = "Active users";
    pub const COUNT_DISABLED: &str = "Disabled";
    pub const COUNT_ROLES: &str = "Roles";
    pub const COUNT_SESSIONS: &str = "Sessions";
    pub const WARNING: &str = "Please note:";
    pub const ONE_ADMIN: &str = "Fewer than two people are administrators without an end. \
                                 Grant admin to a second person, so that nobody is locked out \
                                 when the first one is away.";
    pub const CHART: &str = "Sign-ins in the last 30 days";
    pub const CHART_EMPTY: &str = "Nobody has tried to sign in during the last 30 days.";
    pub const CHART_LOGINS: &str = "Signed in";
    pub const CHART_REFUSALS: &str = "Refused";
    pub const CHART_TABLE: &str = "The same as a table";
    pub const CHART_DAY: &str = "Day";
    pub const ENDING: &str = "Ending within 7 days";
    pub const ENDING_EMPTY: &str = "No grant ends in the next 7 days.";
    pub const RECORDS: &str = "Last changes";
    pub const RECORDS_EMPTY: &str = "Nothing has happened yet.";
    pub const ALL_RECORDS: &str = "Open the audit trail";

    /// The drawing in one sentence.
    pub fn chart(logins: i64, refusals: i64, highest: i64) -> String {
        format!(
            "{} signed in and {} were refused; at most {} on one day.",
            number(logins),
            number(refusals),
            number(highest)
        )
    }

    /// One day of the drawing, shown when it is pointed at.
    pub fn chart_day(day: &str, logins: i64, refusals: i64) -> String {
        format!("{day}: {} signed in, {} refused", number(logins), number(refusals))
    }
}

/// `/admin/users`, `/admin/users/new`.
pub mod users {
    pub const TITLE: &str = "Users";
    pub const ADD: &str = "Add user";
    pub const FILTERS: &str = "Search users";
    pub const QUERY: &str = "Name or email begins with";
    pub const ROLE: &str = "Role";
    pub const EMPTY: &str = "Nobody here matches this search.";
    pub const NAME: &str = "User";
    pub const EMAIL: &str = "Email";
    pub const ROLES: &str = "Roles";
    pub const STATUS: &str = "Status";
    pub const LAST_LOGIN: &str = "Last sign-in";
    pub const ACTIVE: &str = "Active";
    pub const DISABLED: &str = "Disabled";
    pub const NEVER: &str = "Never";
    pub const NONE: &str = "None";
    /// Values of the filter by last sign-in, with their labels.
    pub const LOGIN_FILTER: [(&str, &str); 4] = [
        ("30d", "Within 30 days"),
        ("not30d", "Not for 30 days"),
        ("not365d", "Not for a year"),
        ("never", "Never"),
    ];

    pub const NEW_TITLE: &str = "Add a user";
    pub const NEW_INTRODUCTION: &str = "You get an invitation link to pass on. Whoever opens it \
                                        chooses the password, which nobody else ever sees.";
    pub const NEW_SUBMIT: &str = "Add user and make the link";
    pub const NEW_ROLES: &str = "Roles from the start";
    pub const NEW_ROLES_HINT: &str = "Hold Ctrl or Command to choose several.";
}

/// `/admin/users/{id}`.
pub mod user {
    pub const PROFILE: &str = "Profile";
    pub const DISPLAY_NAME: &str = "Display name";
    pub const EMAIL: &str = "Email";
    pub const SINCE: &str = "Here since";
    pub const PASSWORD: &str = "Password";
    pub const PASSWORD_SET: &str = "Set";
    pub const NO_PASSWORD: &str = "Not set yet";

    pub const ACTIONS: &str = "Sign-in";
    pub const LINK: &str = "Make a one-time link";
    pub const LINK_HINT: &str = "To choose a new password. It is shown once, on the next page.";
    pub const ENABLE: &str = "Enable";
    pub const DISABLED_HINT: &str = "This account is disabled: it keeps its roles, but cannot \
                                     sign in.";
    pub const DISABLE: &str = "Disable…";
    pub const REMOVE: &str = "Remove…";
    pub const END_SESSIONS: &str = "End all…";

    pub const GRANTS: &str = "Roles";
    pub const NO_GRANTS: &str = "No role is granted to this user.";
    pub const GRANTED: &str = "Granted";
    pub const BY: &str = "by";
    pub const REASON: &str = "Reason";
    pub const UNTIL: &str = "Ends";
    pub const ENDED: &str = "Ended";
    pub const REVOKE: &str = "Revoke…";
    pub const GRANT: &str = "Grant a role";
    pub const GRANT_CHOOSE: &str = "Choose a role";
    pub const GRANT_UNTIL_HINT: &str = "In UTC. Empty: no end.";
    pub const GRANT_REASON_HINT: &str = "The user sees it, and the audit trail keeps it.";
    pub const GRANT_SUBMIT: &str = "Grant role";

    pub const PERMISSIONS: &str = "Permissions";
    pub const NO_PERMISSIONS: &str = "These roles carry no permission.";

    pub const EXPLAIN: &str = "May this user …?";
    pub const EXPLAIN_LABEL: &str = "Role or permission";
    pub const EXPLAIN_HINT: &str = "Such as editor or reports:write.";
    pub const EXPLAIN_SUBMIT: &str = "Explain";

    pub const SESSIONS: &str = "Sessions";
    pub const ALL_SESSIONS: &str = "All sessions of this user";
    pub const NO_SESSIONS: &str = "This user is signed in nowhere.";
    pub const RECORDS: &str = "What happened";
}

/// The answer of the explain form.
pub mod explain {
    use super::whole;

    pub const YES: &str = "Yes";
    pub const NO_HEAD: &str = "No";
    pub const NO: &str = "No role of this user leads to it.";
    pub const DISABLED: &str = "The account is disabled, whatever its roles are.";

    pub fn granted(
        user: &str,
        role: &str,
        by: &str,
        at: &str,
        until: Option<&str>,
        reason: &str,
    ) -> String {
        let end = until.map_or_else(|| "without end".to_owned(), |until| format!("until {until}"));
        let reason = match reason {
            "" => String::new(),
            reason => format!(" Reason: {}", whole(reason)),
        };
        let (user, by) = (whole(user), whole(by));
        format!("{user} was granted {role} by {by} on {at}, {end}.{reason}")
    }

    pub fn includes(role: &str, other: &str) -> String {
        format!("{role} includes {other}.")
    }

    pub fn permits(role: &str, what: &str) -> String {
        format!("{role} permits {what}.")
    }

    pub fn ended(role: &str, at: &str) -> String {
        format!("{role} led to it, but that grant ended on {at}.")
    }
}

/// Pages that ask before something ends.
pub mod confirm {
    use super::{count, whole};

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
            "Roles and profile are kept.".to_owned(),
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

    /// `holders` counts those who hold it directly, as text.
    pub fn delete_role_lines(holders: &str, included_in: &[String]) -> Vec<String> {
        let mut lines = vec![match holders {
            "0" => "Nobody holds it directly.".to_owned(),
            "1" => "1 user holds it and loses it at once.".to_owned(),
            n => format!("{n} users hold it and lose it at once."),
        }];
        if !included_in.is_empty() {
            let roles = included_in.join(", ");
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
}

/// `/admin/roles`, `/admin/roles/new`.
pub mod roles {
    pub const TITLE: &str = "Roles";
    pub const ADD: &str = "Add role";
    pub const EMPTY: &str = "There are no roles here. Add one with";
    pub const EMPTY_COMMAND: &str = "rolecall role add NAME";
    pub const NAME: &str = "Role";
    pub const BUILT_IN: &str = "Built in";
    pub const PERMISSIONS: &str = "Permissions";
    pub const EVERY_PERMISSION: &str = "Every permission";
    pub const INCLUDES: &str = "Includes";
    pub const HOLDERS: &str = "Held by";
    pub const NONE: &str = "None";

    pub const NEW_TITLE: &str = "Add a role";
    pub const NEW_INTRODUCTION: &str =
        "Name it now. Permissions and other roles are added on its page.";
    pub const NEW_NAME: &str = "Name";
    pub const NEW_NAME_HINT: &str = "Small letters, digits and . _ - such as team-lead. \
                                     The name stays as it is.";
    pub const NEW_SUBMIT: &str = "Add role";

    /// Heads a list of permissions that is folded up; never said of one alone.
    pub fn permission_count(count: usize) -> String {
        format!("{count} permissions")
    }

    /// Heads a list of names that is folded up.
    pub fn name_count(count: usize) -> String {
        format!("{count} roles")
    }
}

/// `/admin/roles/{name}`.
pub mod role {
    pub const DESCRIPTION: &str = "Description";
    pub const NO_DESCRIPTION: &str = "No description.";
    pub const DELETE: &str = "Delete…";
    pub const PERMISSIONS: &str = "Permissions";
    pub const NO_PERMISSIONS: &str = "This role carries no permission itself.";
    pub const HAS_ALL: &str =
        "This role has every permission there is, rolecall's and the applications'.";
    pub const ADD_PERMISSION: &str = "Add a permission";
    pub const ADD_PERMISSION_HINT: &str = "noun:verb, such as reports:write.";
    pub const INCLUDES: &str = "Includes";
    pub const INCLUDES_INTRODUCTION: &str = "Whoever has this role also has these.";
    pub const NO_INCLUDES: &str = "No other role.";
    pub const ADD_INCLUDE: &str = "Include a role";
    pub const INCLUDED_IN: &str = "Included in";
    pub const INCLUDED_IN_INTRODUCTION: &str = "Whoever has one of these also has this role.";
    pub const GRANTORS: &str = "Grantors";
    pub const GRANTORS_INTRODUCTION: &str =
        "Who has one of these roles and may see users may grant this role to others.";
    pub const NO_GRANTORS: &str = "No role.";
    pub const ADD_GRANTOR: &str = "Add a grantor";
    pub const CHOOSE: &str = "Choose a role";
    pub const ADD: &str = "Add";
    pub const REMOVE: &str = "Remove";
    pub const HOLDERS: &str = "Who has it";
    pub const NO_HOLDERS: &str = "Nobody holds this role directly.";
    pub const CSV: &str = "Download as CSV";

    /// How deep a line of a tree stands, for those who hear it; `depth` counts from 0.
    pub fn level(depth: usize) -> String {
        format!("Level {}:", depth + 1)
    }
}

/// Lists of sessions, and `/admin/sessions`.
pub mod sessions {
    pub const TITLE: &str = "Sessions";
    pub const FILTERS: &str = "Filter sessions";
    pub const FILTER_USER: &str = "User name or email";
    pub const NO_SUCH_USER: &str = "There is no user of this name or email. Check the spelling.";
    pub const EMPTY: &str = "There is no open session here.";
    pub const USER: &str = "User";
    pub const DEVICE: &str = "Device";
    pub const ADDRESS: &str = "Address";
    pub const CREATED: &str = "Signed in";
    pub const LAST_SEEN: &str = "Last used";
    pub const ACTION: &str = "Action";
    pub const THIS: &str = "This one";
    pub const UNKNOWN: &str = "Unknown";
    pub const UNKNOWN_DEVICE: &str = "Unknown device";
    pub const END: &str = "End";

    pub fn device(browser: &str, system: &str) -> String {
        format!("{browser} on {system}")
    }

    /// What a button says that ends one session, to those who hear it out of its row.
    pub fn end(device: &str, username: &str) -> String {
        format!("End the session of {username}, {device}")
    }
}

/// Ways from one page of a list to the next.
pub mod paging {
    pub const PAGES: &str = "Pages";
    pub const NEXT: &str = "Next page";
    pub const FIRST: &str = "First page";
}

/// The audit trail: `/admin/audit`, and records on other pages.
pub mod audit {
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
}

/// Error pages: a title and a message each, and the labels of what leads on.
pub mod error {
    pub const REQUEST_ID: &str = "Request ID";

    pub const TO_ACCOUNT: &str = "Go to your account";
    pub const TO_LOGIN: &str = "Go to sign-in";
    pub const TRY_AGAIN: &str = "Try again";
    pub const GO_BACK: &str = "Open the page again";

    pub const BAD_REQUEST_TITLE: &str = "This request could not be read";
    pub const BAD_REQUEST: &str = "Something in the address or the form is missing or garbled. \
                                   Open the page again and retry.";

    pub const FORBIDDEN_TITLE: &str = "This page needs another role";
    pub const FORBIDDEN: &str = "You are signed in, but none of your roles allows what you asked \
                                 for. Ask an administrator if you need it.";

    pub const CROSS_SITE_TITLE: &str = "This form came from elsewhere";
    pub const CROSS_SITE: &str = "To protect your account, forms are accepted from our own pages \
                                  only. Nothing was changed. Open the page here and send it again.";

    pub const FORM_EXPIRED_TITLE: &str = "This form is out of date";
    pub const FORM_EXPIRED: &str = "You signed in or out since the form was opened. Nothing was \
                                    changed. Open the page again and send it once more.";

    pub const TO_OVERVIEW: &str = "Go to the overview";
    pub const REFUSED_TITLE: &str = "This cannot be done";

    pub const NOT_FOUND_TITLE: &str = "There is no page here";
    pub const NOT_FOUND: &str = "Check the address, or start from your account.";

    pub const METHOD_NOT_ALLOWED_TITLE: &str = "This does not work here";
    pub const METHOD_NOT_ALLOWED: &str =
        "The page exists, but it cannot be used this way. Open it from its link or form.";

    pub const TOO_LARGE_TITLE: &str = "That was too much at once";
    pub const TOO_LARGE: &str =
        "The form was larger than we accept. Nothing was changed. Shorten it and send it again.";

    pub const UNSUPPORTED_FORM_TITLE: &str = "This form has the wrong format";
    pub const UNSUPPORTED_FORM: &str = "We accept forms as browsers send them \
                                        (application/x-www-form-urlencoded). Open the page and \
                                        send the form from there.";

    pub const MISDIRECTED_TITLE: &str = "This is not our address";
    pub const MISDIRECTED: &str = "You reached us under a name that is not set up here. Use the \
                                   address your administrator gave you. Administrators: the \
                                   setting public_url names it.";

    pub const HELD_BACK_TITLE: &str = "Too many tries";
    pub const HELD_BACK: &str = "Wait a few minutes, then try again.";

    pub const BUSY_TITLE: &str = "One moment, please";
    pub const BUSY: &str = "There is more to do right now than we can take on. Try again in a \
                            moment. Nothing was changed.";

    pub const DATABASE_TITLE: &str = "We will be right back";
    pub const DATABASE: &str = "Our database does not answer at the moment. You stay signed in. \
                                Try again in a moment.";

    pub const INTERNAL_TITLE: &str = "Something went wrong on our side";
    pub const INTERNAL: &str = "Try again. If it happens once more, give the request ID below to \
                                an administrator: it leads to the cause.";

    pub const LINK_INVALID_TITLE: &str = "This link does not work";
    pub const LINK_INVALID: &str = "It was used already, has expired, or was replaced by a newer \
                                    one. Ask an administrator for a new link. Administrators make \
                                    one with: rolecall user link NAME";

    pub const SETUP_DONE_TITLE: &str = "rolecall is already set up";
    pub const SETUP_DONE: &str = "There is an administrator, so this link has done its work. Sign \
                                  in, or ask that person for an account.";
}

#[cfg(test)]
mod tests {
    use super::{audit, whole};

    #[test]
    fn every_action_reads_as_words() {
        for (action, label) in audit::actions() {
            let sentence = audit::sentence(action, "kim", &|_| String::new());
            assert!(!sentence.contains(action), "{action}: {sentence}");
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
        let sentence = audit::sentence("grant.create", "kim", &detail);
        assert_eq!(sentence, "granted editor to kim until 1 Jan 2027, 00:00 UTC");
    }

    #[test]
    fn a_name_from_right_to_left_stays_within_itself() {
        assert_eq!(whole("kim"), "kim");
        assert_eq!(whole("مدير"), "\u{2068}مدير\u{2069}");
    }
}
