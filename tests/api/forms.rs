//! Where forms may come from, what they must carry, and what becomes of garbage.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, Method, header},
};
use hyper::body::Frame;
use rolecall::auth::link;

use crate::support::{Answer, Dice, PASSWORD, TestApp, Visitor, both_engines, cli, form};

both_engines!(
    a_form_from_elsewhere_is_refused_and_changes_nothing,
    a_form_from_our_own_pages_is_taken,
    a_form_without_the_token_of_its_session_changes_nothing,
    a_form_token_lasts_as_long_as_its_session,
    a_login_form_needs_no_token_but_our_origin,
    a_form_of_the_wrong_shape_is_told_so_and_changes_nothing,
    a_field_may_be_empty_or_strange,
    a_query_of_the_wrong_shape_is_told_so,
    any_bytes_at_all_get_an_answer,
    many_and_long_headers_get_an_answer,
    a_read_only_request_may_come_from_anywhere,
);

const URLENCODED: &str = "application/x-www-form-urlencoded";

/// Headers that say that a form is not from one of our pages.
const ELSEWHERE: [&[(&str, &str)]; 19] = [
    &[],
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
    &[("sec-fetch-site", "none")],
    &[("sec-fetch-site", "")],
    &[("sec-fetch-site", "Same-Origin")],
    &[("sec-fetch-site", "same-origin, cross-site")],
    &[("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:8000")],
    &[("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:8000")],
    &[("origin", "null")],
    &[("origin", "")],
    &[("origin", "http://evil.example")],
    &[("origin", "http://127.0.0.1")],
    &[("origin", "http://127.0.0.1:8001")],
    &[("origin", "https://127.0.0.1:8000")],
    &[("origin", "127.0.0.1:8000")],
    &[("origin", "http://127.0.0.1:8000.evil.example")],
    &[("origin", "http://127.0.0.1:8000@evil.example")],
    &[("referer", "http://127.0.0.1:8000/login")],
];

/// Headers that say that it is.
const OURS: [&[(&str, &str)]; 6] = [
    &[("sec-fetch-site", "same-origin")],
    &[("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:8000")],
    &[("origin", "http://127.0.0.1:8000")],
    &[("origin", "http://localhost:8000")],
    &[("origin", "http://[::1]:8000")],
    &[("origin", "http://LOCALHOST:8000")],
];

async fn post_with(
    t: &TestApp,
    visitor: &Visitor,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = t.request(Method::POST, path).header(header::CONTENT_TYPE, URLENCODED);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    t.send_as(visitor, request, body.to_owned().into()).await
}

async fn a_form_from_elsewhere_is_refused_and_changes_nothing(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await;
    let user = rolecall::auth::users::find(&t.app, "kim").await.unwrap();
    let link = link::make(&t.app, &cli(), user.id).await.unwrap().reveal();
    let token = t.form_token(&kim).await.unwrap();
    let new = "another horse battery staple";
    let login = form(&[("username", "kim"), ("password", PASSWORD)]);
    let change =
        form(&[("current_password", PASSWORD), ("new_password", new), ("form_token", &token)]);
    let out = form(&[("form_token", &token)]);
    let spend = form(&[("token", &link), ("password", new)]);
    let stranger = Visitor::new();
    let with_any_cookie = Visitor::with_cookie("theme", "dark");

    let before = t.db.dump().await;
    for headers in ELSEWHERE {
        for (visitor, path, body) in [
            (&stranger, "/login", &login),
            (&stranger, "/login?next=%2Fadmin", &login),
            (&kim, "/login", &login),
            (&kim, "/logout", &out),
            (&kim, "/account/password", &change),
            (&with_any_cookie, "/link", &spend),
        ] {
            let answer = post_with(&t, &visitor.copy(), path, headers, body).await;
            assert_eq!(answer.outcome(), "403", "{path} {headers:?}");
            assert!(answer.set_cookies().is_empty(), "{path} {headers:?}");
            assert!(answer.text().contains("Nothing was changed"));
        }
    }
    t.db.assert_unchanged(&before).await;
    assert!(t.is_signed_in(&kim).await);
}

async fn a_form_from_our_own_pages_is_taken(t: TestApp) {
    t.user("kim", &[]).await;
    let login = form(&[("username", "kim"), ("password", PASSWORD)]);
    for headers in OURS {
        let visitor = Visitor::new();
        let answer = post_with(&t, &visitor, "/login", headers, &login).await;
        assert_eq!(answer.outcome(), "303 /account", "{headers:?}");
        let token = t.form_token(&visitor).await.unwrap();
        let out = form(&[("form_token", &token)]);
        let answer = post_with(&t, &visitor, "/logout", headers, &out).await;
        assert_eq!(answer.outcome(), "303 /login?done=signed-out", "{headers:?}");
    }
}

