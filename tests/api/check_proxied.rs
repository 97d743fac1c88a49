//! Checks behind a proxy: what is believed of forwarded headers, and the way to the login.

use std::net::IpAddr;

use axum::{
    body::Body,
    http::{HeaderValue, Method},
};
use rolecall::web::Peer;

use crate::support::{Answer, Database, PASSWORD, TestApp, Visitor, both_engines};

both_engines!(
    a_navigation_is_led_to_the_login_when_the_proxy_wants_it,
    the_way_back_is_taken_from_trusted_proxies_alone,
    a_form_that_was_sent_is_not_led_to_the_login,
    forwarded_addresses_are_believed_from_trusted_proxies_alone,
    the_query_of_the_original_request_is_nothing_to_us,
    forwarding_headers_that_cannot_be_read_change_no_decision,
    who_lacks_the_shared_cookie_is_asked_to_sign_in_and_not_sent_in_circles,
);

/// A check with `redirect=1` that a proxy at `from` sends about a request.
async fn forwarded(t: &TestApp, from: Option<&str>, headers: &[(&str, &str)]) -> Answer {
    let mut request = t.request(Method::GET, "/auth/check?redirect=1");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let from: Option<IpAddr> = from.map(|from| from.parse().unwrap());
    let request = request.extension(Peer(from)).body(Body::empty()).unwrap();
    t.send(request).await
}

async fn behind_a_proxy(db: Database) -> TestApp {
    TestApp::with(db, |chosen| {
        chosen.public_url = "https://login.example.com".parse().ok();
        chosen.trusted_proxies = "10.0.0.0/8, unix, ::1".parse().ok();
        chosen.allowed_return_origins = "https://app.example.com".parse().ok();
    })
    .await
}

const PROXY: Option<&str> = Some("10.1.2.3");

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");

const REPORTS: [(&str, &str); 4] = [
    ("x-forwarded-method", "GET"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "app.example.com"),
    ("x-forwarded-uri", "/reports?week=47&a=%26"),
];

const TO_REPORTS: &str = "302 https://login.example.com/login?next=\
                          https%3A%2F%2Fapp.example.com%2Freports%3Fweek%3D47%26a%3D%2526";

const TO_LOGIN: &str = "302 https://login.example.com/login";

async fn a_navigation_is_led_to_the_login_when_the_proxy_wants_it(db: Database) {
    let t = behind_a_proxy(db).await;
    let with = |more: &[(&'static str, &'static str)]| [REPORTS.as_slice(), more].concat();
    for (headers, outcome) in [
        (with(&[HTML]), TO_REPORTS),
        (with(&[("accept", "text/html")]), TO_REPORTS),
        (with(&[("accept", "application/json")]), "401"),
        (with(&[("accept", "*/*")]), "401"),
        (with(&[]), "401"),
    ] {
        assert_eq!(forwarded(&t, PROXY, &headers).await.outcome(), outcome, "{headers:?}");
    }
    // Without redirect=1 it stays a 401, which the proxy may turn into a redirect: nginx does.
    let request = t.request(Method::GET, "/auth/check").header(HTML.0, HTML.1);
    let answer = t.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.outcome(), "401 https://login.example.com/login");
    // Who is signed in is not led to the login, allowed or not.
    let kim = t.signed_in("kim", &[]).await;
    for (path, outcome) in
        [("/auth/check?redirect=1", "200"), ("/auth/check?redirect=1&role=admin", "403")]
    {
        let request = t.request(Method::GET, path).header(HTML.0, HTML.1);
        assert_eq!(t.send_as(&kim, request, Body::empty()).await.outcome(), outcome);
    }
}

