//! Who gets through the guards of an application, and what the others are told.

use axum::{Router, body::Body, http::Request, middleware::from_fn, routing::get};
use rolecall::{
    CurrentUser, Require, Rolecall, any_role,
    auth::{grants, users},
    signed_in,
};

use super::host::{HOST, Host, guarded, send};
use crate::support::{Visitor, both_engines, cli, role, roles};

both_engines!(
    everybody_gets_through_the_guards_that_they_meet_and_no_other,
    a_stranger_is_led_to_the_login_and_back_and_a_program_is_told_401,
    somebody_without_the_right_sees_a_page_and_a_program_a_word,
    a_form_from_another_site_changes_nothing,
    what_is_taken_away_is_refused_at_once,
    a_role_that_nobody_made_opens_to_nobody_until_it_is_made,
    without_the_layer_every_guard_is_shut,
    a_middleware_that_swallows_the_layer_opens_nothing,
    the_strict_headers_are_on_the_pages_alone,
    pages_that_are_mounted_twice_are_told_at_the_start,
    a_closed_application_refuses,
);

async fn everybody_gets_through_the_guards_that_they_meet_and_no_other(host: Host) {
    let nobody = Visitor::new();
    let plain = host.signed_in("plain", &[]).await;
    let reader = host.signed_in("reader1", &["reader"]).await;
    let editor = host.signed_in("editor1", &["editor"]).await;
    let admin = host.signed_in("admin1", &["admin"]).await;
    for (path, statuses) in [
        ("/", [200, 200, 200, 200, 200]),
        ("/who", [200, 200, 200, 200, 200]),
        ("/me", [401, 200, 200, 200, 200]),
        ("/notes", [401, 200, 200, 200, 200]),
        ("/desk", [401, 403, 403, 200, 403]),
        ("/desk/deep", [401, 403, 403, 200, 403]),
        ("/both", [401, 403, 403, 403, 403]),
        ("/and-or", [401, 403, 403, 200, 403]),
        ("/ghost", [401, 403, 403, 403, 403]),
        ("/nowhere", [404, 404, 404, 404, 404]),
        ("/desk/nowhere", [404, 404, 404, 404, 404]),
        ("/write", [405, 405, 405, 405, 405]),
    ] {
        for (visitor, status) in [&nobody, &plain, &reader, &editor, &admin].iter().zip(statuses) {
            assert_eq!(host.get(visitor, path).await.status(), status, "{path}");
        }
    }
    let own = [("origin", "http://localhost:3210")];
    for (visitor, status) in [(&nobody, 401), (&reader, 403), (&editor, 200), (&admin, 200)] {
        assert_eq!(host.post(visitor, "/write", &own).await.status(), status);
    }
    assert_eq!(host.get(&editor, "/me").await.text(), "editor1 true true");
    assert_eq!(host.get(&reader, "/me").await.text(), "reader1 false true");
    assert_eq!(host.get(&nobody, "/who").await.text(), "nobody");
    assert_eq!(host.get(&plain, "/who").await.text(), "plain");
}

async fn a_stranger_is_led_to_the_login_and_back_and_a_program_is_told_401(host: Host) {
    let nobody = Visitor::new();
    let led = host.open(&nobody, "/desk/deep?a=b").await;
    assert_eq!(led.outcome(), "303 /login?next=%2Fdesk%2Fdeep%3Fa%3Db");
    assert_eq!(host.open(&nobody, "/me").await.outcome(), "303 /login?next=%2Fme");
    assert_eq!(host.get(&nobody, "/desk/deep").await.outcome(), "401");
    let html = [("accept", "text/html"), ("origin", "http://localhost:3210")];
    assert_eq!(host.post(&nobody, "/notes", &html).await.outcome(), "401");
    let forged = Visitor::with_cookie("rolecall", "forged");
    assert_eq!(host.get(&forged, "/me").await.outcome(), "401");
}

async fn somebody_without_the_right_sees_a_page_and_a_program_a_word(host: Host) {
    let plain = host.signed_in("plain", &[]).await;
    let page = host.open(&plain, "/desk").await;
    assert_eq!(page.status(), 403);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text().contains("href=\"/account\""));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    let word = host.get(&plain, "/desk").await;
    assert_eq!(word.status(), 403);
    assert!(word.header("content-type").starts_with("text/plain"));
    assert_eq!(word.header("cache-control"), "no-store");
}

async fn a_form_from_another_site_changes_nothing(host: Host) {
    let kim = host.signed_in("kim", &["editor"]).await;
    for path in ["/write", "/notes", "/me"] {
        for (headers, status) in [
            (&[("sec-fetch-site", "same-origin")][..], 200),
            (&[("origin", "http://localhost:3210")], 200),
            (&[("sec-fetch-site", "cross-site")], 403),
            (&[("sec-fetch-site", "same-site"), ("origin", "http://localhost:3210")], 403),
            (&[("origin", "http://localhost:9999")], 403),
            (&[("origin", "https://localhost:3210")], 403),
            (&[("origin", "http://evil.example")], 403),
            (&[("origin", "null")], 403),
            (&[], 403),
        ] {
            let answer = host.post(&kim, path, headers).await;
            assert_eq!(answer.status(), status, "{path} {headers:?}");
        }
    }
}