async fn a_form_without_the_token_of_its_session_changes_nothing(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await;
    let token = t.form_token(&kim).await.unwrap();
    let elsewhere = t.form_token(&t.login("kim").await).await.unwrap();
    let of_lou = t.form_token(&t.signed_in("lou", &["admin"]).await).await.unwrap();
    let before = t.db.dump().await;
    let wrong = [
        None,
        Some(String::new()),
        Some("x".into()),
        Some(elsewhere),
        Some(of_lou),
        Some(token[..token.len() - 1].into()),
        Some(format!("{token}A")),
        Some(format!(" {token}")),
        Some(token.to_uppercase()),
        Some(kim.session().unwrap()),
    ];
    for token in wrong {
        for (path, fields) in [
            ("/logout", vec![]),
            (
                "/account/password",
                vec![
                    ("current_password", PASSWORD),
                    ("new_password", "another horse battery staple"),
                ],
            ),
        ] {
            let mut fields = fields;
            fields.extend(token.as_deref().map(|token| ("form_token", token)));
            let answer = t.post(&kim, path, form(&fields)).await;
            assert_eq!(answer.outcome(), "403", "{path} {token:?}");
            assert!(answer.text().contains("out of date"));
        }
    }
    t.db.assert_unchanged(&before).await;
    assert!(t.is_signed_in(&kim).await);
}

async fn a_form_token_lasts_as_long_as_its_session(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await;
    let token = t.form_token(&kim).await.unwrap();
    let mistaken = form(&[("form_token", &token)]);
    for _ in 0..2 {
        let answer = t.post(&kim, "/account/password", mistaken.clone()).await;
        assert_eq!(answer.outcome(), "422", "the token was right");
        t.advance(time::Duration::hours(10));
        assert!(t.is_signed_in(&kim).await);
        rolecall::auth::sessions::write_touched(&t.app).await.unwrap();
    }
    let fields = form(&[
        ("current_password", PASSWORD),
        ("new_password", "another horse battery staple"),
        ("form_token", &token),
    ]);
    let answer = t.post(&kim, "/account/password", fields).await;
    assert_eq!(answer.outcome(), "303 /account?done");
    // In another process too, since the same key file makes it.
    let answer = t.beside().await.post(&kim, "/logout", mistaken).await;
    assert_eq!(answer.outcome(), "303 /login?done=signed-out");
}

async fn a_login_form_needs_no_token_but_our_origin(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await;
    let before = kim.session();
    let answer = t.try_login(&kim, "kim", PASSWORD).await;
    assert_eq!(answer.outcome(), "303 /account");
    assert_ne!(kim.session(), before);
}

/// Words that would tell of the inside.
const CAUSES: [&str; 12] = [
    "serde",
    "sqlx",
    "sqlite",
    "postgres",
    "argon",
    "panick",
    ".rs:",
    "src/",
    "duplicate",
    "missing field",
    "invalid utf",
    "expected",
];

fn assert_tells_nothing(answer: &Answer) {
    assert!(!answer.status.is_server_error(), "{}", answer.outcome());
    let text = answer.text().to_lowercase();
    for cause in CAUSES {
        assert!(!text.contains(cause), "{cause} in {text}");
    }
}

