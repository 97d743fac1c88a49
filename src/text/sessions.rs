//! Lists of sessions, and `/admin/sessions`.

pub const TITLE: &str = "Sessions";
pub const FILTERS: &str = "Filter sessions";
pub const FILTER_USER: &str = "User name or email";
pub const NO_SUCH_USER: &str = "There is no user of this name or email. Check the spelling.";
pub const EMPTY: &str = "There is no open session here.";
pub const USER: &str = "User";
pub const DEVICE: &str = "Device";
pub const ADDRESS: &str = "Address";
pub const CREATED: &str = "Signed in";
pub const LAST_SEEN: &str = "Last used";
pub const ACTION: &str = "Action";
pub const THIS: &str = "This one";
pub const UNKNOWN: &str = "Unknown";
pub const UNKNOWN_DEVICE: &str = "Unknown device";
pub const END: &str = "End…";

pub fn device(browser: &str, system: &str) -> String {
    format!("{browser} on {system}")
}

/// What a link says that ends one session, to those who hear it out of its row.
pub fn end(device: &str, username: &str) -> String {
    format!("End the session of {username}, {device}")
}