async fn what_is_taken_away_is_refused_at_once(host: Host) {
    let kim = host.signed_in("kim", &["editor"]).await;
    assert_eq!(host.get(&kim, "/desk").await.status(), 200);
    let user = users::find(&host.service.app, "kim").await.unwrap();
    let (by, editor) = (cli(), role("editor"));
    grants::revoke(&host.service.app, &by, user.id, &editor).await.unwrap();
    // Another process did it: it is seen within a second.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(host.get(&kim, "/desk").await.status(), 403);
    assert_eq!(host.get(&kim, "/me").await.text(), "kim false false");
    users::disable(&host.service.app, &cli(), user.id).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(host.get(&kim, "/me").await.status(), 401);
    assert_eq!(host.get(&kim, "/who").await.text(), "nobody");
}

async fn a_role_that_nobody_made_opens_to_nobody_until_it_is_made(host: Host) {
    let kim = host.signed_in("kim", &[]).await;
    assert_eq!(host.get(&kim, "/ghost").await.status(), 403);
    let by = cli();
    let ghost = role("nobody-made-this");
    roles::create(&host.service.app, &by, &ghost, "").await.unwrap();
    let lou = host.signed_in("lou", &["nobody-made-this"]).await;
    assert_eq!(host.get(&lou, "/ghost").await.status(), 200);
    roles::delete(&host.service.app, &by, &ghost).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(host.get(&lou, "/ghost").await.status(), 403);
}

async fn without_the_layer_every_guard_is_shut(host: Host) {
    let kim = host.signed_in("kim", &["admin", "editor"]).await;
    let bare = Host { router: guarded().merge(host.auth.pages()), ..host };
    for path in ["/me", "/who", "/notes", "/desk", "/and-or", "/ghost"] {
        assert_eq!(bare.get(&kim, path).await.status(), 500, "{path}");
        assert_eq!(bare.get(&Visitor::new(), path).await.status(), 500, "{path}");
    }
    assert_eq!(bare.get(&kim, "/").await.status(), 200);
}

async fn a_middleware_that_swallows_the_layer_opens_nothing(host: Host) {
    let kim = host.signed_in("kim", &["admin", "editor"]).await;
    let swallow = from_fn(async |mut request: Request<Body>, next: axum::middleware::Next| {
        request.extensions_mut().clear();
        next.run(request).await
    });
    let router = guarded().layer(swallow).layer(host.auth.layer());
    let host = Host { router, ..host };
    for path in ["/me", "/who", "/notes", "/desk"] {
        assert_eq!(host.get(&kim, path).await.status(), 500, "{path}");
    }
}

async fn the_strict_headers_are_on_the_pages_alone(host: Host) {
    let kim = host.signed_in("kim", &[]).await;
    for path in ["/", "/me", "/nowhere"] {
        let answer = host.open(&kim, path).await;
        for name in ["content-security-policy", "cache-control", "x-request-id"] {
            assert_eq!(answer.header(name), "", "{path} {name}");
        }
    }
    for path in ["/login", "/account", "/static/style.css", "/admin/nowhere"] {
        let has_policy = !host.open(&kim, path).await.header("content-security-policy").is_empty();
        assert_eq!(has_policy, path != "/admin/nowhere", "{path}");
    }
}

async fn pages_that_are_mounted_twice_are_told_at_the_start(host: Host) {
    let auth = host.auth.clone();
    let twice = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        Router::<()>::new().merge(auth.pages()).merge(auth.pages())
    }));
    let panic = twice.expect_err("two routes of one path");
    let message = panic.downcast_ref::<String>().expect("a sentence");
    assert!(message.contains("Overlapping method route"), "{message}");
}

async fn a_closed_application_refuses(host: Host) {
    let kim = host.signed_in("kim", &["editor"]).await;
    host.auth.close().await;
    host.auth.close().await;
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(host.get(&kim, "/desk").await.status(), 503);
}

#[tokio::test]
async fn what_does_not_use_the_layer_does_not_need_it() {
    let router: Router = Router::new().route("/", get(async || "open"));
    let request = Request::get("/").header("host", HOST).body(Body::empty()).unwrap();
    assert_eq!(send(&router, request).await.text(), "open");
    let _: fn(Rolecall) -> Router<u8> = |auth| auth.pages();
    let _: fn(Router<u8>) -> Router<u8> = |router| router.require(signed_in());
    let _ = any_role::<&str>([]);
    let _: fn(&CurrentUser) -> uuid::Uuid = CurrentUser::id;
}
