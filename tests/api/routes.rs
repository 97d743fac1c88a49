//! Who gets where: every route, asked for by every kind of visitor.

use std::collections::{BTreeMap, BTreeSet};

use axum::{body::Body, http::Method};
use rolecall::auth::users;

use crate::support::{TestApp, Visitor, both_engines, cli};

both_engines!(
    every_route_answers_every_kind_of_visitor_as_the_table_says,
    a_path_that_does_not_exist_is_404_for_everybody,
    a_method_that_is_not_offered_is_405_and_the_answer_says_which_are,
    head_is_answered_like_get_without_a_body,
    an_anonymous_visitor_of_a_page_is_led_to_the_login_and_back,
    opening_logout_logs_nobody_out,
    a_revoked_role_is_refused_on_the_next_request,
    what_another_process_changes_holds_on_the_next_request,
);

/// The visitors of the table, in the order of its columns. `disabled` was signed in before.
const VISITORS: [&str; 6] = ["anonymous", "user", "user-manager", "auditor", "admin", "disabled"];

/// What each route answers to each visitor: method and path, then a column for each.
#[rustfmt::skip]
const TABLE: [(&str, [&str; 6]); 61] = [
    ("GET /",
        ["303 /login", "303 /account", "303 /account", "303 /account", "303 /account", "303 /login"]),
    ("GET /login",
        ["200", "303 /account", "303 /account", "303 /account", "303 /account", "200"]),
    ("POST /login", // without name and password
        ["401", "401", "401", "401", "401", "401"]),
    ("GET /logout",
        ["303 /login?next=%2Flogout", "200", "200", "200", "200", "303 /login?next=%2Flogout"]),
    ("POST /logout",
        ["303 /login", OUT, OUT, OUT, OUT, "303 /login"]),
    ("GET /link", // without a token
        ["410", "410", "410", "410", "410", "410"]),
    ("POST /link",
        ["410", "410", "410", "410", "410", "410"]),
    ("GET /account",
        ["303 /login?next=%2Faccount", "200", "200", "200", "200", "303 /login?next=%2Faccount"]),
    ("GET /account/password", // where a mistake in the form leaves the address
        ["303 /login?next=%2Faccount%2Fpassword", TO_PASSWORD, TO_PASSWORD, TO_PASSWORD, TO_PASSWORD,
         "303 /login?next=%2Faccount%2Fpassword"]),
    ("POST /account/password", // without passwords
        ["303 /login", "422", "422", "422", "422", "303 /login"]),
    ("GET /.well-known/change-password",
        [TO_PASSWORD, TO_PASSWORD, TO_PASSWORD, TO_PASSWORD, TO_PASSWORD, TO_PASSWORD]),
    ("GET /admin",
        ["303 /login?next=%2Fadmin", "403", "200", "200", "200", "303 /login?next=%2Fadmin"]),
    ("GET /admin/users",
        ["303 /login?next=%2Fadmin%2Fusers", "403", "200", "200", "200", "303 /login?next=%2Fadmin%2Fusers"]),
    ("GET /admin/roles",
        ["303 /login?next=%2Fadmin%2Froles", "403", "200", "200", "200", "303 /login?next=%2Fadmin%2Froles"]),
    ("GET /account/sessions/end", // without saying which
        ["303 /login?next=%2Faccount%2Fsessions%2Fend", "400", "400", "400", "400",
         "303 /login?next=%2Faccount%2Fsessions%2Fend"]),
    ("POST /account/sessions/end", // without saying which
        ["303 /login", "400", "400", "400", "400",
         "303 /login"]),
    ("POST /admin/users", // without a name
        ["303 /login", "403", "422", "403", "422",
         "303 /login"]),
    ("GET /admin/users/new",
        ["303 /login?next=%2Fadmin%2Fusers%2Fnew", "403", "200", "403", "200",
         "303 /login?next=%2Fadmin%2Fusers%2Fnew"]),
    ("GET /admin/users/00000000-0000-0000-0000-000000000000", // nobody, as all that follow
        ["303 /login?next=%2Fadmin%2Fusers%2F00000000-0000-0000-0000-000000000000", "403", "404", "404", "404",
         "303 /login?next=%2Fadmin%2Fusers%2F00000000-0000-0000-0000-000000000000"]),
    ("POST /admin/users/00000000-0000-0000-0000-000000000000",
        ["303 /login", "403", "404", "403", "404",
         "303 /login"]),
    ("GET /admin/users/00000000-0000-0000-0000-000000000000/disable",
        ["303 /login?next=%2Fadmin%2Fusers%2F00000000-0000-0000-0000-000000000000%2Fdisable", "403", "404", "403", "404",
         "303 /login?next=%2Fadmin%2Fusers%2F00000000-0000-0000-0000-000000000000%2Fdisable"]),
    ("POST /admin/users/00000000-0000-0000-0000-000000000000/disable",
        ["303 /login", "403", "404", "403", "404",
         "303 /login"]),
    ("GET /admin/users/00000000-0000-0000-0000-000000000000/remove",
        ["303 /login?next=%2Fadmin%2Fusers%2F00000000-0000-0000-0000-000000000000%2Fremove", "403", "404", "403", "404",
         "303 /login?next=%2Fadmin%2Fusers%2F00000000-0000-0000-0000-000000000000%2Fremove"]),
    ("POST /admin/users/00000000-0000-0000-0000-000000000000/remove",
        ["303 /login", "403", "404", "403", "404",
         "303 /login"]),
    ("POST /admin/users/00000000-0000-0000-0000-000000000000/enable",
        ["303 /login", "403", "404", "403", "404",
         "303 /login"]),
    ("POST /admin/users/00000000-0000-0000-0000-000000000000/throttle/clear",
        ["303 /login", "403", "404", "403", "404",
         "303 /login"]),
    ("POST /admin/users/00000000-0000-0000-0000-000000000000/link",
        ["303 /login", "403", "404", "403", "404",
         "303 /login"]),
    ("POST /admin/users/00000000-0000-0000-0000-000000000000/grant",
        ["303 /login", "403", "404", "404", "404",
         "303 /login"]),
    ("GET /admin/users/00000000-0000-0000-0000-000000000000/revoke", // of no role
        ["303 /login?next=%2Fadmin%2Fusers%2F00000000-0000-0000-0000-000000000000%2Frevoke", "403", "403", "403", "404",
         "303 /login?next=%2Fadmin%2Fusers%2F00000000-0000-0000-0000-000000000000%2Frevoke"]),
    ("POST /admin/users/00000000-0000-0000-0000-000000000000/revoke",
        ["303 /login", "403", "404", "404", "404",
         "303 /login"]),
    ("GET /admin/users/00000000-0000-0000-0000-000000000000/sessions/end",
        ["303 /login?next=%2Fadmin%2Fusers%2F00000000-0000-0000-0000-000000000000%2Fsessions%2Fend", "403", "404", "403", "404",
         "303 /login?next=%2Fadmin%2Fusers%2F00000000-0000-0000-0000-000000000000%2Fsessions%2Fend"]),
    ("POST /admin/users/00000000-0000-0000-0000-000000000000/sessions/end",
        ["303 /login", "403", "404", "403", "404",
         "303 /login"]),
    ("POST /admin/roles", // without a name
        ["303 /login", "403", "403", "403", "422",
         "303 /login"]),
    ("GET /admin/roles/new",
        ["303 /login?next=%2Fadmin%2Froles%2Fnew", "403", "403", "403", "200",
         "303 /login?next=%2Fadmin%2Froles%2Fnew"]),
    ("GET /admin/roles/user",
        ["303 /login?next=%2Fadmin%2Froles%2Fuser", "403", "200", "200", "200",
         "303 /login?next=%2Fadmin%2Froles%2Fuser"]),
    ("POST /admin/roles/user", // built in
        ["303 /login", "403", "403", "403", "409",
         "303 /login"]),
    ("POST /admin/roles/user/limits", // built in all the same
        ["303 /login", "403", "403", "403", "303 /admin/roles/user?done",
         "303 /login"]),
    ("POST /admin/roles/user/allow",
        ["303 /login", "403", "403", "403", "422",
         "303 /login"]),
    ("GET /admin/roles/user/deny",
        ["303 /login?next=%2Fadmin%2Froles%2Fuser%2Fdeny", "403", "403", "403", "404",
         "303 /login?next=%2Fadmin%2Froles%2Fuser%2Fdeny"]),
    ("POST /admin/roles/user/deny",
        ["303 /login", "403", "403", "403", "422",
         "303 /login"]),
    ("POST /admin/roles/user/include",
        ["303 /login", "403", "403", "403", "422",
         "303 /login"]),
    ("GET /admin/roles/user/exclude",
        ["303 /login?next=%2Fadmin%2Froles%2Fuser%2Fexclude", "403", "403", "403", "404",
         "303 /login?next=%2Fadmin%2Froles%2Fuser%2Fexclude"]),
    ("POST /admin/roles/user/exclude",
        ["303 /login", "403", "403", "403", "422",
         "303 /login"]),
    ("POST /admin/roles/user/grantor",
        ["303 /login", "403", "403", "403", "422",
         "303 /login"]),
    ("GET /admin/roles/user/ungrantor",
        ["303 /login?next=%2Fadmin%2Froles%2Fuser%2Fungrantor", "403", "403", "403", "404",
         "303 /login?next=%2Fadmin%2Froles%2Fuser%2Fungrantor"]),
    ("POST /admin/roles/user/ungrantor",
        ["303 /login", "403", "403", "403", "422",
         "303 /login"]),
    ("GET /admin/roles/user/delete",
        ["303 /login?next=%2Fadmin%2Froles%2Fuser%2Fdelete", "403", "403", "403", "404",
         "303 /login?next=%2Fadmin%2Froles%2Fuser%2Fdelete"]),
    ("POST /admin/roles/user/delete",
        ["303 /login", "403", "403", "403", "409",
         "303 /login"]),
    ("GET /admin/roles/user/holders.csv",
        ["303 /login?next=%2Fadmin%2Froles%2Fuser%2Fholders.csv", "403", "200", "200", "200",
         "303 /login?next=%2Fadmin%2Froles%2Fuser%2Fholders.csv"]),
    ("GET /admin/sessions",
        ["303 /login?next=%2Fadmin%2Fsessions", "403", "200", "200", "200",
         "303 /login?next=%2Fadmin%2Fsessions"]),
    ("GET /admin/sessions/00000000-0000-0000-0000-000000000000/end", // that nobody has
        ["303 /login?next=%2Fadmin%2Fsessions%2F00000000-0000-0000-0000-000000000000%2Fend", "403", "404", "403", "404",
         "303 /login?next=%2Fadmin%2Fsessions%2F00000000-0000-0000-0000-000000000000%2Fend"]),
    ("POST /admin/sessions/00000000-0000-0000-0000-000000000000/end", // that nobody has
        ["303 /login", "403", "303 /admin/sessions?done", "403", "303 /admin/sessions?done",
         "303 /login"]),
    ("GET /admin/audit",
        ["303 /login?next=%2Fadmin%2Faudit", "403", "403", "200", "200",
         "303 /login?next=%2Fadmin%2Faudit"]),
    ("GET /admin/audit.csv",
        ["303 /login?next=%2Fadmin%2Faudit.csv", "403", "403", "200", "200",
         "303 /login?next=%2Fadmin%2Faudit.csv"]),
    ("GET /auth/check",
        ["401", "200", "200", "200", "200", "401"]),
    ("ANY /auth/envoy/-/",
        ["401", "200", "200", "200", "200", "401"]),
    ("ANY /auth/envoy/admin/users?role=user",
        ["401", "403", "403", "403", "200", "401"]),
    ("GET /healthz",
        ["200", "200", "200", "200", "200", "200"]),
    ("GET /readyz",
        ["200", "200", "200", "200", "200", "200"]),
    ("GET /static/style.css",
        ["200", "200", "200", "200", "200", "200"]),
    ("GET /static/nothing.css",
        ["404", "404", "404", "404", "404", "404"]),
];
const OUT: &str = "303 /login?done=signed-out";
const TO_PASSWORD: &str = "303 /account#password";

