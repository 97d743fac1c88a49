//! What browsers are told about every page, and under which names we answer.

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Method, header},
};

use rolecall::config::OnOff;

use crate::support::{Answer, Database, PASSWORD, TestApp, Visitor, both_engines, form};

both_engines!(
    every_page_and_every_error_carries_the_security_headers,
    what_is_no_page_carries_them_too,
    the_login_form_may_end_at_an_allowed_return_address_and_nowhere_else,
    only_https_asks_browsers_to_insist_on_https,
    pages_answer_under_our_names_alone,
    checks_and_probes_do_not_look_at_the_host,
    a_public_name_has_no_alias,
    every_answer_has_a_request_id_of_its_own,
    an_error_page_shows_the_request_id_and_what_to_do_next,
    no_page_has_inline_style_or_script,
    static_files_are_what_they_say_and_may_be_kept_a_while,
);

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// A content security policy by its directives; their order means nothing.
fn directives(policy: &str) -> BTreeSet<String> {
    policy.split(';').map(|part| part.trim().to_owned()).collect()
}

fn assert_secure(answer: &Answer, policy: &str, what: &str) {
    let found = directives(answer.header("content-security-policy"));
    assert_eq!(found, directives(policy), "{what}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), value, "{name} of {what}");
    }
    assert!(answer.header("permissions-policy").contains("camera=()"), "{what}");
    let kind = answer.header("content-type");
    let is_file = answer.header("content-disposition").starts_with("attachment");
    if is_file {
        assert_eq!(kind, "text/csv; charset=utf-8", "{what}");
    } else if !answer.body.is_empty() {
        assert_eq!(kind, "text/html; charset=utf-8", "{what}");
    }
}

/// An answer of every kind that pages give, with what it is.
async fn all_kinds(t: &TestApp) -> Vec<(u16, Answer)> {
    let ada = t.signed_in("ada", &["admin"]).await;
    let kim = t.signed_in("kim", &[]).await;
    let stranger = Visitor::new();
    let pages = rolecall::web::routes().into_iter();
    let pages = pages.filter(|route| route.kind == rolecall::web::Kind::Page);
    let mut answers = Vec::new();
    for path in pages.map(|route| route.path) {
        for visitor in [&stranger, &ada] {
            let answer = t.get_as(visitor, path).await;
            answers.push((answer.status(), answer));
        }
    }
    let mib = "a".repeat(1 << 20);
    let post = async |path, body: &str| t.post(&stranger, path, body.to_owned()).await;
    answers.push((400, post("/login", "username=%ff").await));
    answers.push((401, post("/login", "").await));
    answers.push((403, t.get_as(&kim, "/admin").await));
    answers.push((403, t.post(&kim, "/logout", "").await));
    answers.push((404, t.get("/nothing").await));
    answers.push((405, post("/account", "").await));
    answers.push((410, post("/link", "").await));
    answers.push((413, post("/login", &mib).await));
    answers.push((422, t.post_form(&kim, "/account/password", &[]).await));
    let request = t.request(Method::POST, "/login");
    let request = request.header("sec-fetch-site", "same-origin");
    answers.push((415, t.send_as(&stranger, request, Body::empty()).await));
    let request = t.request(Method::POST, "/login");
    answers.push((403, t.send_as(&stranger, request, Body::empty()).await));
    answers.push((421, t.send(with_host("/login", Some("evil.example"))).await));
    answers.push((303, t.try_login(&stranger, "kim", PASSWORD).await));
    t.app.db.close().await;
    answers.push((503, t.get_as(&kim, "/account").await));
    answers
}

fn with_host(path: &str, host: Option<&str>) -> axum::http::Request<Body> {
    let request = axum::http::Request::get(path);
    let request = match host {
        Some(host) => request.header(header::HOST, host),
        None => request,
    };
    request.body(Body::empty()).unwrap()
}

async fn every_page_and_every_error_carries_the_security_headers(t: TestApp) {
    for (status, answer) in all_kinds(&t).await {
        assert_eq!(answer.status(), status);
        assert_secure(&answer, POLICY, &answer.outcome());
        assert_eq!(answer.header("strict-transport-security"), "");
        assert_eq!(answer.header("clear-site-data"), "");
    }
}

