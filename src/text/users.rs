//! `/admin/users`, `/admin/users/new`.

pub const TITLE: &str = "Users";
pub const ADD: &str = "Add user";
pub const FILTERS: &str = "Search users";
pub const QUERY: &str = "Name or email begins with";
pub const ROLE: &str = "Role";
pub const EMPTY: &str = "Nobody here matches this search.";
pub const EMPTY_SO_FAR: &str = "Nobody among the first who were looked through; go on.";
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
pub const NEW_ROLES_HINT: &str = "Names of roles, with a space between them.";
