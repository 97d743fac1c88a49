//! The pages that are measured, and what a measurement of one says.

use rolecall::db::audit;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::fill::{self, People};
use crate::{Outcome, http, report::median, server::Server};

/// A page, and who asks for it.
pub struct Page {
    pub title: &'static str,
    pub path: String,
    pub reader: Reader,
}

#[derive(Clone, Copy)]
pub enum Reader {
    Admin,
    /// Holds `user-manager` alone: what they may do is a question for each role.
    Manager,
}

/// What was found about a page.
pub struct Found {
    /// Milliseconds of each request.
    pub times: Vec<f64>,
    /// Bytes of the page.
    pub bytes: usize,
}

impl Found {
    pub fn median(&self) -> f64 {
        median(&self.times)
    }

    pub fn least(&self) -> f64 {
        self.times.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub fn most(&self) -> f64 {
        self.times.iter().copied().fold(0.0, f64::max)
    }
}

/// Asks for the page so often, after once for nothing.
pub fn measure(server: &Server, page: &Page, cookie: &str, times: usize) -> Outcome<Found> {
    let mut found = Found { times: Vec::new(), bytes: 0 };
    for round in 0..=times {
        let answer = http::get(server.port, &page.path, cookie)?;
        if answer.status != 200 {
            return Err(format!("{} answers {}", page.path, answer.status).into());
        }
        found.bytes = answer.bytes;
        if round > 0 {
            found.times.push(answer.took.as_secs_f64() * 1e3);
        }
    }
    Ok(found)
}

/// Every page that is measured, in a database filled at `now`.
pub fn all(people: &People, now: OffsetDateTime) -> Vec<Page> {
    let mut pages = vec![page("Overview", "/admin".to_owned())];
    pages.extend(searches());
    pages.extend(persons(people, now));
    pages.extend(roles());
    pages.extend(sessions(now));
    pages.extend(trail(now));
    pages
}

fn page(title: &'static str, path: String) -> Page {
    Page { title, path, reader: Reader::Admin }
}

fn searches() -> impl Iterator<Item = Page> {
    let searches = [
        ("Users: all", ""),
        ("Users: common beginning, `ma`", "q=ma"),
        ("Users: rare beginning", "q=anna.schmidt.72"),
        ("Users: beginning of nobody", "q=zzz"),
        ("Users: by whole e-mail", "q=schmidt.anna720@example.com"),
        ("Users: by beginning of e-mails", "q=schneider."),
        ("Users: far into the pages", "after=wim.schulz.5"),
        ("Users: far into a common beginning", "q=ma&after=max.w"),
        ("Users: with a role that all have", "role=user"),
        ("Users: with a role of a tenth", "role=role-452"),
        ("Users: with a role of one in 200", "role=role-451"),
        ("Users: with a role of one in 700", "role=role-007"),
        ("Users: with a role of three", "role=role-453"),
        ("Users: with a role that has ended for most", "role=role-500"),
        ("Users: active", "status=active"),
        ("Users: disabled, one in 100", "status=disabled"),
        ("Users: never logged in, one in 50", "login=never"),
        ("Users: last login within 30 days", "login=30d"),
        ("Users: no login for a year", "login=not365d"),
        ("Users: common beginning and disabled", "q=ma&status=disabled"),
        ("Users: two filters that nobody meets", "role=role-451&status=disabled"),
        ("Users: three filters that nobody meets", "q=ma&status=disabled&login=never"),
    ];
    searches.into_iter().map(|(title, query)| page(title, format!("/admin/users?{query}")))
}

fn persons(people: &People, now: OffsetDateTime) -> [Page; 5] {
    let of = |id: Uuid| format!("/admin/users/{id}");
    let user = fill::user(now, 720);
    [
        page("User", of(user)),
        Page { reader: Reader::Manager, ..page("User, seen by a user-manager", of(user)) },
        page("User with very many sessions and records", of(people.admin)),
        page("User, explained", format!("{}?explain=thing-7:read", of(user))),
        page("User: new", "/admin/users/new".to_owned()),
    ]
}

fn roles() -> [Page; 8] {
    [
        page("Roles", "/admin/roles".to_owned()),
        page("Roles: far into the pages", "/admin/roles?after=role-400".to_owned()),
        page("Role that all have", "/admin/roles/user".to_owned()),
        page("Role that includes all others", "/admin/roles/role-001".to_owned()),
        page("Role that a chain includes", "/admin/roles/role-020".to_owned()),
        page("Role of one in 200", "/admin/roles/role-451".to_owned()),
        page("Role that has ended for most", "/admin/roles/role-500".to_owned()),
        page("Role: delete?", "/admin/roles/role-500/delete".to_owned()),
    ]
}

fn sessions(now: OffsetDateTime) -> [Page; 5] {
    let deep = audit::id_at(now - Duration::hours(1));
    [
        page("Sessions", "/admin/sessions".to_owned()),
        Page {
            reader: Reader::Manager,
            ..page("Sessions, seen by a user-manager", "/admin/sessions".to_owned())
        },
        page("Sessions: far into the pages", format!("/admin/sessions?after={deep}")),
        page("Sessions: of one user", "/admin/sessions?user=anna.schmidt.720".to_owned()),
        page(
            "Sessions: of the user with very many",
            "/admin/sessions?user=admin-of-all".to_owned(),
        ),
    ]
}

fn trail(now: OffsetDateTime) -> impl Iterator<Item = Page> {
    let day = |ago: i64| (now - Duration::days(ago)).date().to_string();
    let deep = audit::id_at(now - Duration::days(60));
    let filters = [
        ("Audit", String::new()),
        ("Audit: far into the pages", format!("before={deep}")),
        ("Audit: by a user", "actor=anna.schmidt.720".to_owned()),
        ("Audit: by the busiest user", "actor=admin-of-all".to_owned()),
        ("Audit: by the operator, long ago", "actor=cli:root".to_owned()),
        ("Audit: by visitors", "actor=visitor".to_owned()),
        ("Audit: by an operator who did nothing", "actor=cli:nobody".to_owned()),
        ("Audit: of a user", "target=anna.schmidt.720".to_owned()),
        ("Audit: of a role", "target=role-007".to_owned()),
        ("Audit: logins", "action=session.create".to_owned()),
        ("Audit: what never happened", "action=user.remove".to_owned()),
        (
            "Audit: by the busiest user, what they never did",
            "actor=admin-of-all&action=user.remove".to_owned(),
        ),
        (
            "Audit: by the busiest user to one user",
            "actor=admin-of-all&target=anna.schmidt.720".to_owned(),
        ),
        ("Audit: by visitors, what they never did", "actor=visitor&action=user.remove".to_owned()),
        ("Audit: one day", format!("from={}&to={}", day(40), day(40))),
        (
            "Audit: one day, by the busiest user",
            format!("actor=admin-of-all&from={0}&to={0}", day(40)),
        ),
        ("Audit: one day, refused logins", format!("action=login.refuse&from={0}&to={0}", day(40))),
    ];
    filters.into_iter().map(|(title, query)| page(title, format!("/admin/audit?{query}")))
}
