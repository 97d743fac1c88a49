//! Every sentence and label that a person reads on a page, by page. Markup stands in `templates/`,
//! decisions elsewhere; each message of an error says what to do next.

/// Name of the product, as the wordmark and the window title show it.
pub const PRODUCT: &str = "rolecall";
/// Language of this file (BCP 47).
pub const LANGUAGE: &str = "en";

/// A count as people read it: `12,345`.
pub fn number(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut text = String::from(if count < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time as people read it, UTC: `22 Nov 2026, 21:53 UTC`.
pub fn time(at: time::OffsetDateTime) -> String {
    let (month, day) = (at.month().to_string(), at.day());
    let (year, hour, minute) = (at.year(), at.hour(), at.minute());
    format!("{day} {} {year}, {hour:02}:{minute:02} UTC", &month[..3])
}

/// Around every page.
pub mod layout {
    pub const SKIP_TO_CONTENT: &str = "Skip to content";
    pub const HOME: &str = "rolecall, start page";
    pub const MAIN_NAVIGATION: &str = "Main";
    pub const SIGNED_IN_AS: &str = "Signed in as";
    pub const SIGN_OUT: &str = "Sign out";
    pub const FOOTER: &str = "Login and roles by rolecall";
    /// Stands before the title of a page that shows a problem.
    pub const TITLE_WITH_PROBLEM: &str = "Problem:";
}

/// Labels of the links in `Frame::nav`.
pub mod nav {
    pub const ACCOUNT: &str = "Account";
    pub const OVERVIEW: &str = "Overview";
    pub const USERS: &str = "Users";
    pub const ROLES: &str = "Roles";
}

/// What a page says once, after something was done (`Frame::notice`).
pub mod notice {
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
}

/// Shared by all forms: labels, hints, and what is wrong with a field.
pub mod form {
    pub const USERNAME: &str = "User name";
    pub const PASSWORD: &str = "Password";
    pub const NEW_PASSWORD: &str = "New password";
    pub const SHOW_PASSWORD: &str = "Show password";
    pub const SUMMARY: &str = "Nothing is saved yet. Please look at:";
    pub const USERNAME_HINT: &str = "Up to 64 characters, without @.";

    pub const USERNAME_REQUIRED: &str = "Enter a user name.";
    pub const USERNAME_INVALID: &str =
        "Choose a name of 1 to 64 letters, digits or signs, without @ or spaces.";
    pub const USERNAME_TAKEN: &str = "This name is taken. Choose another.";
    pub const PASSWORD_REQUIRED: &str = "Enter a password.";
    pub const PASSWORD_TOO_COMMON: &str =
        "This password is among the first that others would try. Choose a less common one.";
    pub const PASSWORD_HOLDS_NAME: &str =
        "This password is too close to your name. Choose another.";
    pub const PASSWORD_UNCHANGED: &str = "This is your current password. Choose a new one.";
    pub const CURRENT_PASSWORD_REQUIRED: &str = "Enter your current password.";
    pub const CURRENT_PASSWORD_WRONG: &str =
        "This is not your current password. Check it and enter it again.";

    pub const PASSWORD_UNPRINTABLE: &str =
        "A tab, a line break or another sign that does not print is in it. Leave that out.";

    /// Below the field for a new password.
    pub fn new_password_hint(min_length: usize) -> String {
        format!(
            "At least {min_length} characters. A few words that do not belong together work well."
        )
    }

    pub fn password_too_short(min_length: usize) -> String {
        format!("Use at least {min_length} characters.")
    }

    pub fn password_too_long(max_bytes: usize) -> String {
        format!("Use at most {max_bytes} bytes.")
    }
}

/// `/login`.
pub mod login {
    pub const TITLE: &str = "Sign in";
    pub const USERNAME: &str = "User name or email";
    pub const REMEMBER: &str = "Keep me signed in on this device";
    pub const SUBMIT: &str = "Sign in";
    pub const FORGOTTEN: &str =
        "Forgot your password? An administrator can send you a link to set a new one.";

    /// One message for every cause, so that it tells nobody which accounts there are.
    pub const REFUSED: &str = "That name and password do not match an account you can sign in to. \
                               Check both and try again.";
    pub const HELD_BACK: &str = "There were too many tries. Wait a few minutes, then try again.";
    pub const BUSY: &str = "Many people are signing in right now. Wait a moment, then try again.";
}

/// `/logout`.
pub mod logout {
    pub const TITLE: &str = "Sign out?";
    pub const EXPLANATION: &str = "You will need your password to come back.";
    pub const SUBMIT: &str = "Sign out";
    pub const STAY: &str = "Stay signed in";
}

/// `/link`.
pub mod link {
    pub const TITLE: &str = "Choose a password";
    pub const INTRODUCTION: &str =
        "Saving it signs this account out everywhere. After that, sign in with the new password.";
    pub const SUBMIT: &str = "Save password";
    pub const SETUP_TITLE: &str = "Welcome to rolecall";
    pub const SETUP_INTRODUCTION: &str =
        "Create the first administrator. This person can add everyone else.";
    pub const SETUP_SUBMIT: &str = "Create administrator";
}

/// `/account`.
pub mod account {
    pub const TITLE: &str = "Your account";
    pub const PROFILE: &str = "Profile";
    pub const DISPLAY_NAME: &str = "Display name";
    pub const EMAIL: &str = "Email";
    pub const NOT_SET: &str = "Not set";
    pub const ROLES: &str = "Roles";
    pub const ROLES_INTRODUCTION: &str = "An administrator gives and takes roles.";
    pub const NO_ROLES: &str = "You have no role yet. An administrator can give you one.";
    pub const ROLE: &str = "Role";
    pub const ROLE_DESCRIPTION: &str = "What it is for";
    pub const ROLE_UNTIL: &str = "Ends";
    pub const NO_END: &str = "No end";
    pub const PERMISSIONS: &str = "Permissions";
    pub const PERMISSIONS_INTRODUCTION: &str = "What your roles allow you to do.";
    pub const NO_PERMISSIONS: &str = "Your roles carry no permission.";
    pub const PASSWORD: &str = "Change password";
    pub const PASSWORD_INTRODUCTION: &str = "This signs you out on every other device.";
    pub const CURRENT_PASSWORD: &str = "Current password";
    pub const SUBMIT_PASSWORD: &str = "Change password";
}

/// `/admin`.
pub mod overview {
    pub const TITLE: &str = "Overview";
    pub const COUNTS: &str = "In numbers";
    pub const COUNT_USERS: &str = "Users";
    pub const COUNT_DISABLED: &str = "Disabled";
    pub const COUNT_ROLES: &str = "Roles";
    pub const COUNT_PERMISSIONS: &str = "Permissions";
    pub const COUNT_SESSIONS: &str = "Sessions";
    pub const ALL_USERS: &str = "All users";
    pub const ALL_ROLES: &str = "All roles";
}

/// `/admin/users`.
pub mod users {
    pub const TITLE: &str = "Users";
    pub const INTRODUCTION: &str = "Everyone who has an account, with the roles granted to them.";
    pub const EMPTY: &str = "There are no users here. Add one with";
    pub const EMPTY_COMMAND: &str = "rolecall user add NAME";
    pub const NAME: &str = "User";
    pub const EMAIL: &str = "Email";
    pub const ROLES: &str = "Roles";
    pub const STATUS: &str = "Status";
    pub const LAST_LOGIN: &str = "Last sign-in";
    pub const ACTIVE: &str = "Active";
    pub const DISABLED: &str = "Disabled";
    pub const NEVER: &str = "Never";
    pub const NONE: &str = "None";
    pub const PAGES: &str = "Pages";
    pub const NEXT_PAGE: &str = "Next page";
}

/// `/admin/roles`.
pub mod roles {
    pub const TITLE: &str = "Roles";
    pub const INTRODUCTION: &str =
        "A role bundles permissions. Whoever holds a role may do what it lists.";
    pub const EMPTY: &str = "There are no roles here. Add one with";
    pub const EMPTY_COMMAND: &str = "rolecall role add NAME";
    pub const NAME: &str = "Role";
    pub const BUILT_IN: &str = "Built in";
    pub const PERMISSIONS: &str = "Permissions";
    pub const INCLUDES: &str = "Includes";
    pub const HOLDERS: &str = "Held by";
    pub const NONE: &str = "None";

    pub const EVERY: &str = "All, also those made later";

    /// Heads a list of permissions that is folded up; never said of one alone.
    pub fn permission_count(count: usize) -> String {
        format!("{count} permissions")
    }
}

/// Error pages: a title and a message each, and the labels of what leads on.
pub mod error {
    pub const REQUEST_ID: &str = "Request ID";

    pub const TO_ACCOUNT: &str = "Go to your account";
    pub const TO_LOGIN: &str = "Go to sign-in";
    pub const TRY_AGAIN: &str = "Try again";
    pub const GO_BACK: &str = "Open the page again";

    pub const BAD_REQUEST_TITLE: &str = "This request could not be read";
    pub const BAD_REQUEST: &str = "Something in the address or the form is missing or garbled. \
                                   Open the page again and retry.";

    pub const FORBIDDEN_TITLE: &str = "This page needs another role";
    pub const FORBIDDEN: &str = "You are signed in, but none of your roles allows what you asked \
                                 for. Ask an administrator if you need it.";

    pub const CROSS_SITE_TITLE: &str = "This form came from elsewhere";
    pub const CROSS_SITE: &str = "To protect your account, forms are accepted from our own pages \
                                  only. Nothing was changed. Open the page here and send it again.";

    pub const FORM_EXPIRED_TITLE: &str = "This form is out of date";
    pub const FORM_EXPIRED: &str = "You signed in or out since the form was opened. Nothing was \
                                    changed. Open the page again and send it once more.";

    pub const NOT_FOUND_TITLE: &str = "There is no page here";
    pub const NOT_FOUND: &str = "Check the address, or start from your account.";

    pub const METHOD_NOT_ALLOWED_TITLE: &str = "This does not work here";
    pub const METHOD_NOT_ALLOWED: &str =
        "The page exists, but it cannot be used this way. Open it from its link or form.";

    pub const TOO_LARGE_TITLE: &str = "That was too much at once";
    pub const TOO_LARGE: &str =
        "The form was larger than we accept. Nothing was changed. Shorten it and send it again.";

    pub const UNSUPPORTED_FORM_TITLE: &str = "This form has the wrong format";
    pub const UNSUPPORTED_FORM: &str = "We accept forms as browsers send them \
                                        (application/x-www-form-urlencoded). Open the page and \
                                        send the form from there.";

    pub const MISDIRECTED_TITLE: &str = "This is not our address";
    pub const MISDIRECTED: &str = "You reached us under a name that is not set up here. Use the \
                                   address your administrator gave you. Administrators: the \
                                   setting public_url names it.";

    pub const HELD_BACK_TITLE: &str = "Too many tries";
    pub const HELD_BACK: &str = "Wait a few minutes, then try again.";

    pub const BUSY_TITLE: &str = "One moment, please";
    pub const BUSY: &str = "There is more to do right now than we can take on. Try again in a \
                            moment. Nothing was changed.";

    pub const DATABASE_TITLE: &str = "We will be right back";
    pub const DATABASE: &str = "Our database does not answer at the moment. You stay signed in. \
                                Try again in a moment.";

    pub const INTERNAL_TITLE: &str = "Something went wrong on our side";
    pub const INTERNAL: &str = "Try again. If it happens once more, give the request ID below to \
                                an administrator: it leads to the cause.";

    pub const LINK_INVALID_TITLE: &str = "This link does not work";
    pub const LINK_INVALID: &str = "It was used already, has expired, or was replaced by a newer \
                                    one. Ask an administrator for a new link. Administrators make \
                                    one with: rolecall user link NAME";

    pub const SETUP_DONE_TITLE: &str = "rolecall is already set up";
    pub const SETUP_DONE: &str = "There is an administrator, so this link has done its work. Sign \
                                  in, or ask that person for an account.";
}
