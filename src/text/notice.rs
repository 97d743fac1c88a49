//! What a page says once, after something was done (`Frame::notice`). It waits in the session,
//! which holds no name and no role.

use super::count;

pub const SAVED: &str = "Saved.";
pub const TRIES_CLEARED: &str = "The failed tries are forgotten.";
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

pub const USER_ENABLED: &str = "The account is enabled and can be signed in to again.";
pub const USER_REMOVED: &str = "The user is removed.";
pub const REVOKED: &str = "The role is revoked.";
pub const ROLE_CREATED: &str = "The role is there. Give it permissions now.";
pub const ROLE_DELETED: &str = "The role is deleted.";

/// `sessions` ended with it.
pub fn user_disabled(sessions: u64) -> String {
    match sessions {
        0 => "The account is disabled: nobody can sign in to it.".to_owned(),
        n => format!("The account is disabled: nobody can sign in to it. {}.", ended(n)),
    }
}

/// `until`: when that ends, if it does.
pub fn granted(until: Option<&str>) -> String {
    match until {
        Some(until) => format!("The role is granted until {until}."),
        None => "The role is granted, without end.".to_owned(),
    }
}

pub fn sessions_ended(n: u64) -> String {
    match n {
        0 => "There was no open session left to end.".to_owned(),
        n => format!("{}.", ended(n)),
    }
}

fn ended(sessions: u64) -> String {
    let verb = if sessions == 1 { "has" } else { "have" };
    format!("{} {verb} ended", count(sessions, "session", "sessions"))
}
