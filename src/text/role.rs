//! `/admin/roles/{name}`.

pub const DESCRIPTION: &str = "Description";
pub const NO_DESCRIPTION: &str = "No description.";
pub const DELETE: &str = "Delete…";
pub const LIMITS: &str = "Sessions";
pub const LIMITS_INTRODUCTION: &str = "Whoever has this role is signed out after this time. Of all their roles and the settings, the \
     shortest counts.";
pub const IDLE: &str = "Without use";
pub const ABSOLUTE: &str = "In all";
pub const LIMIT_HINT: &str = "Such as 15m, 8h or 30d; empty for no limit.";
pub const SAVE_LIMITS: &str = "Save limits";
pub const NO_LIMITS: &str = "As the settings say.";
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
pub const REMOVE: &str = "Remove…";
/// What the lists have no room for.
pub const HOLDERS: &str = "Who holds it directly";
pub const NO_HOLDERS: &str = "Nobody holds this role directly.";
pub const CSV: &str = "Download as CSV";

/// How deep a line of a tree stands, for those who hear it; `depth` counts from 0.
pub fn level(depth: usize) -> String {
    format!("Level {}:", depth + 1)
}