async fn what_is_no_page_carries_them_too(db: Database) {
    let t = TestApp::with(db, |chosen| {
        chosen.public_url = "https://login.example.com".parse().ok();
    })
    .await;
    for (path, status) in [
        ("/static/style.css", 200),
        ("/static/app.js", 200),
        ("/static/favicon.svg", 200),
        ("/static/nothing", 404),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/auth/check", 401),
        ("/auth/check?x=y", 400),
    ] {
        let answer = t.get(path).await;
        assert_eq!(answer.status(), status, "{path}");
        let found = directives(answer.header("content-security-policy"));
        assert_eq!(found, directives(POLICY), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{path}");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
        // Another host may be given the answer of a check.
        let age = if path.starts_with("/auth") { "" } else { "max-age=31536000" };
        assert_eq!(answer.header("strict-transport-security"), age, "{path}");
        for tells in ["server", "x-powered-by", "access-control-allow-origin"] {
            assert_eq!(answer.header(tells), "", "{tells} of {path}");
        }
    }
}

async fn the_login_form_may_end_at_an_allowed_return_address_and_nowhere_else(db: Database) {
    let t = TestApp::with(db, |chosen| {
        chosen.allowed_return_origins = "https://app.example.com".parse().ok();
        chosen.throttle = Some(OnOff::Off);
    })
    .await;
    let allowed = "https://app.example.com/reports?week=47";
    let wider = format!("{POLICY} https://app.example.com");
    for (next, policy) in [
        (allowed, wider.as_str()),
        ("/admin", POLICY),
        ("", POLICY),
        ("https://evil.example/", POLICY),
        ("https://app.example.com.evil.example/", POLICY),
        ("https://app.example.com; script-src *", POLICY),
    ] {
        let query = form(&[("next", next)]);
        let page = t.get(&format!("/login?{query}")).await;
        assert_secure(&page, policy, next);
        let again = form(&[("username", "kim"), ("password", "x"), ("next", next)]);
        let refused = t.post(&Visitor::new(), "/login", again).await;
        assert_eq!(refused.outcome(), "401");
        assert_secure(&refused, policy, next);
        let elsewhere = t.get(&format!("/nothing?{query}")).await;
        assert_secure(&elsewhere, POLICY, next);
    }
}

async fn only_https_asks_browsers_to_insist_on_https(db: Database) {
    let t = TestApp::with(db, |chosen| {
        chosen.public_url = "https://login.example.com".parse().ok();
    })
    .await;
    for (_, answer) in all_kinds(&t).await {
        let age = answer.header("strict-transport-security");
        assert_eq!(age, "max-age=31536000", "{}", answer.outcome());
    }
}

async fn pages_answer_under_our_names_alone(t: TestApp) {
    let ours = ["127.0.0.1:8000", "localhost:8000", "LOCALHOST:8000", "[::1]:8000"];
    for host in ours {
        let answer = t.send(with_host("/login", Some(host))).await;
        assert_eq!(answer.outcome(), "200", "{host}");
    }
    for host in [
        None,
        Some(""),
        Some("127.0.0.1"),
        Some("127.0.0.1:8001"),
        Some("localhost"),
        Some("127.0.0.2:8000"),
        Some("evil.example"),
        Some("evil.example:8000"),
        Some("127.0.0.1:8000.evil.example"),
        Some("127.0.0.1:8000@evil.example"),
        Some("evil.example/127.0.0.1:8000"),
        Some("127.0.0.1:8000/"),
        Some("127.0.0.1:8000, evil.example"),
        Some("localhost.:8000"),
        Some("[::1"),
        Some("a b"),
    ] {
        for path in ["/", "/login", "/account", "/nothing", "/logout"] {
            let answer = t.send(with_host(path, host)).await;
            assert_eq!(answer.outcome(), "421", "{host:?} {path}");
        }
    }
    // A forwarded name changes nothing, and links are made of public_url.
    let request = t.request(Method::GET, "/account");
    let request = request.header("x-forwarded-host", "evil.example");
    let answer = t.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.outcome(), "303 /login?next=%2Faccount");
    let token = rolecall::auth::link::make_setup(&t.app, &crate::support::cli()).await;
    let url = rolecall::auth::link::url(&t.app, token.unwrap().unwrap());
    assert!(url.starts_with("http://127.0.0.1:8000/link?token="), "{url}");
}

