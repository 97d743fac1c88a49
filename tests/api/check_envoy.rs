//! `/auth/envoy/{roles}/…`, as Envoy's ext_authz over HTTP asks it: the client's request with a
//! path before its own.

use axum::{
    body::Body,
    http::{Method, Request, Uri},
};
use rolecall::web::Peer;

use crate::support::{Answer, Database, TestApp, Visitor, both_engines, cli, role, roles};

both_engines!(
    the_demand_is_what_stands_in_the_path_and_nothing_else,
    every_method_is_answered_and_changes_nothing,
    a_question_that_is_none_is_refused,
    a_navigation_is_led_to_the_login_and_back,
    the_application_is_told_all_that_a_client_could_claim,
);

async fn behind_envoy(db: Database) -> TestApp {
    let t = TestApp::with(db, |chosen| {
        chosen.public_url = "https://login.example.com".parse().ok();
        chosen.trusted_proxies = "10.0.0.0/8".parse().ok();
        chosen.allowed_return_origins = "https://app.example.com".parse().ok();
    })
    .await;
    roles::create(&t.app, &cli(), &role("editor"), "").await.unwrap();
    t
}

/// What rolecall answers when Envoy, with this prefix, asks about a client's request.
async fn asks(
    t: &TestApp,
    visitor: &Visitor,
    prefix: &str,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
) -> Answer {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let mut request = Request::builder().method(method).uri(format!("{prefix}{path}"));
    request = request.extension(Peer("10.1.2.3".parse().ok())).header("host", "app.example.com");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    t.send_as(visitor, request, Body::empty()).await
}

async fn the_demand_is_what_stands_in_the_path_and_nothing_else(db: Database) {
    let t = behind_envoy(db).await;
    let kim = t.signed_in("kim", &["editor"]).await;
    let ada = t.signed_in("ada", &["admin"]).await;
    for (roles, of_kim, of_ada) in [
        ("-", 200, 200),
        ("editor", 200, 403),
        ("admin", 403, 200),
        ("admin,editor", 200, 200),
        ("admin,nobody", 403, 200),
        ("nobody", 403, 403),
        (",", 403, 403),
        ("--", 403, 403),
        ("-,nobody", 403, 403),
        ("ADMIN", 403, 403),
    ] {
        let prefix = format!("/auth/envoy/{roles}");
        for path in [
            "/",
            "//",
            "/x",
            "/auth/envoy/-/x",
            "/../-/x",
            "/..%2f-/x",
            "/%2e%2e/editor/",
            "/-",
            "/editor",
            "/?role=editor",
            "/x?role=admin&permission=reports:write&redirect=0&unknown",
            "/%ff%00%",
            "/x;y=z",
            "/a//b/./c",
        ] {
            for (visitor, status) in [(&kim, of_kim), (&ada, of_ada), (&Visitor::new(), 401)] {
                let answer = asks(&t, visitor, &prefix, ("GET", path), &[]).await;
                assert_eq!(answer.outcome(), status.to_string(), "{prefix}{path}");
                assert_eq!(answer.header("cache-control"), "no-store");
                assert_eq!(answer.headers.contains_key("remote-user"), status == 200);
            }
        }
    }
}

async fn every_method_is_answered_and_changes_nothing(db: Database) {
    let t = behind_envoy(db).await;
    let kim = t.signed_in("kim", &["editor"]).await;
    let before = t.db.dump().await;
    for method in
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "X"]
    {
        for headers in [
            &[][..],
            &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
            &[("content-type", "application/json"), ("x-http-method-override", "GET")],
        ] {
            for (visitor, prefix, outcome) in [
                (&kim, "/auth/envoy/editor", "200"),
                (&kim, "/auth/envoy/admin", "403"),
                (&Visitor::new(), "/auth/envoy/-", "401"),
            ] {
                let answer = asks(&t, visitor, prefix, (method, "/logout"), headers).await;
                assert_eq!(answer.outcome(), outcome, "{method} {prefix} {headers:?}");
            }
        }
    }
    t.db.assert_unchanged(&before).await;
    assert!(t.is_signed_in(&kim).await);
}

