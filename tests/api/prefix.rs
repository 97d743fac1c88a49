//! Below a prefix, on a host that is shared with others: where answers lead, and what stands at
//! the root all the same.

use axum::{
    Router,
    body::Body,
    http::{Method, Request},
    routing::get,
};
use http_body_util::BodyExt;
use rolecall::{
    auth::{
        link,
        users::{self, FirstPassword, NewUser},
    },
    web::{self, Peer},
};
use tower::ServiceExt;

use crate::{
    api::metrics::scrape,
    support::{Answer, Database, PASSWORD, TestApp, Visitor, both_engines, cli, form, username},
};

both_engines!(
    an_anonymous_visitor_is_led_to_the_login_below_the_prefix_and_back,
    a_login_leads_to_the_account_or_to_any_path_of_the_host,
    outside_the_prefix_there_is_nothing,
    what_programs_ask_for_is_at_the_root_too,
    a_check_leads_to_the_login_below_the_prefix,
    a_prefix_that_begins_like_a_check_takes_nothing_from_it,
    a_one_time_link_leads_below_the_prefix,
    cookies_are_those_of_the_whole_host,
    an_application_has_the_rest_of_the_host,
);

pub async fn below(db: Database, prefix: &str) -> TestApp {
    TestApp::with(db, |chosen| {
        chosen.public_url = format!("https://example.com{prefix}").parse().ok();
        chosen.metrics_listen = "127.0.0.1:0".parse().ok();
    })
    .await
}

/// Signs in below `/people`.
pub async fn log_in(t: &TestApp, name: &str, next: &str) -> (Visitor, Answer) {
    let visitor = Visitor::new();
    let fields = form(&[("username", name), ("password", PASSWORD), ("next", next)]);
    let answer = t.post(&visitor, "/people/login", fields).await;
    (visitor, answer)
}

async fn an_anonymous_visitor_is_led_to_the_login_below_the_prefix_and_back(db: Database) {
    let t = below(db, "/people").await;
    t.user("kim", &[]).await;
    let answer = t.get("/people/account?roles=a").await;
    let login = "/people/login?next=%2Fpeople%2Faccount%3Froles%3Da";
    assert_eq!(answer.outcome(), format!("303 {login}"));
    let page = t.get(login).await;
    let next = page.hidden_field("next").unwrap();
    assert_eq!(next, "/people/account?roles=a");
    let (_, answer) = log_in(&t, "kim", &next).await;
    assert_eq!(answer.outcome(), "303 /people/account?roles=a");
    for start in ["/people", "/people/"] {
        assert_eq!(t.get(start).await.outcome(), "303 /people/login", "{start}");
    }
}

async fn a_login_leads_to_the_account_or_to_any_path_of_the_host(db: Database) {
    let t = below(db, "/people").await;
    t.user("kim", &[]).await;
    for (next, location) in [
        ("", "/people/account"),
        ("https://evil.example/", "/people/account"),
        ("//evil.example/", "/people/account"),
        ("/reports?week=47", "/reports?week=47"),
        ("/people/logout", "/people/logout"),
    ] {
        let (kim, answer) = log_in(&t, "kim", next).await;
        assert_eq!(answer.outcome(), format!("303 {location}"), "{next}");
        let again = format!("/people/login?{}", form(&[("next", next)]));
        assert_eq!(t.get_as(&kim, &again).await.location(), location, "{next}");
    }
}

async fn outside_the_prefix_there_is_nothing(db: Database) {
    let t = below(db, "/people").await;
    t.user("kim", &[]).await;
    let (kim, _) = log_in(&t, "kim", "").await;
    for path in ["/", "/login", "/account", "/static/style.css", "/peopl", "/people-too/login"] {
        let answer = t.get_as(&kim, path).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert!(answer.text().contains("href=\"/people/account\""), "{path}");
        assert!(!answer.header("content-security-policy").is_empty(), "{path}");
    }
    for path in ["/people/nowhere", "/people//login", "/people/people/login", "/people/login/"] {
        assert_eq!(t.get_as(&kim, path).await.status(), 404, "{path}");
    }
}

async fn what_programs_ask_for_is_at_the_root_too(db: Database) {
    let t = below(db, "/people").await;
    t.user("kim", &[]).await;
    let (kim, _) = log_in(&t, "kim", "").await;
    for prefix in ["", "/people"] {
        for path in ["/healthz", "/readyz", "/auth/check", "/auth/envoy/-/reports"] {
            let answer = t.get_as(&kim, &format!("{prefix}{path}")).await;
            assert_eq!(answer.status(), 200, "{prefix}{path}");
        }
        let anonymous = t.get(&format!("{prefix}/auth/check")).await;
        assert_eq!(anonymous.status(), 401, "{prefix}");
        let well_known = t.get(&format!("{prefix}/.well-known/change-password")).await;
        assert_eq!(well_known.outcome(), "303 /people/account#password");
    }
    // They count as the route that they are, wherever they were asked.
    let counted = scrape(&t).await;
    for (route, times) in [("/auth/check", 4.0), ("/readyz", 2.0), ("/login", 1.0)] {
        let requests = counted.value("rolecall_http_requests_total", &[("route", route)]);
        assert_eq!(requests, times, "{route}");
    }
}

