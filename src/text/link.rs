//! `/link`.

pub const TITLE: &str = "Choose a password";
pub const INTRODUCTION: &str =
    "Saving it signs this account out everywhere. After that, sign in with the new password.";
pub const SUBMIT: &str = "Save password";
pub fn setup_title(app_name: &str) -> String {
    format!("Welcome to {}", super::whole(app_name))
}

pub const SETUP_INTRODUCTION: &str =
    "Create the first administrator. This person can add everyone else.";
pub const SETUP_SUBMIT: &str = "Create administrator";

/// How long a link made by an administrator is good.
pub const GOOD_FOR_INVITATION: &str = "7 days";
pub const GOOD_FOR_PASSWORD: &str = "one hour";
pub const SHOWN_TITLE: &str = "One-time link for";
pub const SHOWN_ONCE: &str = "This page shows the link once. It is stored nowhere, so copy \
                              it now and pass it on by a way you trust.";
pub const SHOWN_LABEL: &str = "Link";
pub const SHOWN_GOOD_FOR: &str = "Good for";
pub const SHOWN_EFFECT: &str = "Whoever opens it chooses the password. It works once, and it \
                                voids the links of its kind made before.";
pub const COPY: &str = "Copy";
pub const COPIED: &str = "Copied";
pub const SHOWN_BACK: &str = "Done, back to the user";
/// For those who may not see the user.
pub const SHOWN_DONE: &str = "Done";
