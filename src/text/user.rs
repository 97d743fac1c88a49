//! `/admin/users/{id}`.

use super::count;

pub const PROFILE: &str = "Profile";
pub const DISPLAY_NAME: &str = "Display name";
pub const EMAIL: &str = "Email";
pub const SINCE: &str = "Here since";
pub const PASSWORD: &str = "Password";
pub const PASSWORD_SET: &str = "Set";
/// A password that the program made, after its one sign-in or its end.
pub const ONE_TIME_PASSWORD_OVER: &str =
    "The one-time password was used, or its time is over: a new one is due";
pub const NO_PASSWORD: &str = "Not set yet";

pub const ACTIONS: &str = "Sign-in";
pub const LINK: &str = "Make a one-time link";
pub const LINK_HINT: &str = "To choose a new password. It is shown once, on the next page.";
pub const ENABLE: &str = "Enable";
pub const DISABLED_HINT: &str = "This account is disabled: it keeps its roles, but cannot \
                                 sign in.";
pub const DISABLE: &str = "Disable…";
pub const REMOVE: &str = "Remove…";
pub const LAST_ADMIN: &str = "This is the only administrator who can sign in and whose role has \
                              no end. Make another one first: until then this account cannot be \
                              disabled or removed, nor lose the role admin.";
pub const END_SESSIONS: &str = "End all…";

pub const GRANTS: &str = "Roles";
pub const NO_GRANTS: &str = "No role is granted to this user.";
pub const GRANTED: &str = "Granted";
pub const BY: &str = "by";
/// When, and by whom.
pub fn granted(at: time::OffsetDateTime, by: &str) -> String {
    format!("{} {BY} {}", super::time(at), super::whole(by))
}

pub const REASON: &str = "Reason";
pub const UNTIL: &str = "Ends";
pub const ENDED: &str = "Ended";
pub const REVOKE: &str = "Revoke…";
/// A role that the list above has no room for.
pub const REVOKE_OTHER: &str = "Another role";
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
pub const NO_SESSIONS: &str = "This user is signed in nowhere.";
pub const RECORDS: &str = "What happened";

/// Leads to the sessions that the page has no room for.
pub fn all_sessions(number: usize) -> String {
    format!("All {}", count(number as u64, "session", "sessions"))
}

/// A password that the program made.
pub fn one_time_password(until: &str) -> String {
    format!("One-time password, good for one sign-in until {until}")
}

pub const CLEAR_TRIES: &str = "Forget the failed tries";

/// Strangers may try now, and wait longer after the next failure.
pub fn failed(failures: i64) -> String {
    format!("{failures} wrong passwords in a row came from unknown devices.")
}

/// Strangers have to wait after so many wrong passwords.
pub fn held_back(failures: i64, until: &str) -> String {
    format!(
        "{failures} wrong passwords in a row came from unknown devices, which have to wait until \
         {until}. A device that has signed in before is not held back."
    )
}

/// Strangers are not let through any more.
pub fn closed(failures: i64) -> String {
    format!(
        "{failures} wrong passwords in a row came from unknown devices, so only a device that has \
         signed in before may try. A one-time link opens the account again."
    )
}