async fn the_way_back_is_taken_from_trusted_proxies_alone(db: Database) {
    let t = behind_a_proxy(db).await;
    let reports = [REPORTS.as_slice(), &[HTML]].concat();
    for (from, outcome) in [
        (PROXY, TO_REPORTS),
        (None, TO_REPORTS),
        (Some("::1"), TO_REPORTS),
        (Some("::ffff:10.1.2.3"), TO_REPORTS),
        (Some("127.0.0.1"), TO_LOGIN),
        (Some("203.0.113.9"), TO_LOGIN),
    ] {
        assert_eq!(forwarded(&t, from, &reports).await.outcome(), outcome, "{from:?}");
    }
    // Another origin than the allowed ones, or one that is not whole, is no way back.
    let changed = |name: &str, value: &'static str| {
        let change = |header: (&'static str, &'static str)| match header {
            (found, _) if found == name => (found, value),
            other => other,
        };
        reports.iter().copied().map(change).collect::<Vec<_>>()
    };
    for (name, value, outcome) in [
        ("x-forwarded-host", "evil.example", TO_LOGIN),
        ("x-forwarded-host", "app.example.com.evil.example", TO_LOGIN),
        ("x-forwarded-host", "app.example.com@evil.example", TO_LOGIN),
        ("x-forwarded-host", "app.example.com, evil.example", TO_LOGIN),
        ("x-forwarded-host", "kim@app.example.com", TO_LOGIN),
        ("x-forwarded-host", "app.example.com:8443", TO_LOGIN),
        ("x-forwarded-host", "app.example.com.", TO_LOGIN),
        ("x-forwarded-host", "xn--pp-6kc.example.com", TO_LOGIN),
        ("x-forwarded-host", "2130706433", TO_LOGIN),
        ("x-forwarded-host", "0x7f.1", TO_LOGIN),
        ("x-forwarded-host", "", TO_LOGIN),
        ("x-forwarded-proto", "http", TO_LOGIN),
        ("x-forwarded-proto", "javascript", TO_LOGIN),
        ("x-forwarded-uri", "@evil.example/", TO_LOGIN),
        ("x-forwarded-uri", ".evil.example/", TO_LOGIN),
        ("x-forwarded-uri", "", TO_LOGIN),
    ] {
        let answer = forwarded(&t, PROXY, &changed(name, value)).await;
        assert_eq!(answer.outcome(), outcome, "{name}: {value}");
    }
    let twice = [reports.as_slice(), &[("x-forwarded-host", "evil.example")]].concat();
    assert_eq!(forwarded(&t, PROXY, &twice).await.outcome(), TO_LOGIN);
    let ours = changed("x-forwarded-host", "login.example.com");
    assert_eq!(
        forwarded(&t, PROXY, &ours).await.outcome(),
        "302 https://login.example.com/login?next=%2Freports%3Fweek%3D47%26a%3D%2526",
        "on our own origin the way back is a path"
    );

    // The whole way: led to the login, logged in, led back.
    t.user("kim", &[]).await;
    let kim = Visitor::new();
    let login = forwarded(&t, PROXY, &reports).await;
    let path = login.location().strip_prefix(t.origin()).unwrap();
    let form = t.get_as(&kim, path).await;
    let next = form.hidden_field("next").unwrap();
    let fields = [("username", "kim"), ("password", PASSWORD), ("next", &next)];
    let answer = t.post_form(&kim, "/login", &fields).await;
    assert_eq!(answer.outcome(), "303 https://app.example.com/reports?week=47&a=%26");
}

async fn a_form_that_was_sent_is_not_led_to_the_login(db: Database) {
    let t = behind_a_proxy(db).await;
    for (method, outcome) in [
        ("GET", TO_REPORTS),
        ("HEAD", TO_REPORTS),
        ("POST", "401"),
        ("PUT", "401"),
        ("DELETE", "401"),
        ("get", "401"),
    ] {
        let headers = [&[("x-forwarded-method", method), HTML], &REPORTS[1..]].concat();
        let answer = forwarded(&t, PROXY, &headers).await;
        assert_eq!(answer.outcome(), outcome, "{method}");
        // From a stranger the header means nothing: this is a GET.
        let answer = forwarded(&t, Some("203.0.113.9"), &headers).await;
        assert_eq!(answer.outcome(), TO_LOGIN, "{method}");
    }
}

async fn forwarded_addresses_are_believed_from_trusted_proxies_alone(db: Database) {
    let t = behind_a_proxy(db).await;
    t.user("kim", &[]).await;
    let login = crate::support::form(&[("username", "kim"), ("password", PASSWORD)]);
    for (from, forwarded, ip) in [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.1.2.3", "198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "1.1.1.1, 198.51.100.1, 10.9.9.9", "198.51.100.1"),
        ("10.1.2.3", "", "10.1.2.3"),
    ] {
        let request = t
            .request(Method::POST, "/login")
            .header("origin", t.origin())
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-forwarded-for", forwarded)
            .extension(Peer(Some(from.parse().unwrap())));
        let answer = t.send_as(&Visitor::new(), request, login.clone().into()).await;
        assert_eq!(answer.outcome(), "303 /account");
        let last = "select ip from sessions order by id desc limit 1";
        assert_eq!(t.db.texts(last).await, [ip], "{from} forwards {forwarded}");
    }
}