/// The route that stands in the list for a path of the table.
fn pattern(path: &str) -> String {
    const NOBODY: &str = "00000000-0000-0000-0000-000000000000";
    if path.starts_with("/static/") {
        return "/static/{name}".to_owned();
    }
    if path.starts_with("/auth/envoy/") {
        return "/auth/envoy/{*asked}".to_owned();
    }
    path.replace(NOBODY, "{id}").replace("/admin/roles/user", "/admin/roles/{name}")
}

/// What `rolecall::web` offers: path and methods.
fn offered() -> BTreeMap<&'static str, Vec<Method>> {
    let routes = rolecall::web::routes().into_iter();
    routes
        .map(|route| {
            let methods = route.methods.into_iter().map(|(method, _)| method);
            (route.path, methods.collect())
        })
        .collect()
}

/// Somebody of that kind, with a session of their own.
async fn visitor(t: &TestApp, kind: &str) -> Visitor {
    match kind {
        "anonymous" => Visitor::new(),
        "disabled" => {
            users::enable(&t.app, &cli(), id(t, kind).await).await.unwrap();
            let visitor = t.login(kind).await;
            users::disable(&t.app, &cli(), id(t, kind).await).await.unwrap();
            visitor
        }
        _ => t.login(kind).await,
    }
}

