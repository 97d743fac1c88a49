//! What an application does itself: signing in and out on its own pages, and keeping people.

use axum::{body::Body, http::Request};
use rolecall::{NewUser, testing::sign_in_as};

use super::{
    host::{HOST, Host, send, settings},
    tutorial,
};
use crate::support::{Answer, Database, Visitor, both_engines, form};

both_engines!(
    the_tutorial_signs_in_remembers_and_signs_out,
    an_application_keeps_its_people,
    a_test_signs_in_as_anybody_without_a_password,
);

const OWN: [(&str, &str); 2] =
    [("origin", "http://localhost:3210"), ("content-type", "application/x-www-form-urlencoded")];

async fn the_tutorial_signs_in_remembers_and_signs_out(db: Database) {
    let router = tutorial::app(&db.url, settings(&db)).await.expect("the tutorial");
    let ask =
        async |visitor: &Visitor, method: &str, path: &str, headers: &[(&str, &str)], form| {
            let mut request = Request::builder().method(method).uri(path).header("host", HOST);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            if let Some(cookies) = visitor.cookie_header() {
                request = request.header("cookie", cookies);
            }
            let answer: Answer = send(&router, request.body(Body::from(form)).unwrap()).await;
            visitor.take_cookies(&answer);
            answer
        };
    let fields = |password, remember: &[(&str, &str)]| {
        form(&[&[("username", "kim"), ("password", password)], remember].concat())
    };
    let right = "a long walk before breakfast";
    let html = [("accept", "text/html")];
    let kim = Visitor::new();
    let none = String::new;
    assert_eq!(ask(&kim, "GET", "/me", &html, none()).await.outcome(), "303 /login?next=%2Fme");
    assert_eq!(ask(&kim, "GET", "/me", &[], none()).await.outcome(), "401");
    assert_eq!(ask(&kim, "POST", "/login", &OWN, fields("wrong", &[])).await.outcome(), "401");
    let elsewhere = [("origin", "http://evil.example"), OWN[1]];
    assert_eq!(ask(&kim, "POST", "/login", &elsewhere, fields(right, &[])).await.outcome(), "403");
    assert_eq!(kim.session(), None);

    let brief = ask(&kim, "POST", "/login", &OWN, fields(right, &[])).await;
    assert_eq!(brief.outcome(), "303 /me");
    assert_eq!(brief.cookies()[0].max_age(), None);
    assert_eq!(ask(&kim, "GET", "/me", &[], none()).await.text(), "kim");
    assert_eq!(ask(&kim, "GET", "/write", &[], none()).await.text(), "Write!");
    assert!(ask(&kim, "GET", "/", &[], none()).await.text().contains("/write"));

    let before = kim.copy();
    assert_eq!(ask(&kim, "GET", "/logout", &[], none()).await.outcome(), "405");
    assert_eq!(ask(&kim, "POST", "/logout", &elsewhere, none()).await.outcome(), "403");
    assert_eq!(ask(&kim, "POST", "/logout", &OWN, none()).await.outcome(), "303 /");
    assert_eq!(kim.session(), None);
    assert_eq!(ask(&before, "GET", "/me", &[], none()).await.outcome(), "401");

    let long = ask(&kim, "POST", "/login", &OWN, fields(right, &[("remember", "on")])).await;
    assert_eq!(long.cookies()[0].max_age(), Some(cookie::time::Duration::days(30)));
}

async fn an_application_keeps_its_people(host: Host) {
    let auth = &host.auth;
    let kim = NewUser { username: "kim", email: "kim@example.com", ..NewUser::default() };
    let invited = auth.create_user(kim.clone()).await.unwrap();
    assert!(invited.invitation.unwrap().contains("/link?token="));
    assert_eq!(auth.create_user(kim).await.unwrap_err().status(), 409);
    let weak = NewUser { username: "lou", password: Some("password"), ..NewUser::default() };
    assert_eq!(auth.create_user(weak).await.unwrap_err().status(), 409);
    auth.grant("kim@example.com", "editor", None).await.unwrap();
    let explained = auth.explain("kim", "reports:write").await.unwrap();
    assert!(explained.is_allowed);
    assert!(explained.because[0].starts_with("kim was granted editor by The application"));
    auth.revoke("kim", "editor").await.unwrap();
    assert!(!auth.explain("kim", "reports:write").await.unwrap().is_allowed);
    assert_eq!(auth.revoke("kim", "editor").await.unwrap_err().status(), 409);
    assert_eq!(auth.grant("nobody", "editor", None).await.unwrap_err().status(), 404);
    assert_eq!(auth.grant("kim", "nobody", None).await.unwrap_err().status(), 404);
    let past = Some(std::time::SystemTime::UNIX_EPOCH);
    assert_eq!(auth.grant("kim", "editor", past).await.unwrap_err().status(), 409);
    let by = host.service.db.texts("select distinct actor from audit").await;
    assert_eq!(by, ["application"]);
}

async fn a_test_signs_in_as_anybody_without_a_password(host: Host) {
    host.service.user("kim", &["editor"]).await;
    let headers = sign_in_as(&host.auth, "kim").await.unwrap();
    let ask = async |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path);
        let mut request = request.body(Body::empty()).unwrap();
        request.headers_mut().extend(headers.clone());
        host.send(&Visitor::new(), request).await.status()
    };
    assert_eq!(ask("GET", "/desk").await, 200);
    assert_eq!(ask("POST", "/write").await, 200);
    assert_eq!(host.auth.end_sessions("kim").await.unwrap(), 1);
    assert_eq!(ask("GET", "/desk").await, 401);
    assert_eq!(sign_in_as(&host.auth, "nobody").await.unwrap_err().status(), 404);
}