async fn a_form_of_the_wrong_shape_is_told_so_and_changes_nothing(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await;
    let token = t.form_token(&kim).await.unwrap();
    let with_token = |rest: &str| format!("form_token={token}&{rest}");
    let mib = "a".repeat(1 << 20);
    let login = form(&[("username", "kim"), ("password", PASSWORD)]);
    let before = t.db.dump().await;
    let stranger = Visitor::new();
    for (visitor, path, body, status) in [
        (&stranger, "/login", format!("{login}&username=lou"), 400),
        (&stranger, "/login", format!("{login}&password=x"), 400),
        (&stranger, "/login", format!("{login}&next=%2Fa&next=%2Fb"), 400),
        (&stranger, "/login", format!("{login}&remember=on&remember=on"), 400),
        (&stranger, "/login", format!("{login}%ff"), 400),
        (&stranger, "/login", format!("{login}&next=%c3"), 400),
        (&stranger, "/login", format!("{login}&%ff=x"), 400),
        (&stranger, "/login", format!("{login}&unknown=%ed%a0%80"), 400),
        (&stranger, "/login", format!("{login}&padding={mib}"), 413),
        (&stranger, "/login", format!("username=kim&password={mib}"), 413),
        (&stranger, "/login", format!("{login}&{}", "a=b&".repeat(255)), 413),
        (&stranger, "/login", "a=b&".repeat(10_000), 413),
        (&stranger, "/link", "token=a&token=b".into(), 400),
        (&stranger, "/link", "token=%ff".into(), 400),
        (&stranger, "/link", format!("token={mib}"), 413),
        (&kim, "/logout", with_token(&format!("form_token={token}")), 400),
        (&kim, "/logout", with_token("x=%ff"), 400),
        (&kim, "/logout", with_token(&mib), 413),
        (&kim, "/account/password", with_token("new_password=a&new_password=b"), 400),
        (&kim, "/account/password", with_token("current_password=%80"), 400),
        (&kim, "/account/password", with_token(&format!("new_password={mib}")), 413),
    ] {
        let answer = t.post(visitor, path, body.clone()).await;
        let start = &body[..body.len().min(150)];
        assert_eq!(answer.outcome(), status.to_string(), "{path} {start}");
        assert_tells_nothing(&answer);
    }
    // The same without a length announced.
    let answer = t.post(&stranger, "/login", Body::new(Chunks(1024))).await;
    assert_eq!(answer.outcome(), "413");

    let json = "application/json";
    let multipart = "multipart/form-data; boundary=x";
    for (kind, encoding, body) in [
        (Some(json), None, r#"{"username":"kim","password":"x"}"#),
        (Some("text/plain"), None, login.as_str()),
        (Some(multipart), None, "--x--"),
        (Some(""), None, login.as_str()),
        (Some("application/x-www-form-urlencodedx"), None, login.as_str()),
        (None, None, login.as_str()),
        (Some(URLENCODED), Some("gzip"), login.as_str()),
        (Some(URLENCODED), Some("identity, br"), login.as_str()),
    ] {
        for (visitor, path) in [
            (&stranger, "/login"),
            (&stranger, "/link"),
            (&kim, "/logout"),
            (&kim, "/account/password"),
        ] {
            let mut request = t.request(Method::POST, path).header(header::ORIGIN, t.origin());
            for (name, value) in
                [(header::CONTENT_TYPE, kind), (header::CONTENT_ENCODING, encoding)]
            {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
            let answer = t.send_as(visitor, request, body.to_owned().into()).await;
            assert_eq!(answer.outcome(), "415", "{path} {kind:?} {encoding:?}");
            assert_tells_nothing(&answer);
        }
    }
    t.db.assert_unchanged(&before).await;
    assert!(t.is_signed_in(&kim).await);
}

/// A body of so many pieces of 1 KiB, which does not say how long it is.
struct Chunks(usize);

impl hyper::body::Body for Chunks {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        let Some(left) = self.0.checked_sub(1) else {
            return Poll::Ready(None);
        };
        self.0 = left;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'a'; 1024])))))
    }
}

async fn a_field_may_be_empty_or_strange(t: TestApp) {
    let t = t.unthrottled().await;
    t.user("kim", &[]).await;
    for body in [
        "",
        "&",
        "&&&===&=&",
        "username",
        "username=",
        "username=&password=",
        "password=x",
        "username=%00&password=%00",
        "username=a%00b&password=%0d%0a",
        "username=%&password=%zz",
        "username=kim&password=%2",
        "username=%e2%80%ae&password=%ef%bb%bf",
        "username=kim%E2%80%8B&password=x",
        "USERNAME=kim&PASSWORD=x",
        "username[]=kim&password[]=x",
        "username=kim;password=x",
        "username=<script>alert(1)</script>&password=x",
        "username=\"><b>&password=x",
        "username=%7B%7B7*7%7D%7D&password=x",
        "username=' or 1=1 --&password=x",
        &format!("username={}&password=x", "a".repeat(60_000)),
        &"a=b&".repeat(256),
    ] {
        let answer = t.post(&Visitor::new(), "/login", body.to_owned()).await;
        let start = &body[..body.len().min(100)];
        assert_eq!(answer.outcome(), "401", "{start}");
        assert_tells_nothing(&answer);
        assert!(!answer.text().contains("<script>a"), "{start}");
        assert!(!answer.text().contains("\"><b>"), "{start}");
    }
    // A charset is nothing to object to.
    let kind = "application/x-www-form-urlencoded; charset=UTF-8";
    let request = t
        .request(Method::POST, "/login")
        .header(header::ORIGIN, t.origin())
        .header(header::CONTENT_TYPE, kind);
    let login = form(&[("username", "kim"), ("password", PASSWORD)]);
    let answer = t.send_as(&Visitor::new(), request, login.into()).await;
    assert_eq!(answer.outcome(), "303 /account");
}

