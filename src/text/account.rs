//! `/account`.

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
pub const END_OTHERS: &str = "End all others…";
pub const RECORDS: &str = "What happened";
pub const RECORDS_INTRODUCTION: &str =
    "What you did and what was done to your account, newest first.";

/// Where a role comes from: `granted by ben on 22 Nov 2026`, `part of lead`, or both, and then
/// with the end of the grant. `grant`: by whom, when, until when.
pub fn origin(grant: Option<(String, String, Option<String>)>, parents: &str) -> String {
    let Some((by, on, until)) = grant else { return format!("part of {parents}") };
    let granted = format!("granted by {} on {on}", whole(&by));
    match (parents, until) {
        ("", _) => granted,
        (parents, Some(until)) => format!("{granted} until {until}; also part of {parents}"),
        (parents, None) => format!("{granted}; also part of {parents}"),
    }
}

/// Heads a list of permissions that is folded up; never said of one alone.
pub fn permission_count(count: usize) -> String {
    format!("{count} permissions")
}
