//! What a collector of traces is told, and what never.

use axum::{
    body::Body,
    http::{Method, header},
};
use opentelemetry_proto::tonic::trace::v1::{
    Span,
    span::SpanKind,
    status::StatusCode::{Error, Unset},
};
use rolecall::web::Peer;

use crate::support::{
    Answer, Database, PASSWORD, TestApp, Visitor, both_engines,
    collector::{Collector, attributes},
    form,
};

both_engines!(
    a_login_is_one_trace_from_the_proxy_to_the_database,
    only_a_trusted_proxy_says_which_trace_a_request_is_part_of,
    what_is_our_fault_is_marked_and_what_is_the_clients_is_not,
    a_check_from_memory_has_no_span,
    nothing_that_a_client_sends_gets_into_the_traces,
    a_collector_that_is_silent_or_away_holds_up_nobody,
);

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const PROXY: &str = "10.1.2.3";

/// rolecall behind [`PROXY`], which sends its traces there.
async fn traced(db: Database, collector: &str) -> TestApp {
    TestApp::with(db, |chosen| {
        chosen.otlp_endpoint = collector.parse().ok();
        chosen.trusted_proxies = PROXY.parse().ok();
    })
    .await
}

/// All spans, after a stop that sends what is left.
async fn spans(t: &TestApp, collector: &Collector) -> Vec<Span> {
    t.app.traces.as_ref().expect("traces").stop().await;
    collector.spans()
}

fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

fn code(span: &Span) -> i32 {
    span.status.as_ref().map_or(Unset as i32, |status| status.code)
}

/// A login that comes from this peer with these values of `traceparent`.
async fn login_through(t: &TestApp, peer: &str, parents: &[String]) -> Answer {
    let mut request = t
        .request(Method::POST, "/login?next=%2Faccount")
        .extension(Peer(peer.parse().ok()))
        .header(header::ORIGIN, t.origin())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    for parent in parents {
        request = request.header("traceparent", parent);
    }
    let form = form(&[("username", "kim"), ("password", PASSWORD)]);
    let answer = t.send_as(&Visitor::new(), request, form.into()).await;
    assert_eq!(answer.status(), 303);
    answer
}

async fn a_login_is_one_trace_from_the_proxy_to_the_database(db: Database) {
    let collector = Collector::start();
    let t = traced(db, &collector.endpoint()).await;
    t.user("kim", &[]).await;
    let answer = login_through(&t, PROXY, &[format!("00-{TRACE}-{PARENT}-01")]).await;
    let spans = spans(&t, &collector).await;

    let logins = named(&spans, "POST /login");
    let [login] = logins[..] else { panic!("{logins:?}") };
    assert_eq!((hex::encode(&login.trace_id), hex::encode(&login.parent_span_id)), {
        (TRACE.to_owned(), PARENT.to_owned())
    });
    assert_eq!((login.kind, code(login)), (SpanKind::Server as i32, Unset as i32));
    let request_id = format!("rolecall.request_id={}", answer.header("x-request-id"));
    let told = [
        "http.request.method=POST",
        "http.response.status_code=303",
        "http.route=/login",
        &request_id,
        "url.scheme=http",
    ];
    assert_eq!(attributes(&login.attributes), told);

    let (first, last) = (login.start_time_unix_nano, login.end_time_unix_nano);
    for child in spans.iter().filter(|span| span.span_id != login.span_id) {
        assert_eq!((&child.trace_id, &child.parent_span_id), (&login.trace_id, &login.span_id));
        let (from, to) = (child.start_time_unix_nano, child.end_time_unix_nano);
        assert!(first <= from && from <= to && to <= last, "{child:?}");
    }
    let (waits, hashes) = (named(&spans, "hash wait"), named(&spans, "hash"));
    assert_eq!((waits.len(), hashes.len()), (1, 1));
    assert!(waits[0].end_time_unix_nano <= hashes[0].start_time_unix_nano);
    let steps: Vec<_> = spans.iter().filter(|span| span.name.starts_with("db")).collect();
    assert!(steps.iter().any(|step| step.name.starts_with("db/users.rs:")), "{steps:?}");
    let engine = if t.app.db.engine() == "sqlite" { "sqlite" } else { "postgresql" };
    for step in &steps {
        assert_eq!(step.kind, SpanKind::Client as i32);
        assert_eq!(attributes(&step.attributes), [format!("db.system.name={engine}")]);
    }
    assert_eq!(spans.len(), 3 + steps.len());

    for found in collector.resources() {
        let found = attributes(&found.resource.expect("a resource").attributes);
        let version = format!("service.version={}", env!("CARGO_PKG_VERSION"));
        assert!(found.contains(&"service.name=rolecall".to_owned()), "{found:?}");
        assert!(found.contains(&version), "{found:?}");
    }
}

async fn only_a_trusted_proxy_says_which_trace_a_request_is_part_of(db: Database) {
    let collector = Collector::start();
    let t = traced(db, &collector.endpoint()).await;
    t.user("kim", &[]).await;
    let right = format!("00-{TRACE}-{PARENT}-01");
    let none = "0".repeat(32);
    login_through(&t, "127.0.0.1", std::slice::from_ref(&right)).await;
    login_through(&t, PROXY, &[]).await;
    for wrong in ["", "canary", &format!("00-{none}-{PARENT}-01"), &format!("ff-{TRACE}")] {
        login_through(&t, PROXY, &[wrong.to_owned()]).await;
    }
    login_through(&t, PROXY, &[right.clone(), right]).await;
    // This one the proxy has left out of its own traces.
    login_through(&t, PROXY, &[format!("00-{TRACE}-{PARENT}-00")]).await;

    let spans = spans(&t, &collector).await;
    let logins = named(&spans, "POST /login");
    assert_eq!(logins.len(), 7);
    for login in logins {
        assert_ne!(hex::encode(&login.trace_id), TRACE);
        assert!(login.parent_span_id.is_empty(), "{login:?}");
    }
    assert!(spans.iter().all(|span| hex::encode(&span.trace_id) != TRACE));
}

