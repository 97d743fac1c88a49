//! What each admin page shows: one struct per template. Buttons that a person may not use are
//! absent: `can_…` says so, and nothing of a page is there that its reader may not see.

use askama::Template;

use super::{Cut, Frame, Record, SessionLine};
use crate::{text, web::pages};

/// `/admin`: how things stand. What the reader may not see is `None`.
#[derive(Template)]
#[template(path = "admin/overview.html")]
pub struct OverviewPage {
    pub frame: Frame,
    /// Label, number (as text, `10,000+` where counting would take long) and where to see them.
    pub counts: Vec<(&'static str, String, Option<&'static str>)>,
    /// Shown when fewer than two admins can log in without end: what to do.
    pub few_admins: Option<&'static str>,
    pub chart: Chart,
    pub ending: Vec<EndingGrant>,
    pub records: Option<Vec<Record>>,
}

/// Logins and refusals of the last 30 days, oldest first. Heights and places are computed, in
/// units of the drawing (720 wide, 160 high), so that the template only puts them down.
pub struct Chart {
    pub days: Vec<ChartDay>,
    /// The highest number, which reaches the top.
    pub highest: i64,
    pub logins: i64,
    pub refusals: i64,
}

pub struct ChartDay {
    /// `22 Nov 2026`.
    pub day: String,
    pub logins: i64,
    pub refusals: i64,
    /// Left edge of the day's column.
    pub x: i64,
    pub width: i64,
    /// Bars stand on y = 160: logins from below, refusals upon them.
    pub login_y: i64,
    pub login_height: i64,
    pub refusal_y: i64,
    pub refusal_height: i64,
}

/// A grant that ends within seven days.
pub struct EndingGrant {
    pub user_id: String,
    pub username: String,
    pub role: String,
    pub ends: String,
}

/// `/admin/users`: search, filters and one page of what they find. All of it is in the address.
#[derive(Template)]
#[template(path = "admin/users.html")]
pub struct UsersPage {
    pub frame: Frame,
    pub search: UserSearch,
    /// Names of all roles, for the filter.
    pub roles: Vec<String>,
    pub users: Vec<UserLine>,
    /// Query string of the next page, if there is one (without `?`).
    pub more: Option<String>,
    /// There is a page before: the query string of the first one.
    pub first: Option<String>,
    pub can_create: bool,
}

/// The search as it was asked; empty is "any".
#[derive(Default, Clone)]
pub struct UserSearch {
    /// Beginning of a name or e-mail.
    pub q: String,
    pub role: String,
    /// `active`, `disabled` or empty.
    pub status: String,
    /// `never`, `30d` (within 30 days), `not30d`, `not365d` (longer ago, or never), or empty.
    pub login: String,
}

pub struct UserLine {
    pub id: String,
    pub username: String,
    pub display_name: String,
    pub email: Option<String>,
    pub active: bool,
    /// Names of the roles granted directly.
    pub roles: Cut<String>,
    /// As text for a person; `None`: never.
    pub last_login: Option<String>,
}

/// `/admin/users/new`: a user who is invited by a link.
#[derive(Template)]
#[template(path = "admin/user_new.html")]
pub struct NewUserPage {
    pub frame: Frame,
    pub fields: ProfileFields,
    /// Who may not set it sees no field for it.
    pub can_set_email: bool,
    /// Roles that the reader may grant, and whether each is ticked (checkboxes named `role`).
    pub roles: Vec<(String, bool)>,
    /// The same as text, where there are too many for boxes.
    pub typed_role: String,
    pub role_problem: Option<&'static str>,
}

