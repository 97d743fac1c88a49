//! `/admin/roles`, `/admin/roles/new`.

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