async fn a_check_leads_to_the_login_below_the_prefix(db: Database) {
    let t = below(db, "/people").await;
    let request = t.request(Method::GET, "/auth/check?redirect=1").header("accept", "text/html");
    let answer = t.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.outcome(), "302 https://example.com/people/login");

    let t = t
        .beside_with(|settings| {
            settings.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        })
        .await;
    let request = t
        .request(Method::GET, "/auth/check?redirect=1")
        .header("accept", "text/html")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "example.com")
        .header("x-forwarded-uri", "/reports?week=47");
    let answer = t.send(request.body(Body::empty()).unwrap()).await;
    let login = "https://example.com/people/login?next=%2Freports%3Fweek%3D47";
    assert_eq!(answer.outcome(), format!("302 {login}"));
}

async fn a_prefix_that_begins_like_a_check_takes_nothing_from_it(db: Database) {
    let t = below(db, "/auth").await;
    for path in ["/auth/check", "/auth/auth/check"] {
        assert_eq!(t.get(path).await.status(), 401, "{path}");
    }
    assert_eq!(t.get("/auth/login").await.status(), 200);
    assert_eq!(t.get("/auth/envoy/-/x").await.status(), 401);
    assert_eq!(t.get("/auth/nowhere").await.status(), 404);
}

async fn a_one_time_link_leads_below_the_prefix(db: Database) {
    let t = below(db, "/people").await;
    let new = NewUser {
        username: username("kim"),
        email: None,
        display_name: String::new(),
        roles: &[],
        password: FirstPassword::Invite,
    };
    let made = users::create(&t.app, &cli(), new).await.unwrap();
    let token = link::make(&t.app, &cli(), made.user.id).await.unwrap();
    let url = link::url(&t.app, token);
    let path = url.strip_prefix("https://example.com").unwrap();
    assert!(path.starts_with("/people/link?token="), "{url}");
    let page = t.get(path).await;
    let token = page.hidden_field("token").unwrap();
    let fields = form(&[("token", &token), ("password", PASSWORD)]);
    let answer = t.post(&Visitor::new(), "/people/link", fields).await;
    assert_eq!(answer.outcome(), "303 /people/login?done=password");
}

async fn cookies_are_those_of_the_whole_host(db: Database) {
    let t = below(db, "/people").await;
    t.user("kim", &[]).await;
    let (kim, answer) = log_in(&t, "kim", "").await;
    assert_eq!(answer.cookies().len(), 2);
    for cookie in answer.cookies() {
        // `__Host-` asks for this path, and the application's checks for this cookie.
        assert!(cookie.name().starts_with("__Host-rolecall"), "{cookie}");
        assert_eq!(cookie.path(), Some("/"));
    }
    let page = t.get_as(&kim, "/people/logout").await;
    let token = page.hidden_field("form_token").unwrap();
    let answer = t.post(&kim, "/people/logout", form(&[("form_token", &token)])).await;
    assert_eq!(answer.outcome(), "303 /people/login?done=signed-out");
    assert_eq!(kim.session(), None);
}

async fn an_application_has_the_rest_of_the_host(db: Database) {
    let t = below(db, "/people").await;
    t.user("kim", &[]).await;
    let own = Router::new().route("/", get(async || "the application's"));
    let own = own.fallback(async || "nothing of the application's");
    let router = own.merge(web::below_prefix(&t.app));
    let get = async |path: &str| {
        let request = Request::get(path).header("host", "example.com").extension(Peer(None));
        let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    };
    assert_eq!(get("/").await.text(), "the application's");
    for path in ["/login", "/healthz", "/auth/check", "/.well-known/change-password"] {
        let answer = get(path).await;
        assert_eq!(answer.text(), "nothing of the application's", "{path}");
        assert!(answer.headers.get("content-security-policy").is_none(), "{path}");
    }
    assert!(get("/people/login").await.text().contains("action=\"/people/login\""));
    assert_eq!(get("/people/").await.outcome(), "303 /people/login");
    let account = get("/people/account").await;
    assert_eq!(account.outcome(), "303 /people/login?next=%2Fpeople%2Faccount");
    let nowhere = get("/people/nowhere").await;
    assert_eq!(nowhere.status(), 404);
    assert!(nowhere.text().contains("There is no page here"));
}
