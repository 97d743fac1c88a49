//! Shared by all forms: labels, hints, and what is wrong with a field.

use super::{account, role, roles, user, users};
use crate::auth::password::{MAX_BYTES, PasswordError};

pub const USERNAME: &str = "User name";
pub const PASSWORD: &str = "Password";
pub const NEW_PASSWORD: &str = "New password";
pub const SHOW_PASSWORD: &str = "Show password";
pub const SUMMARY: &str = "Nothing is saved yet. Please look at:";
pub const USERNAME_HINT: &str = "Up to 64 characters, without @.";

pub const USERNAME_INVALID: &str = "Choose a name of 1 to 64 letters, digits or signs, without @ or spaces. application, system, visitor, \
     rolecall and what begins with cli: are reserved.";
pub const USERNAME_TAKEN: &str = "This name is taken. Choose another.";
pub const USERNAME_LOOKS_TAKEN: &str =
    "This name would be mistaken for that of somebody else. Choose one that looks different.";
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
pub const ROLE_HELD: &str = "This user has the role already. To change the grant, enter another \
                             end or reason; to take its end away, revoke it first.";
pub const ROLE_UNKNOWN: &str = "There is no such role. Check its name.";
pub const ROLE_MISSING: &str = "Choose a role.";
pub const DESCRIPTION_INVALID: &str =
    "Use at most 500 characters, without line breaks or other signs that do not print.";
pub const LIMIT_INVALID: &str =
    "Write a length of time from 1m to 3650d, such as 15m, 8h or 30d, or leave the field empty.";
pub const PERMISSION_INVALID: &str =
    "Write a permission as noun:verb in small letters, such as reports:write.";
pub const UNTIL_INVALID: &str = "Enter a day and a time, such as 2027-01-31 18:00, or \
                                 leave the field empty.";
pub const UNTIL_PAST: &str = "This moment has passed. Choose a later one.";
pub const REASON_INVALID: &str =
    "Use at most 500 characters, without line breaks or other signs that do not print.";
pub const NOT_YOURS: &str = "Your own rights do not reach this far. Ask an administrator to do it.";
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
/// The same of a grant, which a long list may have left out.
pub const GRANT_MEANWHILE: &str = "This role's grant is another than your page showed: somebody was faster, or the page left \
     it out.";
pub const NOT_GRANTED: &str = "not granted";
pub const EMPTY: &str = "empty";

/// What people know a field by; none, if they do not enter it themselves.
pub fn label(field: &str) -> Option<&'static str> {
    Some(match field {
        "username" => USERNAME,
        "email" => user::EMAIL,
        "display_name" => user::DISPLAY_NAME,
        "role" | "other" => users::ROLE,
        "until" => user::UNTIL,
        "reason" => user::REASON,
        "name" => roles::NEW_NAME,
        "description" => role::DESCRIPTION,
        "permission" => account::PERMISSION,
        "idle_timeout" => role::IDLE,
        "absolute_timeout" => role::ABSOLUTE,
        _ => return None,
    })
}

/// Below the field for a new password.
pub fn new_password_hint(min_length: usize) -> String {
    format!("At least {min_length} characters. A few words that do not belong together work well.")
}

/// Why a new password is not taken.
pub fn password_problem(error: PasswordError) -> String {
    match error {
        PasswordError::TooShort(least) => format!("Use at least {least} characters."),
        PasswordError::TooLong => format!("Use at most {MAX_BYTES} bytes."),
        PasswordError::Unprintable => "A tab, a line break or another sign that does not print \
                                       is in it. Leave that out."
            .to_owned(),
        PasswordError::Common => "This password is among the first that others would try. Choose \
                                  a less common one."
            .to_owned(),
        PasswordError::AboutYou => "This password is too close to your name, your email or our \
                                    name. Choose another."
            .to_owned(),
        PasswordError::Weak(why) => format!(
            "This password would be guessed soon: {why}. Use a few words that do not belong \
             together."
        ),
    }
}
