//! Everybody is shown what they may do, all of it and nothing else: each link and each button
//! that a page offers works, and each route that somebody may use is offered to them.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use rolecall::{
    auth::{
        access::{Access, Permission},
        grants,
        grants::Until,
        name::PermissionName,
        users,
    },
    text,
};

use crate::support::{TestApp, Visitor, both_engines, cli, form, markup, role, roles};

both_engines!(
    an_admin_meets_no_dead_end,
    a_user_manager_meets_no_dead_end,
    an_auditor_meets_no_dead_end,
    who_writes_roles_meets_no_dead_end,
    who_ends_sessions_meets_no_dead_end,
    somebody_without_a_role_meets_no_dead_end,
    a_page_that_refuses_leads_only_where_its_reader_may_go,
    who_may_write_but_not_read_is_led_to_what_they_may_open,
);

const READER: [&str; 1] = ["reports:read"];
const WRITER: [&str; 3] = ["rolecall.roles:read", "rolecall.roles:write", "reports:read"];
const WATCH: [&str; 2] = ["rolecall.sessions:read", "rolecall.sessions:write"];

/// People and roles of each kind, so that every page has something to show.
async fn populate(t: &TestApp) {
    let by = cli();
    for (name, permissions) in
        [("reader", &READER[..]), ("writer", &WRITER), ("watch", &WATCH), ("plain", &[])]
    {
        roles::create(&t.app, &by, &role(name), "For this test").await.unwrap();
        for permission in permissions {
            let permission = PermissionName::parse(permission).unwrap();
            roles::allow(&t.app, &by, &role(name), &permission).await.unwrap();
        }
    }
    roles::include(&t.app, &by, &role("plain"), &role("reader")).await.unwrap();
    for name in ["admin", "user-manager", "auditor", "writer", "watch"] {
        t.user(&format!("{name}1"), &[name]).await;
    }
    t.user("ada", &["admin"]).await;
    t.user("nobody1", &[]).await;
    t.user("lou", &["reader", "user"]).await;
    t.login("lou").await;
    let end = Until::At(t.app.now() + time::Duration::days(3));
    let lou = users::find(&t.app, "lou").await.unwrap();
    grants::grant(&t.app, &by, lou.id, &role("plain"), end, "a while").await.unwrap();
    let off = t.user("off", &["user"]).await;
    users::disable(&t.app, &by, off.id).await.unwrap();
    for _ in 0..5 {
        t.try_login(&Visitor::new(), "lou", "a wrong password").await;
    }
}

/// What somebody finds who follows every link from their account on.
#[derive(Default)]
struct Found {
    /// The pages that opened, by address.
    pages: BTreeMap<String, String>,
    wrong: String,
}

async fn walk(t: &TestApp, visitor: &Visitor) -> Found {
    let mut found = Found::default();
    let mut open = vec!["/account".to_owned()];
    while let Some(address) = open.pop() {
        let address = address.split('#').next().unwrap_or_default().to_owned();
        if address.is_empty() || found.pages.contains_key(&address) {
            continue;
        }
        let mut answer = t.get_as(visitor, &address).await;
        if answer.status() == 303 && !answer.location().starts_with("/login") {
            answer = t.get_as(visitor, answer.location()).await;
        }
        if answer.status() != 200 {
            found.wrong += &format!("the link to {address}: {}\n", answer.outcome());
        }
        let page = answer.text().to_owned();
        open.extend(markup::links(&page));
        for form in markup::forms(&page).into_iter().filter(|form| form.method == "get") {
            let asked = form.submissions().into_iter().map(|(path, fields)| query(&path, &fields));
            open.extend(asked);
        }
        found.pages.insert(address, page);
    }
    found
}

fn query(path: &str, fields: &[(String, String)]) -> String {
    let path = path.split('#').next().unwrap_or_default();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    format!("{path}?{}", form(&fields))
}

/// What does away with what others of the forms are about comes after them.
fn rank(path: &str) -> usize {
    let order = ["/end", "/link", "/revoke", "/deny", "/exclude", "/ungrantor", "/disable"];
    let late = ["/delete", "/remove", "/logout"];
    let at = order.iter().chain(&late).position(|end| path.ends_with(end));
    at.map_or(0, |at| at + 1)
}

/// Whether it would take from the visitor what the rest of the walk needs.
fn is_own_end(path: &str, fields: &[(String, String)], own: &[String]) -> bool {
    let own_role = &own[1];
    let of_self = path.contains(&own[0]) || path.contains(&own[2]);
    let value = |value: &str| fields.iter().any(|field| field.1 == value);
    (of_self && rank(path) > 0)
        || (path == "/account/sessions/end" && value(&own[2]))
        || (path.contains(&format!("/roles/{own_role}/")) && rank(path) > 0)
}

