//! The answer of the explain form.

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
