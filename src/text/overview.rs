//! `/admin`.

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
/// The same for those who may not grant that role.
pub const ONE_ADMIN_ASK: &str = "Fewer than two people are administrators without an end. \
                                 Ask an administrator to make a second one, so that nobody is \
                                 locked out when the first one is away.";
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