async fn id(t: &TestApp, name: &str) -> rolecall::db::UserId {
    users::find(&t.app, name).await.unwrap().id
}

async fn populate(t: &TestApp) {
    for role in ["user", "user-manager", "auditor", "admin"] {
        t.user(role, &[role]).await;
    }
    t.user("disabled", &["admin"]).await;
}

async fn every_route_answers_every_kind_of_visitor_as_the_table_says(t: TestApp) {
    let t = t.unthrottled().await;
    let offered: BTreeSet<String> = offered()
        .into_iter()
        .flat_map(|(path, methods)| {
            let line = move |method| format!("{method} {path}");
            methods.into_iter().map(line)
        })
        .collect();
    let listed: BTreeSet<String> = TABLE
        .iter()
        .map(|(route, _)| {
            let (method, path) = route.split_once(' ').unwrap();
            format!("{method} {}", pattern(path))
        })
        .collect();
    assert_eq!(offered, listed, "the table of this test lists every route");

    populate(&t).await;
    let mut wrong = String::new();
    for (route, expected) in TABLE {
        let (method, path) = route.split_once(' ').unwrap();
        for (kind, expected) in VISITORS.into_iter().zip(expected) {
            let visitor = visitor(&t, kind).await;
            let answer = match method {
                "GET" => t.get_as(&visitor, path).await,
                "POST" => t.post_form(&visitor, path, &[]).await,
                "ANY" => {
                    let method = Method::from_bytes(b"ANY").unwrap();
                    t.send_as(&visitor, t.request(method, path), Body::empty()).await
                }
                other => panic!("this test cannot {other}"),
            };
            if answer.outcome() != expected {
                wrong += &format!("{kind} {route}: {}, not {expected}\n", answer.outcome());
            }
        }
    }
    assert_eq!(wrong, "");
}