async fn a_question_that_is_none_is_refused(db: Database) {
    let t = behind_envoy(db).await;
    let ada = t.signed_in("ada", &["admin"]).await;
    for (address, status) in [
        // No check, and no page under this host.
        ("/auth/envoy", 421),
        ("/auth/envoy/", 421),
        ("/auth//envoy/-/x", 421),
        ("/auth/ENVOY/-/x", 421),
        ("/auth/envoy//x", 400),
        ("/auth/envoy/admin", 400),
        ("/auth/envoy/admin?/x", 400),
        ("/auth/envoy/admin*", 400),
        ("/auth/envoy/%61dmin/x", 400),
        ("/auth/envoy/admin%2Fx", 400),
        ("/auth/envoy/admin%2C/x", 400),
        ("/auth/envoy/adm in/x", 0),
        ("/auth/envoy/admin;a/x", 400),
        ("/auth/envoy/admin+user/x", 400),
        ("/auth/envoy/../check", 403),
        ("/auth/envoy/./x", 403),
    ] {
        if address.parse::<Uri>().is_err() {
            assert_eq!(status, 0, "{address}");
            continue;
        }
        let answer = asks(&t, &ada, "", ("GET", address), &[]).await;
        assert_eq!(answer.status(), status, "{address}");
    }
    let long = format!("/{}", "x".repeat(20_000));
    let answer = asks(&t, &ada, "/auth/envoy/-", ("GET", &long), &[]).await;
    assert_eq!(answer.status(), 414);
}

async fn a_navigation_is_led_to_the_login_and_back(db: Database) {
    const HTML: (&str, &str) = ("accept", "text/html");
    const HTTPS: (&str, &str) = ("x-forwarded-proto", "https");
    const LOGIN: &str = "302 https://login.example.com/login";
    let t = behind_envoy(db).await;
    let back = format!("{LOGIN}?next=https%3A%2F%2Fapp.example.com%2Fa%3Fb%3Dc%26d");
    for (method, headers, outcome) in [
        ("GET", &[HTML, HTTPS][..], &*back),
        ("HEAD", &[HTML, HTTPS], &back),
        ("POST", &[HTML, HTTPS], "401"),
        ("OPTIONS", &[HTML, HTTPS], "401"),
        ("GET", &[HTTPS], "401"),
        ("GET", &[HTML, HTTPS, ("sec-fetch-mode", "cors")], "401"),
        ("GET", &[HTML], LOGIN),
        ("GET", &[HTML, ("x-forwarded-proto", "http")], LOGIN),
        ("GET", &[HTML, HTTPS, HTTPS], LOGIN),
        ("GET", &[HTML, HTTPS, ("host", "app.example.com")], LOGIN),
        // What only other proxies set is the client's own, and nothing.
        ("POST", &[HTML, HTTPS, ("x-forwarded-method", "GET")], "401"),
        (
            "GET",
            &[HTML, HTTPS, ("x-forwarded-host", "evil.example"), ("x-forwarded-uri", "/evil")],
            &back,
        ),
    ] {
        let answer =
            asks(&t, &Visitor::new(), "/auth/envoy/admin", (method, "/a?b=c&d"), headers).await;
        assert_eq!(answer.outcome(), outcome, "{method} {headers:?}");
    }
    // From whom we do not trust.
    let request = t.request(Method::GET, "/auth/envoy/-/a").header(HTML.0, HTML.1);
    let request = request.header("host", "app.example.com").header(HTTPS.0, HTTPS.1);
    let request = request.extension(Peer("203.0.113.9".parse().ok()));
    assert_eq!(t.send_as(&Visitor::new(), request, Body::empty()).await.outcome(), LOGIN);
}

async fn the_application_is_told_all_that_a_client_could_claim(db: Database) {
    let t = behind_envoy(db).await;
    let kim = t.signed_in("kim", &["editor"]).await;
    let claimed = [("remote-email", "ada@example.com"), ("remote-permissions", "a:b")];
    let answer = asks(&t, &kim, "/auth/envoy/-", ("GET", "/"), &claimed).await;
    for (name, value) in [
        ("remote-user", "kim"),
        ("remote-name", "kim"),
        ("remote-groups", "editor"),
        ("remote-email", ""),
        ("remote-permissions", ""),
    ] {
        assert!(answer.headers.contains_key(name), "Envoy leaves {name} as it came");
        assert_eq!(answer.header(name), value, "{name}");
    }
    assert!(answer.headers.contains_key("remote-user-id"));
}