async fn what_is_our_fault_is_marked_and_what_is_the_clients_is_not(db: Database) {
    let collector = Collector::start();
    let t = traced(db, &collector.endpoint()).await;
    assert_eq!(t.get("/nowhere").await.status(), 404);
    t.app.db.close().await;
    assert_eq!(t.get("/readyz").await.status(), 503);
    let spans = spans(&t, &collector).await;
    let [wrong] = named(&spans, "GET")[..] else { panic!("{spans:?}") };
    assert_eq!(code(wrong), Unset as i32);
    let [ours] = named(&spans, "GET /readyz")[..] else { panic!("{spans:?}") };
    assert_eq!(code(ours), Error as i32);
    assert!(attributes(&ours.attributes).contains(&"error.type=503".to_owned()));
    let steps: Vec<_> = spans.iter().filter(|span| span.name.starts_with("db")).collect();
    assert!(!steps.is_empty() && steps.iter().all(|step| code(step) == Error as i32));
}

async fn a_check_from_memory_has_no_span(db: Database) {
    let collector = Collector::start();
    let t = traced(db, &collector.endpoint()).await;
    let kim = t.signed_in("kim", &[]).await;
    t.app.db.follow_revision().await.unwrap();
    for _ in 0..3 {
        assert_eq!(t.get_as(&kim, "/auth/check").await.status(), 200);
        assert_eq!(t.get("/auth/check").await.status(), 401);
    }
    let spans = spans(&t, &collector).await;
    assert_eq!(named(&spans, "GET /auth/check").len(), 1, "the one that asked the database");
}

async fn nothing_that_a_client_sends_gets_into_the_traces(db: Database) {
    let collector = Collector::start();
    let t = traced(db, &collector.endpoint()).await;
    let kim = t.signed_in("kim-canary", &["admin"]).await;
    for path in [
        "/canary?canary=1",
        "/login?next=/canary",
        "/admin/users/canary",
        "/admin/roles/canary?q=canary",
        "/static/canary",
        "/auth/check?role=canary",
        "/auth/envoy/canary/canary",
        "/link?token=canary",
    ] {
        for method in ["GET", "POST", "CANARY"] {
            let request = t
                .request(Method::from_bytes(method.as_bytes()).unwrap(), path)
                .extension(Peer(PROXY.parse().ok()))
                .header(header::USER_AGENT, "canary")
                .header("x-forwarded-for", "203.0.113.77")
                .header("x-forwarded-uri", "/canary")
                .header("x-request-id", "canary")
                .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))
                .header("tracestate", "canary=canary")
                .header("baggage", "canary=canary");
            t.send_as(&kim, request, Body::empty()).await;
        }
    }
    t.try_login(&Visitor::new(), "canary", "canary").await;
    t.try_login(&Visitor::new(), "kim-canary", "canary").await;
    t.post_form(&kim, "/admin/roles", &[("name", "canary"), ("description", "canary")]).await;

    let spans = spans(&t, &collector).await;
    assert!(spans.len() > 50, "{}", spans.len());
    let bytes = collector.batches().concat();
    let session = kim.session().expect("a session");
    for secret in ["canary", "CANARY", PASSWORD, &session, PROXY, "203.0.113.77", "127.0.0.1"] {
        let is_there = bytes.windows(secret.len()).any(|found| found == secret.as_bytes());
        assert!(!is_there, "{secret:?} in\n{spans:#?}");
    }
    let routes: Vec<_> = rolecall::web::routes().into_iter().map(|route| route.path).collect();
    for span in &spans {
        let (first, route) = span.name.split_once(' ').unwrap_or((&span.name, ""));
        let is_ours = match first {
            "GET" | "POST" | "HTTP" => route.is_empty() || routes.contains(&route),
            "hash" => ["", "wait"].contains(&route),
            place => place.starts_with("db") && place.contains(".rs:"),
        };
        assert!(is_ours && span.trace_state.is_empty() && span.events.is_empty(), "{span:?}");
    }
    assert!(!named(&spans, "HTTP").is_empty(), "methods that nobody knows are one");
}

async fn a_collector_that_is_silent_or_away_holds_up_nobody(db: Database) {
    let silent = Collector::silent();
    let t = traced(db, &silent.endpoint()).await;
    let kim = t.signed_in("kim", &[]).await;
    // More than the queue holds.
    for _ in 0..3000 {
        assert_eq!(t.get("/healthz").await.status(), 200);
    }
    t.app.traces.as_ref().expect("traces").stop().await;
    assert_eq!(silent.batches().len(), 1, "it was asked once, and has not answered yet");
    assert!(t.is_signed_in(&kim).await);

    let away = Collector::start().endpoint().parse().ok();
    let t = t.beside_with(|settings| settings.otlp_endpoint = away).await;
    t.login("kim").await;
    t.app.traces.as_ref().expect("traces").stop().await;
    t.login("kim").await;
}
