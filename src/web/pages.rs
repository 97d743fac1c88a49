//! What each page shows: one struct per template. Nothing here decides or reads anything.

pub mod admin;
pub mod admin_roles;
mod cut;

use askama::Template;

pub use cut::{Cut, Room};

use crate::{
    app::{
        App,
        layout::{BoxError, LayoutParts, NavItem},
    },
    text,
};

/// What surrounds every page: who is signed in, where they may go, what just happened. Addresses
/// are routes in all pages, and templates write them with [`Frame::path`].
pub struct Frame {
    pub app: App,
    /// Route of the page, with its parameters filled in; empty around errors.
    pub route: String,
    /// Name of the signed-in user, if any.
    pub user: Option<String>,
    /// Only links that this user may follow.
    pub nav: Vec<NavItem>,
    /// Token that forms of a signed-in user carry (hidden field `form_token`); else empty.
    pub form_token: String,
    /// The forms that change people and roles need the password too.
    pub asks_password: bool,
    /// A message left by the page before, already a whole sentence.
    pub notice: Option<String>,
}

impl Frame {
    /// The route, if this user may open it as far as the links tell, else that of their account.
    pub fn reachable<'a>(&self, route: &'a str) -> &'a str {
        let leads_to = |item: &NavItem| {
            let below = route.strip_prefix(item.route);
            // The overview stands above the others, and opens none of them.
            below.is_some_and(|below| {
                below.is_empty() || (item.route != "/admin" && below.starts_with('/'))
            })
        };
        if self.nav.iter().any(leads_to) { route } else { "/account" }
    }

    /// The path of a route on our host.
    fn path(&self, route: impl AsRef<str>) -> String {
        self.app.settings.public_url.path(route.as_ref())
    }

    fn app_name(&self) -> &str {
        &self.app.settings.app_name
    }

    /// The whole document, of what a template has made.
    fn around(&self, title: &str, width: &str, content: &str) -> Result<String, BoxError> {
        self.app.layout.render(&LayoutParts {
            title,
            content,
            width,
            app_name: self.app_name(),
            user: self.user.as_deref(),
            nav: &self.nav,
            notice: self.notice.as_deref(),
            public_url: &self.app.settings.public_url,
        })
    }
}

/// A list of names to choose from is offered up to this length; beyond, the name is typed.
pub const MOST_OFFERED: usize = 30;

/// `/login`. `problem` is one message for every cause of a refused login.
#[derive(Template)]
#[template(path = "login.html")]
pub struct LoginPage {
    pub frame: Frame,
    pub username: String,
    pub remember: bool,
    /// Checked return address, or empty.
    pub next: String,
    pub problem: Option<String>,
}

#[derive(Template)]
#[template(path = "logout.html")]
pub struct LogoutPage {
    pub frame: Frame,
}

/// `/link`: choose a password. With `setup` the first admin also chooses a name.
#[derive(Template)]
#[template(path = "link.html")]
pub struct LinkPage {
    pub frame: Frame,
    pub setup: bool,
    pub token: String,
    /// Shown for an invitation or a password link, a field for setup.
    pub username: String,
    pub username_problem: Option<String>,
    pub password_problem: Option<String>,
    /// Least length of a password, in characters.
    pub min_length: usize,
}

#[derive(Template)]
#[template(path = "account.html")]
pub struct AccountPage {
    pub frame: Frame,
    pub username: String,
    pub display_name: String,
    pub email: Option<String>,
    pub roles: Cut<AccountRole>,
    pub permissions: Cut<AccountPermission>,
    /// Open sessions, this one first.
    pub sessions: Cut<SessionLine>,
    /// What the audit trail says about this person, newest first.
    pub records: Vec<Record>,
    /// Query string of the page with older ones.
    pub older_records: Option<String>,
    pub current_problem: Option<String>,
    pub new_problem: Option<String>,
    pub min_length: usize,
}

pub struct AccountRole {
    pub name: String,
    pub description: String,
    /// Where it comes from: `granted by ben on 22 Nov 2026`, or `part of lead`.
    pub origin: String,
    pub reason: String,
    /// When the grant ends, as text for a person; `None`: it has no end.
    pub until: Option<String>,
}

pub struct AccountPermission {
    pub name: String,
    /// Roles that permit it.
    pub through: Cut<String>,
}

/// An open session, in lists.
pub struct SessionLine {
    pub id: String,
    pub user_id: String,
    pub username: String,
    /// `Firefox on Linux`.
    pub device: String,
    pub address: String,
    pub created: String,
    pub last_seen: String,
    /// The session of this request.
    pub is_this: bool,
    pub can_end: bool,
}

/// A record of the audit trail in plain words.
pub struct Record {
    pub at: String,
    /// Who: a name, `the operator root`, `somebody not signed in`, `rolecall`.
    pub actor: String,
    /// What, as a sentence without its subject: `granted editor to kim`.
    pub what: String,
    /// Before and after, as label, before, after (either may be empty).
    pub changes: Vec<(String, String, String)>,
    pub address: String,
    pub request_id: String,
}

/// Any answer that is an error: what happened, what to do next, and the id to ask by.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    pub frame: Frame,
    pub status: u16,
    pub title: &'static str,
    pub message: String,
    /// What was entered into the form that led to it, as label and value.
    pub entered: Vec<(&'static str, String)>,
    /// That form, to be sent from this session.
    pub again: Option<Again>,
    /// Where to go on: address and label.
    pub action: Option<(String, &'static str)>,
    pub request_id: String,
}

/// A form once more, to be looked at and sent.
pub struct Again {
    pub action: String,
    pub hidden: Vec<(String, String)>,
    /// It is the form for another password: both passwords are entered anew.
    pub sets_password: bool,
    pub button: &'static str,
    /// Where to go without sending it.
    pub back: String,
}