async fn a_query_of_the_wrong_shape_is_told_so(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let stranger = Visitor::new();
    let long = format!("/admin/users?after={}", "a".repeat(10_000));
    for (visitor, path, outcome) in [
        (&stranger, "/login?next=%ff", "400"),
        (&stranger, "/login?next=%2Fa&next=%2Fb", "400"),
        (&stranger, "/login?unknown=x&&=&next", "200"),
        (&stranger, "/link?token=%ff", "400"),
        (&stranger, "/link?token=a&token=b", "400"),
        (&stranger, "/link?token=", "410"),
        (&stranger, "/link?token=%00", "410"),
        (&stranger, "/link?token='%20or%201=1%20--", "410"),
        (&ada, "/admin/users?after=%ff", "400"),
        (&ada, "/admin/users?after=a&after=b", "400"),
        (&ada, "/admin/users?after=%00", "200"),
        (&ada, "/admin/users?after=%E2%80%AE", "200"),
        (&ada, &long, "200"),
        (&ada, "/account?%ff=%ff", "400"),
        (&ada, "/account?a=b", "200"),
    ] {
        let answer = t.get_as(visitor, path).await;
        assert_eq!(answer.outcome(), outcome, "{path}");
        assert_tells_nothing(&answer);
    }
}

async fn any_bytes_at_all_get_an_answer(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await;
    let token = t.form_token(&kim).await.unwrap();
    let mut dice = Dice::new(8);
    for _ in 0..300 {
        let size = dice.below(200);
        // Bytes that mean something in a form come often.
        let letters = b"=&%+;username password next token f0f9c3a9 \0\xff\xc3\"<";
        let bytes: Vec<u8> = (0..size)
            .map(|_| match dice.below(4) {
                0 => dice.below(256) as u8,
                _ => letters[dice.below(letters.len())],
            })
            .collect();
        let start = String::from_utf8_lossy(&bytes).into_owned();
        for (visitor, path) in
            [(&Visitor::new(), "/login"), (&Visitor::new(), "/link"), (&kim, "/account/password")]
        {
            let body = [format!("form_token={token}&").as_bytes(), &bytes].concat();
            let answer = t.post(visitor, path, body).await;
            assert!(answer.status.is_client_error(), "{path} {start}");
            assert_tells_nothing(&answer);
        }
        let query: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
        for path in ["/login", "/link", "/auth/check", "/account"] {
            let answer = t.get_as(&kim, &format!("{path}?{query}")).await;
            assert!(!answer.status.is_server_error(), "{path}?{query}");
        }
    }
    assert!(t.is_signed_in(&kim).await);
}

async fn many_and_long_headers_get_an_answer(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await;
    let cookie = format!("rolecall={}", kim.session().unwrap());
    for path in ["/account", "/auth/check", "/login", "/nothing"] {
        let mut request = t.request(Method::GET, path).header("cookie", &cookie);
        for number in 0..2000 {
            let name = HeaderName::try_from(format!("x-junk-{number}")).unwrap();
            request = request.header(name, "x");
        }
        for name in [
            "accept",
            "user-agent",
            "x-forwarded-for",
            "x-forwarded-host",
            "referer",
            "origin",
            "x-request-id",
            "sec-fetch-site",
            "if-none-match",
            "range",
        ] {
            let value =
                HeaderValue::from_bytes(&[b"\xff\t,;=\"".as_slice(), &[b'a'; 60_000]].concat());
            request = request.header(name, value.unwrap());
        }
        let answer = t.send(request.body(Body::empty()).unwrap()).await;
        assert_tells_nothing(&answer);
        if path == "/account" {
            assert_eq!(answer.outcome(), "200");
        }
    }
    // What is kept of a browser's name is short, and printable.
    let request = t
        .request(Method::POST, "/login")
        .header("origin", t.origin())
        .header("content-type", URLENCODED)
        .header("user-agent", "a\tb".repeat(5000));
    let login = form(&[("username", "kim"), ("password", PASSWORD)]);
    let answer = t.send_as(&Visitor::new(), request, login.into()).await;
    assert_eq!(answer.outcome(), "303 /account");
    let agents = t.db.texts("select user_agent from sessions order by user_agent").await;
    assert!(agents.iter().all(|agent| agent.len() <= 300 && !agent.contains('\t')));
}

async fn a_read_only_request_may_come_from_anywhere(t: TestApp) {
    let kim = t.signed_in("kim", &[]).await;
    for headers in ELSEWHERE {
        let mut request = t.request(Method::GET, "/account");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = t.send_as(&kim, request, Body::empty()).await;
        assert_eq!(answer.outcome(), "200", "a link on another site leads here");
    }
}
