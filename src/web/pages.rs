//! What each page shows: one struct per template. Nothing here decides or reads anything.

use askama::Template;

use crate::text;

/// What surrounds every page: who is signed in, where they may go, what just happened.
#[derive(Default)]
pub struct Frame {
    /// Name of the signed-in user, if any.
    pub user: Option<String>,
    /// Only links that this user may follow.
    pub nav: Vec<NavItem>,
    /// Token that forms of a signed-in user carry (hidden field `form_token`); else empty.
    pub form_token: String,
    /// A message left by the page before, already a whole sentence.
    pub notice: Option<String>,
}

pub struct NavItem {
    pub href: &'static str,
    pub label: &'static str,
    /// The page shown stands under this link.
    pub current: bool,
}

/// `/login`. `problem` is one message for every cause of a refused login.
#[derive(Template)]
#[template(path = "login.html")]
pub struct LoginPage {
    pub frame: Frame,
    pub username: String,
    pub remember: bool,
    /// Checked return address, or empty.
    pub next: String,
    pub problem: Option<&'static str>,
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
    pub roles: Vec<AccountRole>,
    pub permissions: Vec<String>,
    pub current_problem: Option<String>,
    pub new_problem: Option<String>,
    pub min_length: usize,
}

pub struct AccountRole {
    pub name: String,
    pub description: String,
    /// When the grant ends, as text for a person; `None`: it has no end.
    pub until: Option<String>,
}

/// `/admin`: how many of what there are, and the first of each list.
#[derive(Template)]
#[template(path = "admin/overview.html")]
pub struct OverviewPage {
    pub frame: Frame,
    /// Label and number, e.g. `("Users", 12)`.
    pub counts: Vec<(&'static str, i64)>,
    pub users: Vec<UserLine>,
    /// `None` when this user may not see roles.
    pub roles: Option<Vec<RoleLine>>,
}

/// `/admin/users`.
#[derive(Template)]
#[template(path = "admin/users.html")]
pub struct UsersPage {
    pub frame: Frame,
    pub users: Vec<UserLine>,
    /// Query string of the next page, if there is one.
    pub more: Option<String>,
}

pub struct UserLine {
    pub username: String,
    pub display_name: String,
    pub email: Option<String>,
    pub active: bool,
    /// Names of the roles granted directly.
    pub roles: Vec<String>,
    /// As text for a person; `None`: never.
    pub last_login: Option<String>,
}

/// `/admin/roles`.
#[derive(Template)]
#[template(path = "admin/roles.html")]
pub struct RolesPage {
    pub frame: Frame,
    pub roles: Vec<RoleLine>,
}

pub struct RoleLine {
    pub name: String,
    pub description: String,
    pub built_in: bool,
    /// It has every permission, whatever `permissions` lists.
    pub every: bool,
    pub permissions: Vec<String>,
    pub includes: Vec<String>,
    /// Users who hold it directly.
    pub holders: i64,
}

/// Any answer that is an error: what happened, what to do next, and the id to ask by.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    pub frame: Frame,
    pub status: u16,
    pub title: &'static str,
    pub message: String,
    /// Where to go on: address and label.
    pub action: Option<(String, &'static str)>,
    pub request_id: String,
}