async fn a_path_that_does_not_exist_is_404_for_everybody(t: TestApp) {
    populate(&t).await;
    for kind in VISITORS {
        let visitor = visitor(&t, kind).await;
        for path in [
            "/nothing",
            "/admin/nothing",
            "/admin/",
            "/account/",
            "/auth",
            "/auth/check/x",
            "/auth/envoy",
            "/auth/envoy/",
            "/static",
            "/static/a/b",
            "/login.php",
            "/.env",
            "/%61ccount",
            "//account",
            "/api/v1/users",
        ] {
            let answer = t.get_as(&visitor, path).await;
            assert_eq!(answer.outcome(), "404", "{kind} {path}");
        }
        let answer = t.post_form(&visitor, "/nothing", &[]).await;
        assert_eq!(answer.outcome(), "404", "{kind} POST");
    }
}

async fn a_method_that_is_not_offered_is_405_and_the_answer_says_which_are(t: TestApp) {
    let admin = t.signed_in("ada", &["admin"]).await;
    for (path, methods) in offered() {
        if methods.contains(&Method::from_bytes(b"ANY").unwrap()) {
            continue;
        }
        let path = path.replace("{name}", "style.css");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            if methods.contains(&method) {
                continue;
            }
            for visitor in [&Visitor::new(), &admin] {
                let request = t.request(method.clone(), &path).header("origin", t.origin());
                let answer = t.send_as(visitor, request, Body::empty()).await;
                assert_eq!(answer.outcome(), "405", "{method} {path}");
                let allowed: BTreeSet<&str> = answer.header("allow").split(',').collect();
                let head = methods.contains(&Method::GET).then_some("HEAD");
                let expected = methods.iter().map(Method::as_str).chain(head).collect();
                assert_eq!(allowed, expected, "{method} {path}");
            }
        }
    }
}

