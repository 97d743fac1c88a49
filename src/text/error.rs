//! Error pages: a title and a message each, and the labels of what leads on.

pub const REQUEST_ID: &str = "Request ID";

pub const TO_ACCOUNT: &str = "Go to your account";
pub const TO_LOGIN: &str = "Go to sign-in";
pub const TO_START: &str = "Go to the start page";

pub const BAD_REQUEST_TITLE: &str = "This request could not be read";
pub const BAD_REQUEST: &str = "Something in the address or the form is missing or garbled. \
                               Open the page again and retry.";

pub const FORBIDDEN_TITLE: &str = "This page needs another role";
pub const FORBIDDEN: &str = "You are signed in, but none of your roles allows what you asked \
                             for. Ask an administrator if you need it.";

pub const NOT_YOURS_TITLE: &str = "This is not yours to change";

pub const CROSS_SITE_TITLE: &str = "This form came from elsewhere";
pub const CROSS_SITE: &str = "To protect your account, forms are accepted from our own pages \
                              only. Nothing was changed. Open the page here and send it again.";

pub const FORM_EXPIRED_TITLE: &str = "This form is out of date";
pub const FORM_EXPIRED: &str = "You signed in or out since the form was opened. Nothing was \
                                changed. Open the page again and send it once more.";

/// Above what the form holds.
pub const FORM_AGAIN: &str = "The form is from an earlier sign-in. Nothing was changed. Look at \
                              what it holds, then send it once more.";
pub const TO_FORM: &str = "Open the page again";
pub const ENTERED: &str = "What you had entered";

pub const USER_GONE_TITLE: &str = "This user is not here any more";
pub const USER_GONE: &str = "Somebody removed the user, perhaps while you were writing. Nothing \
                             of what you sent is saved.";
pub const ROLE_GONE_TITLE: &str = "This role is not here any more";

/// The role was deleted meanwhile.
pub fn role_gone(name: &str) -> String {
    format!(
        "There is no role {name}. Somebody deleted it, perhaps while you were writing. Nothing of \
         what you sent is saved."
    )
}

pub const TO_OVERVIEW: &str = "Go to the overview";
pub const TO_USER: &str = "Go to this user";
pub const TO_ROLE: &str = "Go to this role";
pub const TO_USERS: &str = "Go to the users";
pub const TO_ROLES: &str = "Go to the roles";
pub const TO_SESSIONS: &str = "Go to the sessions";
pub const NOTHING_TO_END_TITLE: &str = "There is nothing to end";
pub const REFUSED_TITLE: &str = "This cannot be done";

pub const NOT_FOUND_TITLE: &str = "There is no page here";
pub const NOT_FOUND: &str = "Check the address. What was here may have been removed.";

pub const METHOD_NOT_ALLOWED_TITLE: &str = "This does not work here";
pub const METHOD_NOT_ALLOWED: &str =
    "The page exists, but it cannot be used this way. Open it from its link or form.";

pub const TOO_LARGE_TITLE: &str = "That was too much at once";
pub const TOO_LARGE: &str =
    "The form was larger than we accept. Nothing was changed. Shorten it and send it again.";

pub const TOO_SLOW_TITLE: &str = "The form did not arrive in time";
pub const TOO_SLOW: &str = "The connection was too slow or broke off. Nothing was changed. Open \
                            the page again and send it once more.";

pub const ADDRESS_TOO_LONG_TITLE: &str = "This address is too long";
pub const ADDRESS_TOO_LONG: &str = "We read addresses of up to 16 KiB. Open the page from its \
                                    link, or search for something shorter.";

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

pub const SCHEMA_TITLE: &str = "Not ready";
pub const SCHEMA: &str = "The tables of our database are not those of this version. Whoever runs \
                          this service finds in its log what to do.";

pub const LEAVING_TITLE: &str = "About to stop";
pub const LEAVING: &str = "This server is about to stop. Ask again, and another one answers.";

pub const INTERNAL_TITLE: &str = "Something went wrong on our side";
pub const INTERNAL: &str = "Try again. If it happens once more, give the request ID below to \
                            an administrator: it leads to the cause.";

pub const LINK_INVALID_TITLE: &str = "This link does not work";
pub const LINK_INVALID: &str = "It was used already, has expired, or was replaced by a newer \
                                one. Ask an administrator for a new link. Administrators make \
                                one with: rolecall user link NAME";

pub const SETUP_DONE_TITLE: &str = "This is already set up";
pub const SETUP_DONE: &str = "There is an administrator, so this link has done its work. Sign \
                              in, or ask that person for an account.";
