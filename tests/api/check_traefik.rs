//! Traefik's ForwardAuth, played by the test: a GET with the client's headers, of which Traefik
//! writes some anew, and what becomes of the answer.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, Method, Request},
};
use rolecall::web::Peer;

use crate::support::{Answer, Database, TestApp, Visitor, both_engines};

both_engines!(
    traefik_lets_through_whom_the_check_allows,
    what_traefik_writes_anew_cannot_be_forged,
    a_login_leads_back_through_traefik,
);

/// As `docs/forward-auth.md` has it.
const RESPONSE_HEADERS: [&str; 6] = [
    "remote-user",
    "remote-user-id",
    "remote-name",
    "remote-email",
    "remote-groups",
    "remote-permissions",
];

async fn behind_traefik(db: Database) -> TestApp {
    TestApp::with(db, |chosen| {
        chosen.public_url = "https://login.example.com".parse().ok();
        chosen.cookie_domain = "example.com".parse().ok();
        chosen.trusted_proxies = "10.0.0.0/8".parse().ok();
        chosen.allowed_return_origins = "https://app.example.com".parse().ok();
    })
    .await
}

/// A request of a client, as it comes in at Traefik.
struct Asked<'a> {
    method: &'a str,
    host: &'a str,
    path: &'a str,
    headers: &'a [(&'a str, &'a str)],
}

/// What the application gets when it is allowed, and what the client gets when not.
enum Outcome {
    Passed(HeaderMap),
    Refused(Answer),
}

/// `forwardAuth` as it is by default: the middleware's own `X-Forwarded` headers, and
/// the `authResponseHeaders` taken from the answer or away.
async fn forward(t: &TestApp, visitor: &Visitor, address: &str, asked: &Asked<'_>) -> Outcome {
    let mut headers = HeaderMap::new();
    for (name, value) in asked.headers {
        headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    let mut question = Request::builder().method(Method::GET).uri(address);
    question = question.extension(Peer("10.1.2.3".parse().ok()));
    let own = [
        ("x-forwarded-method", asked.method),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", asked.host),
        ("x-forwarded-uri", asked.path),
        ("x-forwarded-for", "203.0.113.9"),
    ];
    let is_own = |name: &HeaderName| own.iter().any(|(own, _)| name == own);
    for (name, value) in headers.iter().filter(|(name, _)| !is_own(name)) {
        question = question.header(name, value);
    }
    for (name, value) in own {
        question = question.header(name, value);
    }
    let answer = t.send_as(visitor, question, Body::empty()).await;
    if !answer.status.is_success() {
        return Outcome::Refused(answer);
    }
    for name in RESPONSE_HEADERS {
        headers.remove(name);
        if let Some(value) = answer.headers.get(name) {
            headers.insert(HeaderName::from_static(name), value.clone());
        }
    }
    Outcome::Passed(headers)
}

const PAGE: Asked<'_> = Asked {
    method: "GET",
    host: "app.example.com",
    path: "/reports?week=47",
    headers: &[("accept", "text/html")],
};

async fn traefik_lets_through_whom_the_check_allows(db: Database) {
    let t = behind_traefik(db).await;
    let kim = t.signed_in("kim", &["user"]).await;
    let ada = t.signed_in("ada", &["admin"]).await;
    let forged = [("remote-user", "ada"), ("Remote-Email", "ada@example.com"), ("accept", "*/*")];
    for method in ["GET", "POST", "OPTIONS", "HEAD", "TRACE"] {
        let asked = Asked { method, headers: &forged, ..PAGE };
        for (visitor, address, expected) in [
            (&kim, "/auth/check?redirect=1", Some("kim")),
            (&ada, "/auth/check?redirect=1&role=admin", Some("ada")),
            (&kim, "/auth/check?redirect=1&role=admin", None),
            (&Visitor::new(), "/auth/check?redirect=1", None),
        ] {
            match (forward(&t, visitor, address, &asked).await, expected) {
                (Outcome::Passed(headers), Some(name)) => {
                    assert_eq!(headers.get_all("remote-user").iter().collect::<Vec<_>>(), [name]);
                    assert!(!headers.contains_key("remote-email"), "claimed by the client alone");
                }
                (Outcome::Refused(answer), None) => {
                    assert!(matches!(answer.status(), 401 | 403), "{}", answer.outcome());
                }
                (Outcome::Passed(_), None) => panic!("{method} {address} is passed"),
                (Outcome::Refused(answer), _) => panic!("{method} {address}: {}", answer.outcome()),
            }
        }
    }
}

async fn what_traefik_writes_anew_cannot_be_forged(db: Database) {
    let t = behind_traefik(db).await;
    let headers = [
        ("accept", "text/html"),
        ("x-forwarded-method", "GET"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-uri", "/evil"),
        ("x-forwarded-proto", "http"),
    ];
    for (method, outcome) in [
        ("POST", "401"),
        (
            "GET",
            "302 https://login.example.com/login?next=\
             https%3A%2F%2Fapp.example.com%2Freports%3Fweek%3D47",
        ),
    ] {
        let asked = Asked { method, headers: &headers, ..PAGE };
        match forward(&t, &Visitor::new(), "/auth/check?redirect=1", &asked).await {
            Outcome::Refused(answer) => assert_eq!(answer.outcome(), outcome, "{method}"),
            Outcome::Passed(_) => panic!("{method} is passed"),
        }
    }
}

async fn a_login_leads_back_through_traefik(db: Database) {
    let t = behind_traefik(db).await;
    let kim = Visitor::new();
    let Outcome::Refused(answer) = forward(&t, &kim, "/auth/check?redirect=1", &PAGE).await else {
        panic!("nobody is passed");
    };
    let page = t.get_as(&kim, answer.location().strip_prefix(t.origin()).unwrap()).await;
    let next = page.hidden_field("next").unwrap();
    t.user("kim", &[]).await;
    let fields = [("username", "kim"), ("password", crate::support::PASSWORD), ("next", &next)];
    let answer = t.post_form(&kim, "/login", &fields).await;
    assert_eq!(answer.outcome(), "303 https://app.example.com/reports?week=47");
    // On the application's host the browser has the shared cookie alone.
    const CHECK: &str = "__Secure-rolecall-check";
    let there = Visitor::with_cookie(CHECK, &kim.cookie(CHECK).unwrap());
    assert!(matches!(
        forward(&t, &there, "/auth/check?redirect=1", &PAGE).await,
        Outcome::Passed(_)
    ));
}