async fn head_is_answered_like_get_without_a_body(t: TestApp) {
    let admin = t.signed_in("ada", &["admin"]).await;
    for (path, methods) in offered() {
        if !methods.contains(&Method::GET) {
            continue;
        }
        let path = path.replace("{name}", "style.css");
        for visitor in [&Visitor::new(), &admin] {
            let get = t.get_as(visitor, &path).await;
            let head = t.request(Method::HEAD, &path);
            let head = t.send_as(visitor, head, Body::empty()).await;
            assert_eq!(head.outcome(), get.outcome(), "{path}");
            assert!(head.body.is_empty(), "{path}");
        }
    }
}

async fn an_anonymous_visitor_of_a_page_is_led_to_the_login_and_back(t: TestApp) {
    t.user("kim", &["user-manager"]).await;
    let visitor = Visitor::new();
    let page = "/admin/users?after=a%26b%3Dc";
    let login = t.get_as(&visitor, page).await;
    assert_eq!(login.outcome(), "303 /login?next=%2Fadmin%2Fusers%3Fafter%3Da%2526b%253Dc");
    let form = t.get_as(&visitor, login.location()).await;
    let next = form.hidden_field("next").unwrap();
    assert_eq!(next, page);
    let fields =
        [("username", "kim"), ("password", crate::support::PASSWORD), ("next", next.as_str())];
    let answer = t.post_form(&visitor, "/login", &fields).await;
    assert_eq!(answer.outcome(), format!("303 {page}"));
    assert_eq!(t.get_as(&visitor, page).await.outcome(), "200");
}

async fn opening_logout_logs_nobody_out(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await;
    let page = t.get_as(&kim, "/logout").await;
    assert_eq!(page.outcome(), "200");
    assert!(page.set_cookies().is_empty());
    assert!(page.text().contains("<form method=\"post\" action=\"/logout\">"));
    assert!(t.is_signed_in(&kim).await);
}

async fn a_revoked_role_is_refused_on_the_next_request(t: TestApp) {
    let kim = t.user("kim", &["auditor"]).await;
    let visitor = t.login("kim").await;
    assert_eq!(t.get_as(&visitor, "/admin").await.outcome(), "200");
    let auditor = crate::support::role("auditor");
    rolecall::auth::grants::revoke(&t.app, &cli(), kim.id, &auditor).await.unwrap();
    assert_eq!(t.get_as(&visitor, "/admin").await.outcome(), "403");
    let check = t.get_as(&visitor, "/auth/check?role=auditor").await;
    assert_eq!(check.outcome(), "403");
    assert_eq!(t.get_as(&visitor, "/account").await.outcome(), "200");
}

async fn what_another_process_changes_holds_on_the_next_request(t: TestApp) {
    let other = t.beside().await;
    let kim = t.user("kim", &["auditor"]).await;
    let visitor = t.login("kim").await;
    for process in [&t, &other] {
        assert_eq!(process.get_as(&visitor, "/admin").await.outcome(), "200");
    }
    let auditor = crate::support::role("auditor");
    rolecall::auth::grants::revoke(&other.app, &cli(), kim.id, &auditor).await.unwrap();
    assert_eq!(t.get_as(&visitor, "/admin").await.outcome(), "403");
    rolecall::auth::sessions::end_of_user(&other.app, &cli(), kim.id).await.unwrap();
    assert!(!t.is_signed_in(&visitor).await);
}