/// Whether a form that is sent as the page has it can be wrong: a field that waits to be filled
/// is empty, an include that was sent before has made this one a cycle, or the role is granted
/// already, and what to change of that is to be said.
fn may_be_wrong(path: &str, fields: &[(String, String)]) -> bool {
    const REQUIRED: [&str; 6] =
        ["username", "name", "current_password", "role", "other", "permission"];
    let is_unfilled =
        |field: &(String, String)| REQUIRED.contains(&field.0.as_str()) && field.1.is_empty();
    fields.iter().any(is_unfilled) || path.ends_with("/include") || path.ends_with("/grant")
}

async fn no_dead_end(t: &TestApp, kind: &str) {
    populate(t).await;
    let name = format!("{kind}1");
    let visitor = t.login(&name).await;
    let user = users::find(&t.app, &name).await.unwrap();
    let live = rolecall::db::sessions::list_of_user(&t.app.db, user.id, t.app.now());
    let session = live.await.unwrap()[0].id.to_string();
    let own = [user.id.to_string(), kind.to_owned(), session];
    let mut found = walk(t, &visitor).await;
    let forms = found.pages.values().flat_map(|page| markup::forms(page));
    let forms = forms.filter(|form| form.method == "post");
    let mut ways: Vec<_> = forms.flat_map(|form| form.submissions()).collect();
    ways.sort_by_key(|(path, fields)| (rank(path), path.clone(), fields.clone()));
    ways.dedup();
    let offered: Vec<_> = ways.iter().map(|(path, _)| format!("POST {path}")).collect();
    for (path, fields) in ways.into_iter().filter(|(path, fields)| !is_own_end(path, fields, &own))
    {
        let sent: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let answer = t.post(&visitor, &path, form(&sent)).await;
        let is_alive = match answer.status() {
            200 => true,
            422 => may_be_wrong(&path, &fields),
            303 => !answer.location().starts_with("/login") || path == "/logout",
            _ => false,
        };
        if !is_alive {
            found.wrong += &format!("the form to {path} with {sent:?}: {}\n", answer.outcome());
        }
    }
    let gets = found.pages.keys().map(|path| format!("GET {path}"));
    found.wrong += &unoffered(t, kind, gets.chain(offered).collect()).await;
    assert_eq!(found.wrong, "", "{kind}");
}

/// The routes that the person may use and is led to by no link and no form.
async fn unoffered(t: &TestApp, kind: &str, offered: Vec<String>) -> String {
    let used: BTreeSet<String> = offered.iter().map(|one| pattern(one)).collect();
    let has: BTreeSet<String> = match kind {
        "admin" => Permission::ALL.iter().map(|one| one.name().to_owned()).collect(),
        role => {
            let pairs = rolecall::db::roles::list_permissions(&t.app.db).await.unwrap();
            let own = pairs.into_iter().filter(|pair| pair.role == role);
            own.map(|pair| pair.other).collect()
        }
    };
    let mut missing = String::new();
    for route in rolecall::web::routes() {
        for (method, access) in &route.methods {
            let may = match access {
                Access::SignedIn => true,
                Access::Permission(permission) | Access::Proven(permission) => {
                    has.contains(permission.name())
                }
                Access::Demand(demand) => demand.is_met(&BTreeSet::new(), &has),
                _ => false,
            };
            let line = format!("{method} {}", route.path);
            // The address of a page's part, for those who reload what its form has answered.
            let is_part = line == "GET /account/password";
            if may && !is_part && !used.contains(&line) && !NEEDS_MORE.contains(&(kind, &line)) {
                missing += &format!("nothing leads to {line}\n");
            }
        }
    }
    missing
}

/// Routes that are open to a kind of person, who gets to them with more than that kind has: the
/// right to a page that leads there, or a role that lets them grant another.
const NEEDS_MORE: [(&str, &str); 5] = [
    ("auditor", "POST /admin/users/{id}/grant"),
    ("auditor", "GET /admin/users/{id}/revoke"),
    ("auditor", "POST /admin/users/{id}/revoke"),
    ("watch", "GET /admin/users/{id}/sessions/end"),
    ("watch", "POST /admin/users/{id}/sessions/end"),
];

/// The route that an address belongs to.
fn pattern(line: &str) -> String {
    let (method, address) = line.split_once(' ').unwrap();
    let path = address.split('?').next().unwrap_or_default();
    let routes = rolecall::web::routes();
    let is_of = |route: &&rolecall::web::Route| {
        let (pattern, path) = (route.path.split('/'), path.split('/'));
        pattern.clone().count() == path.clone().count()
            && pattern.zip(path).all(|(one, other)| one == other || one.starts_with('{'))
    };
    // What is written out goes before what has a gap.
    let found = routes.iter().filter(is_of).min_by_key(|route| route.path.matches('{').count());
    let methods = found.map(|route| route.methods.iter().any(|one| one.0 == method));
    assert_eq!(methods, Some(true), "no route takes {line}");
    format!("{} {}", Method::from_bytes(method.as_bytes()).unwrap(), found.unwrap().path)
}