async fn checks_and_probes_do_not_look_at_the_host(t: TestApp) {
    for host in [None, Some(""), Some("app.example.com"), Some("10.0.0.7:8000")] {
        for (path, outcome) in [("/auth/check", "401"), ("/healthz", "200"), ("/readyz", "200")] {
            let answer = t.send(with_host(path, host)).await;
            assert_eq!(answer.outcome(), outcome, "{host:?} {path}");
        }
    }
}

async fn a_public_name_has_no_alias(db: Database) {
    let t = TestApp::with(db, |chosen| {
        chosen.public_url = "https://login.example.com".parse().ok();
    })
    .await;
    for (host, outcome) in [
        ("login.example.com", "200"),
        ("LOGIN.example.com", "200"),
        ("login.example.com:443", "200"),
        ("login.example.com:8000", "421"),
        ("login.example.com:80", "421"),
        ("example.com", "421"),
        ("x.login.example.com", "421"),
        ("login.example.com.", "421"),
        ("localhost", "421"),
        ("127.0.0.1:8000", "421"),
    ] {
        let answer = t.send(with_host("/login", Some(host))).await;
        assert_eq!(answer.outcome(), outcome, "{host}");
    }
    for origin in ["http://login.example.com", "https://example.com", "https://localhost"] {
        let request = t.request(Method::POST, "/login").header("origin", origin);
        let answer = t.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.outcome(), "403", "{origin}");
    }
}

async fn every_answer_has_a_request_id_of_its_own(t: TestApp) {
    let mut ids = BTreeSet::new();
    let mut take = |answer: &Answer| {
        let id = answer.header("x-request-id").to_owned();
        assert!(!id.is_empty(), "{}", answer.outcome());
        assert!(ids.insert(id), "twice the same");
    };
    for route in rolecall::web::routes() {
        let path = route.path.replace("{name}", "style.css");
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let request = t
                .request(method, &path)
                .header("origin", t.origin())
                .header("x-request-id", "chosen-by-the-client");
            take(&t.send(request.body(Body::empty()).unwrap()).await);
        }
    }
    for (_, answer) in all_kinds(&t).await {
        take(&answer);
    }
    take(&t.get("/static/nothing").await);
    take(&t.get("/auth/check?x=y").await);
    take(&t.beside().await.get("/healthz").await);
    assert!(!ids.contains("chosen-by-the-client"));
}

async fn an_error_page_shows_the_request_id_and_what_to_do_next(t: TestApp) {
    for (status, answer) in all_kinds(&t).await {
        if ![400, 403, 404, 405, 410, 413, 415, 421, 503].contains(&status) {
            continue;
        }
        assert!(answer.text().contains(answer.header("x-request-id")));
        assert!(answer.text().contains("<h1>"));
        let leads_on = answer.text().contains("class=\"button\"");
        assert_eq!(leads_on, ![421, 503].contains(&status), "{status}");
    }
}

async fn no_page_has_inline_style_or_script(t: TestApp) {
    for (status, answer) in all_kinds(&t).await {
        let page = answer.text().to_lowercase();
        for inline in ["style=", "<style", " onclick", " onload", " onsubmit", "javascript:"] {
            assert!(!page.contains(inline), "{inline} in {status}");
        }
        for script in page.split("<script").skip(1) {
            assert!(script.starts_with(" src=\"/static/"), "{script}");
        }
        assert!(!page.contains("http://") && !page.contains("https://"));
    }
}

async fn static_files_are_what_they_say_and_may_be_kept_a_while(t: TestApp) {
    for (name, kind) in [
        ("style.css", "text/css; charset=utf-8"),
        ("app.js", "text/javascript; charset=utf-8"),
        ("favicon.svg", "image/svg+xml; charset=utf-8"),
    ] {
        let answer = t.get(&format!("/static/{name}")).await;
        assert_eq!(answer.outcome(), "200");
        assert_eq!(answer.header("content-type"), kind);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(answer.header("cache-control").contains("max-age"));
        assert!(!answer.body.is_empty());
    }
    for name in ["..%2fCargo.toml", "%2e%2e", "style.css%00", "STYLE.CSS", "%ff"] {
        let answer = t.get(&format!("/static/{name}")).await;
        assert!(answer.status.is_client_error(), "{name}");
    }
}
