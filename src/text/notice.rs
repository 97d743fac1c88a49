//! What a page says once, after something was done (`Frame::notice`).

use super::{count, whole};

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

/// `until`: when that ends, if it does.
pub fn granted(role: &str, name: &str, until: Option<&str>) -> String {
    let end = until.map_or_else(|| "without end".to_owned(), |until| format!("until {until}"));
    format!("{} has {role} now, {end}.", whole(name))
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
