//! Every sentence and label that a person reads on a page, by page. Markup stands in `templates/`,
//! decisions elsewhere; each message of an error says what to do next.

pub mod account;
pub mod audit;
pub mod confirm;
pub mod embed;
pub mod error;
pub mod explain;
pub mod form;
pub mod link;
pub mod notice;
pub mod overview;
pub mod refusal;
pub mod role;
pub mod roles;
pub mod sessions;
pub mod user;
pub mod users;

/// Name of the product, which an application's own takes the place of.
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

/// A time as people read it, UTC: `22 Nov 2026, 21:53 UTC`, whose last part does not
/// stand alone on a line.
pub fn time(at: time::OffsetDateTime) -> String {
    format!("{}, {:02}:{:02}\u{a0}UTC", day(at), at.hour(), at.minute())
}

/// A day as people read it: `22 Nov 2026`.
pub fn day(at: time::OffsetDateTime) -> String {
    format!("{} {} {}", at.day(), &at.month().to_string()[..3], at.year())
}

/// `1 session`, `12 sessions`.
pub fn count(number: u64, one: &str, more: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        other => {
            format!("{} {more}", self::number(i64::try_from(other).unwrap_or(i64::MAX)))
        }
    }
}

/// `a, b, c`, or `a, b, c and 12 more`.
pub fn list<T: AsRef<str>>(names: &[T]) -> String {
    const MOST: usize = 8;
    let shown: Vec<&str> = names.iter().take(MOST).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} {}", shown.join(", "), paging::and_more(more)),
    }
}

/// As much of a text as a list has room for.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Keeps a name that is written from right to left from turning the sentence around it.
fn whole(name: &str) -> String {
    let turns = |sign: char| {
        matches!(u32::from(sign), 0x590..=0x8ff | 0x200e..=0x200f | 0x202a..=0x202e
            | 0x2066..=0x2069 | 0xfb1d..=0xfdff | 0xfe70..=0xfefc
            | 0x10800..=0x10fff | 0x1e800..=0x1efff)
    };
    if name.contains(turns) { format!("\u{2068}{name}\u{2069}") } else { name.to_owned() }
}

/// Around every page.
pub mod layout {
    pub const SKIP_TO_CONTENT: &str = "Skip to content";
    pub fn home(app_name: &str) -> String {
        format!("{}, start page", super::whole(app_name))
    }

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
    pub const SESSIONS: &str = "Sessions";
    pub const AUDIT: &str = "Audit";
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
    /// After too many failures: how many seconds to wait.
    pub fn held_back(seconds: u64) -> String {
        let wait = match seconds {
            0..=90 => super::count(seconds, "second", "seconds"),
            more => super::count(more.div_ceil(60), "minute", "minutes"),
        };
        let long = ", or ask an administrator for a link to set a new password";
        let otherwise = if seconds > 90 { long } else { "" };
        format!("There were too many tries. Wait {wait}, then try again{otherwise}.")
    }

    pub const BUSY: &str = "Many people are signing in right now. Wait a moment, then try again.";
}

/// The password entered again before changes to people and roles.
pub mod step_up {
    pub const TITLE: &str = "Confirm that it is you";
    pub const INTRODUCTION: &str = "You entered your password here some time ago. Enter it again \
                                    to go on. Nothing is changed yet, and what you typed is kept.";
    pub const SUBMIT: &str = "Confirm";
    /// The same as a field of another form.
    pub const FIELD: &str = "Your password";
    pub const HINT: &str = "You entered it here some time ago.";
    pub const ELSEWHERE: &str =
        "You confirmed this in another tab just now. Enter your password once more.";
}

/// `/logout`.
pub mod logout {
    pub const TITLE: &str = "Sign out?";
    pub const EXPLANATION: &str = "You will need your password to come back.";
    pub const SUBMIT: &str = "Sign out";
    pub const STAY: &str = "Stay signed in";
}

/// Ways from one page of a list to the next.
pub mod paging {
    pub const PAGES: &str = "Pages";
    pub const NEXT: &str = "Next page";
    pub const FIRST: &str = "First page";
    /// Back to the beginning of a list that shares its page with others.
    pub const FROM_THE_FIRST: &str = "From the first";

    /// Ends a list that is longer than its page.
    pub fn and_more(number: usize) -> String {
        format!("and {} more", super::number(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn a_name_from_right_to_left_stays_within_itself() {
        assert_eq!(whole("kim"), "kim");
        assert_eq!(whole("مدير"), "\u{2068}مدير\u{2069}");
    }
}