async fn the_query_of_the_original_request_is_nothing_to_us(db: Database) {
    let t = behind_a_proxy(db).await;
    let kim = t.signed_in("kim", &[]).await;
    // nginx's auth_request sends the headers of the original request, body and length left out.
    let request = t
        .request(Method::GET, "/auth/check?role=admin")
        .header("x-original-uri", "/auth/check?role=user")
        .header("x-forwarded-uri", "/auth/check?role=user")
        .header("x-role", "user")
        .header("remote-user", "ada")
        .header("remote-groups", "admin")
        .header("content-type", "application/json")
        .extension(Peer(Some("10.1.2.3".parse().unwrap())));
    let answer = t.send_as(&kim, request, Body::empty()).await;
    assert_eq!(answer.outcome(), "403");
}

async fn forwarding_headers_that_cannot_be_read_change_no_decision(db: Database) {
    let t = behind_a_proxy(db).await;
    let kim = t.signed_in("kim", &[]).await;
    let long = "x".repeat(20_000);
    let hops = vec!["10.0.0.2"; 2_000].join(",");
    let longer = format!("/{long}");
    let latin_1 = HeaderValue::from_bytes(b"/\xff\xfe").unwrap();
    let odd = |value: &str| HeaderValue::from_bytes(value.as_bytes()).unwrap();
    let values = [
        "", " ", ",", "\t", "\"", "%", "%%%00", "https", "//", "\u{e9}", "*", &long, &longer, &hops,
    ];
    for name in ["method", "proto", "host", "uri", "for", "port", "prefix", "server"] {
        let name = format!("x-forwarded-{name}");
        for value in values.map(odd).into_iter().chain([latin_1.clone()]) {
            for times in [1, 2, 3] {
                let request = |path: &str| {
                    let mut request = t.request(Method::GET, path).header(HTML.0, HTML.1);
                    for (own, right) in REPORTS.iter().filter(|(own, _)| *own != name) {
                        request = request.header(*own, *right);
                    }
                    for _ in 0..times {
                        request = request.header(&name, &value);
                    }
                    request.extension(Peer(PROXY.unwrap().parse().ok()))
                };
                for (path, status) in [("/auth/check", 200), ("/auth/check?role=admin", 403)] {
                    let answer = t.send_as(&kim, request(path), Body::empty()).await;
                    assert_eq!(answer.status(), status, "{name}: {value:?}");
                }
                let answer = t.send(request("/auth/check").body(Body::empty()).unwrap()).await;
                assert_eq!(answer.status(), 401, "{name}: {value:?}");
                let location = answer.location();
                let is_ours = location.is_empty() || location.starts_with(&TO_LOGIN[4..]);
                assert!(is_ours && location.len() < 4_096, "{name}: {value:?}: {location}");
            }
        }
    }
}

async fn who_lacks_the_shared_cookie_is_asked_to_sign_in_and_not_sent_in_circles(db: Database) {
    const CHECK: &str = "__Secure-rolecall-check";
    let t = TestApp::with(db, |chosen| {
        chosen.public_url = "https://login.example.com".parse().ok();
        chosen.cookie_domain = "example.com".parse().ok();
        chosen.allowed_return_origins = "https://app.example.com".parse().ok();
    })
    .await;
    let kim = t.signed_in("kim", &[]).await;
    let lou = t.signed_in("lou", &[]).await;
    let with = |check: Option<&str>| {
        let visitor = Visitor::with_cookie("__Host-rolecall", &kim.session().unwrap());
        check.iter().for_each(|check| visitor.set_cookie(CHECK, check));
        visitor
    };
    let (own, other) = (kim.cookie(CHECK).unwrap(), lou.cookie(CHECK).unwrap());
    let there = "/login?next=https%3A%2F%2Fapp.example.com%2Fx";
    for (check, outcome) in [
        (Some(&*own), "303 https://app.example.com/x"),
        (Some(&other), "200"),
        (Some("AAAAAAAAAAAAAAAAAAAAAA.x.y"), "200"),
        (None, "200"),
    ] {
        let visitor = with(check);
        assert_eq!(t.get_as(&visitor, there).await.outcome(), outcome, "{check:?}");
        assert_eq!(t.get_as(&visitor, "/login?next=%2Fadmin").await.outcome(), "303 /admin");
    }
    // Signing in makes it whole.
    let visitor = with(None);
    let next = t.get_as(&visitor, there).await.hidden_field("next").unwrap();
    let fields = [("username", "kim"), ("password", PASSWORD), ("next", &next)];
    let answer = t.post_form(&visitor, "/login", &fields).await;
    assert_eq!(answer.outcome(), "303 https://app.example.com/x");
    assert_eq!(t.get_as(&visitor, there).await.outcome(), "303 https://app.example.com/x");
}