async fn an_admin_meets_no_dead_end(t: TestApp) {
    no_dead_end(&t, "admin").await;
}

async fn a_user_manager_meets_no_dead_end(t: TestApp) {
    no_dead_end(&t, "user-manager").await;
}

async fn an_auditor_meets_no_dead_end(t: TestApp) {
    no_dead_end(&t, "auditor").await;
}

async fn who_writes_roles_meets_no_dead_end(t: TestApp) {
    no_dead_end(&t, "writer").await;
}

async fn who_ends_sessions_meets_no_dead_end(t: TestApp) {
    no_dead_end(&t, "watch").await;
}

async fn somebody_without_a_role_meets_no_dead_end(t: TestApp) {
    no_dead_end(&t, "nobody").await;
}

async fn a_page_that_refuses_leads_only_where_its_reader_may_go(t: TestApp) {
    populate(&t).await;
    let ada = users::find(&t.app, "ada").await.unwrap().id;
    for name in ["admin1", "user-manager1", "auditor1", "writer1", "watch1", "nobody1"] {
        let visitor = t.login(name).await;
        let mut refusing = Vec::new();
        let below =
            [format!("/admin/users/{ada}/no"), format!("/admin/users/{ada}/revoke?role=no")];
        for path in [
            "/nothing",
            "/admin/audit",
            "/admin/roles/nothing",
            "/admin/users/nobody",
            "/admin/roles/plain/nothing",
            "/admin/roles/plain/deny?permission=no:such",
            "/admin/sessions/00000000-0000-0000-0000-000000000000/end",
            &below[0],
            &below[1],
        ] {
            refusing.push(t.get_as(&visitor, path).await);
        }
        for path in ["/admin/roles/admin/delete", "/admin/roles/nothing/delete"] {
            refusing.push(t.post_form(&visitor, path, &[]).await);
        }
        let link = format!("/admin/users/{ada}/link");
        refusing.push(t.post_form(&visitor, &link, &[]).await);
        for answer in refusing.iter().filter(|answer| answer.status() >= 400) {
            for address in markup::links(answer.text()).iter().filter(|one| !one.starts_with('#')) {
                let mut page = t.get_as(&visitor, address).await;
                if page.status() == 303 {
                    page = t.get_as(&visitor, page.location()).await;
                }
                assert_eq!(page.outcome(), "200", "{name} is led to {address}");
            }
        }
    }
}

async fn who_may_write_but_not_read_is_led_to_what_they_may_open(t: TestApp) {
    populate(&t).await;
    roles::create(&t.app, &cli(), &role("scribe"), "").await.unwrap();
    for permission in
        ["rolecall.users:write", "rolecall.roles:write", "rolecall.sessions:write", "reports:read"]
    {
        let permission = PermissionName::parse(permission).unwrap();
        roles::allow(&t.app, &cli(), &role("scribe"), &permission).await.unwrap();
    }
    let visitor = t.signed_in("scribe1", &["scribe"]).await;
    let kim = t.user("kim", &["reader"]).await.id;
    let at = |what: &str| format!("/admin/users/{kim}{what}");
    let mut shown = Vec::new();
    for path in [
        "/admin/users/new".to_owned(),
        "/admin/roles/new".to_owned(),
        "/admin/roles/reader/deny?permission=reports:read".to_owned(),
        "/admin/roles/reader/delete".to_owned(),
        at("/disable"),
        at("/remove"),
        at("/sessions/end"),
    ] {
        let page = t.get_as(&visitor, &path).await;
        assert_eq!(page.outcome(), "200", "{path}");
        shown.push((path, page));
    }
    // What is done leads on as well, and says so.
    for (path, fields, notice) in [
        ("/admin/roles".to_owned(), vec![("name", "fresh")], text::notice::ROLE_CREATED),
        ("/admin/roles/fresh/allow".to_owned(), vec![("permission", "reports:read")], "Saved."),
        ("/admin/roles/fresh/delete".to_owned(), vec![], text::notice::ROLE_DELETED),
        (at("/disable"), vec![], "The account is disabled"),
    ] {
        let answer = t.post_form(&visitor, &path, &fields).await;
        let page = t.get_as(&visitor, answer.location()).await;
        assert!(page.text().contains(notice), "{path}: {}", answer.outcome());
        shown.push((path, page));
    }
    let made = t.post_form(&visitor, "/admin/users", &[("username", "new")]).await;
    assert_eq!(made.outcome(), "200");
    shown.push(("a new user".to_owned(), made));
    for (path, page) in shown {
        for address in markup::links(page.text()).iter().filter(|one| !one.starts_with('#')) {
            let mut opened = t.get_as(&visitor, address).await;
            if opened.status() == 303 {
                opened = t.get_as(&visitor, opened.location()).await;
            }
            assert_eq!(opened.outcome(), "200", "{path} leads to {address}");
        }
    }
}