/// Fields of a user's profile with what is wrong with each.
#[derive(Default, Clone)]
pub struct ProfileFields {
    pub username: String,
    pub email: String,
    pub display_name: String,
    pub username_problem: Option<String>,
    pub email_problem: Option<String>,
    pub display_name_problem: Option<String>,
    /// Version that the form was made from (hidden field `version`).
    pub version: i64,
    /// Somebody else saved meanwhile: what is stored now, as label and value.
    pub meanwhile: Option<Vec<(&'static str, String)>>,
}

/// `/admin/users/{id}`.
#[derive(Template)]
#[template(path = "admin/user.html")]
pub struct UserPage {
    pub frame: Frame,
    pub id: String,
    pub username: String,
    pub active: bool,
    /// Whether there is one, and what it is good for; `None`: there is none.
    pub password: Option<String>,
    pub created: String,
    pub last_login: Option<String>,
    /// The form is read-only facts when `can_edit` is false.
    pub fields: ProfileFields,
    /// Failed tries that hold strangers back, as a sentence.
    pub held_back: Option<String>,
    /// Edit, disable, enable, remove, make a link.
    pub can_edit: bool,
    /// It is the page of the reader, who changes the own password elsewhere.
    pub is_own: bool,
    /// The only admin who cannot be spared: not to be disabled or removed.
    pub last_admin: bool,
    pub can_set_email: bool,
    pub grants: Cut<GrantLine>,
    /// Effective permissions.
    pub permissions: Cut<String>,
    /// Roles that the reader may grant to this user; no form when empty.
    pub grantable: Vec<String>,
    pub grant: GrantFields,
    /// `None` when the reader may not see sessions.
    pub sessions: Option<Cut<SessionLine>>,
    pub can_end_sessions: bool,
    /// What was asked in the explain form (GET, field `explain`), and the answer as lines; the
    /// first is `yes` or `no`.
    pub explain: String,
    pub explained: Option<Explained>,
    /// The part of the audit trail about this user; `None` when the reader may not see it.
    pub records: Option<Vec<Record>>,
    /// Query string of the page with older ones.
    pub older_records: Option<String>,
}

pub struct Explained {
    pub yes: bool,
    /// The path, a sentence each.
    pub lines: Vec<String>,
}

pub struct GrantLine {
    pub role: String,
    pub granted: String,
    /// Who granted it, as a name.
    pub by: String,
    pub reason: String,
    pub until: Option<String>,
    /// Its end has come.
    pub ended: bool,
    pub can_revoke: bool,
}

/// The grant form: role (select `role`), end (`until`, datetime-local, UTC, may be empty),
/// `reason`.
#[derive(Default, Clone)]
pub struct GrantFields {
    pub role: String,
    pub until: String,
    pub reason: String,
    pub role_problem: Option<String>,
    pub until_problem: Option<String>,
    pub reason_problem: Option<String>,
    /// What the page shows of the grants (hidden field `seen`).
    pub seen: String,
    /// The grant is another than the form was made of: what it is now, as label and value.
    pub meanwhile: Option<Vec<(&'static str, String)>>,
}

/// A one-time link, shown this once.
#[derive(Template)]
#[template(path = "admin/link.html")]
pub struct LinkShownPage {
    pub frame: Frame,
    pub username: String,
    pub url: String,
    /// How long it is good, in words.
    pub good_for: &'static str,
    /// Address of the user's page, or for who may not see that of their own.
    pub back: String,
}

/// A form once more, with a field for the password.
#[derive(Template)]
#[template(path = "admin/step_up.html")]
pub struct StepUpPage {
    /// Its path is where the form is sent.
    pub frame: Frame,
    pub username: String,
    /// What the form held, in its order.
    pub hidden: Vec<(String, String)>,
    /// Where to go without sending it.
    pub back: String,
    pub problem: Option<String>,
}

/// Asks before something ends: what will, in sentences, and the form that does it.
#[derive(Template)]
#[template(path = "admin/confirm.html")]
pub struct ConfirmPage {
    pub frame: Frame,
    pub title: String,
    pub lines: Vec<String>,
    /// It was changed since the page asked before: what it is now.
    pub meanwhile: Option<String>,
    /// Address that the form posts to.
    pub action: String,
    /// Hidden fields.
    pub hidden: Vec<(&'static str, String)>,
    pub button: &'static str,
    /// Where to go instead.
    pub back: String,
}

/// `/admin/sessions`.
#[derive(Template)]
#[template(path = "admin/sessions.html")]
pub struct SessionsPage {
    pub frame: Frame,
    /// Name or e-mail that was asked for; empty: everybody.
    pub user: String,
    /// There is no such user.
    pub user_problem: Option<&'static str>,
    pub sessions: Vec<SessionLine>,
    /// Query strings of the next page and, when there is a page before, of the first.
    pub more: Option<String>,
    pub first: Option<String>,
}

/// `/admin/audit`.
#[derive(Template)]
#[template(path = "admin/audit.html")]
pub struct AuditPage {
    pub frame: Frame,
    pub filter: AuditFilter,
    /// Label and value of each action, for the select.
    pub actions: Vec<(&'static str, &'static str)>,
    /// A filter that cannot be read, or names nobody.
    pub problem: Option<String>,
    pub records: Vec<Record>,
    /// Query strings of the next page and, when there is a page before, of the first.
    pub more: Option<String>,
    pub first: Option<String>,
    /// Query string for the CSV of this search.
    pub csv: String,
}

/// The filters as they were asked; empty is "any".
#[derive(Default, Clone)]
pub struct AuditFilter {
    /// User name or e-mail, or the name of an operator as `cli:name`.
    pub actor: String,
    /// User name or e-mail, or a role's name.
    pub target: String,
    pub action: String,
    /// Days (`2026-11-22`), both included.
    pub from: String,
    pub to: String,
}
