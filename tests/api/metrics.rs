//! What is counted, by the act that it names, and what never gets in.

use axum::{
    body::Body,
    http::{Method, header},
};
use rolecall::auth::{
    sessions, trail,
    users::{self, FirstPassword, NewUser},
};
use time::Duration;

use crate::support::{
    Database, NOW, PASSWORD, TestApp, Visitor, both_engines, cli, metrics::Scrape, password,
    username,
};

both_engines!(
    requests_count_by_route_method_and_status,
    logins_count_by_how_they_ended,
    whoever_has_to_wait_counts_by_what_holds_them_back,
    a_session_that_memory_knows_is_a_hit,
    passwords_show_while_they_wait_and_how_long_they_took,
    the_queue_that_is_full_turns_away,
    sessions_are_counted_until_they_are_swept,
    the_trail_shows_its_head_its_open_end_and_its_checkpoint,
    connections_to_the_database_show_while_they_are_used,
    without_a_database_the_rest_is_still_told,
    nothing_that_a_client_sends_gets_into_the_metrics,
    without_a_door_no_request_is_counted,
);

const REQUESTS: &str = "rolecall_http_requests_total";

/// Where requests are counted.
pub async fn counting(db: Database) -> TestApp {
    TestApp::with(db, |chosen| chosen.metrics_listen = "127.0.0.1:0".parse().ok()).await
}

pub async fn scrape(t: &TestApp) -> Scrape {
    Scrape::parse(&rolecall::web::metrics_text(&t.app).await)
}

async fn requests_count_by_route_method_and_status(db: Database) {
    let t = counting(db).await;
    let kim = t.signed_in("kim", &[]).await;
    // The second of them is answered from memory.
    t.app.db.follow_revision().await.unwrap();
    for _ in 0..2 {
        assert_eq!(t.get_as(&kim, "/auth/check").await.status(), 200);
    }
    assert_eq!(t.get_as(&kim, "/auth/check?role=admin").await.status(), 403);
    for _ in 0..3 {
        assert_eq!(t.get("/auth/check").await.status(), 401);
    }
    assert_eq!(t.get("/admin/users/1").await.status(), 303);
    assert_eq!(t.get("/admin/users/2").await.status(), 303);
    assert_eq!(t.get("/nowhere").await.status(), 404);
    for method in [Method::HEAD, Method::PUT, Method::from_bytes(b"BREW").unwrap()] {
        let request = t.request(method, "/login").header(header::ORIGIN, t.origin());
        t.send_as(&Visitor::new(), request, Body::empty()).await;
    }
    let found = scrape(&t).await;
    for (method, route, status, count) in [
        ("GET", "/auth/check", "200", 2.0),
        ("GET", "/auth/check", "403", 1.0),
        ("GET", "/auth/check", "401", 3.0),
        ("GET", "/admin/users/{id}", "303", 2.0),
        ("GET", "none", "404", 1.0),
        ("HEAD", "/login", "200", 1.0),
        ("other", "/login", "405", 2.0),
        ("POST", "/login", "303", 1.0),
    ] {
        let labels = [("method", method), ("route", route), ("status", status)];
        assert_eq!(found.value(REQUESTS, &labels), count, "{labels:?}");
    }
    let timed = "rolecall_http_request_duration_seconds_count";
    assert_eq!(found.value(timed, &[("route", "/auth/check")]), 6.0);
    assert_eq!(found.value(timed, &[]), found.value(REQUESTS, &[]), "each answer took its time");
}

fn logins(found: &Scrape, outcome: &str) -> f64 {
    found.find("rolecall_logins_total", &[("outcome", outcome)]).expect(outcome)
}

async fn logins_count_by_how_they_ended(db: Database) {
    let t = counting(db).await;
    for outcome in ["ok", "one_time", "refused", "held_back", "busy", "failed"] {
        assert_eq!(logins(&scrape(&t).await, outcome), 0.0, "{outcome}");
    }
    t.user("kim", &[]).await;
    t.login("kim").await;
    t.login("kim").await;
    let once = password("good for one login only");
    let new = NewUser {
        username: username("lou"),
        email: None,
        display_name: String::new(),
        roles: &[],
        password: FirstPassword::Generated(&once),
    };
    users::create(&t.app, &cli(), new).await.unwrap();
    let answer = t.try_login(&Visitor::new(), "lou", "good for one login only").await;
    assert!(answer.location().starts_with("/link"), "{}", answer.outcome());
    for status in [401, 401, 401, 401, 401, 429, 429] {
        assert_eq!(t.try_login(&Visitor::new(), "kim", "wrong").await.status(), status);
    }
    assert_eq!(t.try_login(&Visitor::new(), "nobody", "wrong").await.status(), 401);
    t.app.db.close().await;
    assert_eq!(t.try_login(&Visitor::new(), "kim", PASSWORD).await.status(), 503);
    let found = scrape(&t).await;
    let ended = [("ok", 2.0), ("one_time", 1.0), ("refused", 6.0), ("held_back", 2.0)];
    for (outcome, count) in ended.into_iter().chain([("busy", 0.0), ("failed", 1.0)]) {
        assert_eq!(logins(&found, outcome), count, "{outcome}");
    }
}

async fn whoever_has_to_wait_counts_by_what_holds_them_back(db: Database) {
    let t = counting(db).await;
    let kim = t.signed_in("kim", &[]).await;
    let held_back = async |counter: &'static str| {
        let labels = [("counter", counter)];
        scrape(&t).await.find("rolecall_held_back_total", &labels).expect(counter)
    };
    for counter in ["account", "device", "address"] {
        assert_eq!(held_back(counter).await, 0.0, "{counter}");
    }
    for (visitor, counter) in [(Visitor::new(), "account"), (kim, "device")] {
        for _ in 0..6 {
            t.try_login(&visitor, "kim", "wrong").await;
        }
        assert_eq!(held_back(counter).await, 1.0, "{counter}");
    }
    // Five failures of this address are counted already.
    for _ in 0..45 {
        assert_eq!(t.get("/link?token=x").await.status(), 410);
    }
    assert_eq!(t.get("/link?token=x").await.status(), 429);
    assert_eq!(held_back("address").await, 1.0);
}

async fn a_session_that_memory_knows_is_a_hit(db: Database) {
    let t = counting(db).await;
    let kim = t.signed_in("kim", &[]).await;
    let lookups = |found: &Scrape| {
        ["hit", "miss"].map(|result| {
            found.find("rolecall_cache_lookups_total", &[("result", result)]).expect(result)
        })
    };
    let before = scrape(&t).await;
    assert_eq!(before.find("rolecall_revision_age_seconds", &[]), None, "nobody asked for it yet");
    assert_eq!(before.find("rolecall_cache_entries", &[]), Some(0.0));
    t.app.db.follow_revision().await.unwrap();
    let [hits, misses] = lookups(&scrape(&t).await);
    t.get_as(&kim, "/auth/check").await;
    assert_eq!(lookups(&scrape(&t).await), [hits, misses + 1.0]);
    // Of these, a page and a refusal go the common way.
    for path in ["/auth/check", "/account", "/auth/check?role=admin"] {
        t.app.db.follow_revision().await.unwrap();
        t.get_as(&kim, path).await;
    }
    let after = scrape(&t).await;
    let [more, as_before] = lookups(&after);
    assert!(more >= hits + 3.0, "{more} after {hits}");
    assert_eq!(as_before, misses + 1.0);
    assert_eq!(after.find("rolecall_cache_entries", &[]), Some(1.0));
    assert_eq!(after.find("rolecall_cache_entries_limit", &[]), Some(150_000.0));
    assert!(after.find("rolecall_revision_age_seconds", &[]).is_some());
}

/// Where a hash takes so long that others wait for it.
async fn slow(db: Database, queue: usize) -> TestApp {
    TestApp::with(db, |chosen| {
        chosen.argon2 = "m=65536,t=10,p=1".parse().ok();
        (chosen.hash_slots, chosen.hash_queue) = (Some(1), Some(queue));
    })
    .await
}

async fn passwords_show_while_they_wait_and_how_long_they_took(db: Database) {
    let t = slow(db, 8).await;
    let read = |found: &Scrape| {
        ["queue_length", "queue_limit", "slots_used", "slots"]
            .map(|part| found.find(&format!("rolecall_hash_{part}"), &[]).expect(part))
    };
    assert_eq!(read(&scrape(&t).await), [0.0, 8.0, 0.0, 1.0]);
    let logins = t.at_once(3, |t, _| async move {
        t.try_login(&Visitor::new(), "nobody", "wrong").await;
    });
    while read(&scrape(&t).await)[..3] != [2.0, 8.0, 1.0] {
        assert!(!logins.is_finished(), "two wait while one is hashed");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    logins.await.unwrap();
    let found = scrape(&t).await;
    assert_eq!(read(&found), [0.0, 8.0, 0.0, 1.0]);
    for histogram in ["rolecall_hash_wait_seconds", "rolecall_hash_duration_seconds"] {
        assert_eq!(found.value(&format!("{histogram}_count"), &[]), 3.0, "{histogram}");
        assert!(found.value(&format!("{histogram}_sum"), &[]) > 0.0, "{histogram}");
    }
    assert_eq!(found.find("rolecall_hash_turned_away_total", &[]), Some(0.0));
}

async fn the_queue_that_is_full_turns_away(db: Database) {
    let t = slow(db, 1).await;
    let logins = t.at_once(6, |t, _| async move {
        t.try_login(&Visitor::new(), "nobody", "wrong").await.status()
    });
    let busy = logins.await.unwrap().into_iter().filter(|status| *status == 503).count() as f64;
    assert!(busy > 0.0);
    let found = scrape(&t).await;
    assert_eq!(found.find("rolecall_hash_turned_away_total", &[]), Some(busy));
    assert_eq!(self::logins(&found, "busy"), busy);
}

async fn sessions_are_counted_until_they_are_swept(db: Database) {
    let t = counting(db).await;
    let swept_at = "rolecall_sweep_last_success_timestamp_seconds";
    t.user("kim", &[]).await;
    assert_eq!(scrape(&t).await.find("rolecall_sessions", &[]), Some(0.0));
    t.login("kim").await;
    t.login("kim").await;
    let found = scrape(&t).await;
    assert_eq!(found.find("rolecall_sessions", &[]), Some(2.0));
    assert_eq!(found.find("rolecall_sessions_swept_total", &[]), Some(0.0));
    assert_eq!(found.find(swept_at, &[]), None, "this process never did");
    t.advance(Duration::hours(13));
    assert_eq!(scrape(&t).await.find("rolecall_sessions", &[]), Some(0.0));
    sessions::sweep(&t.app).await.unwrap();
    let found = scrape(&t).await;
    assert_eq!(found.find("rolecall_sessions_swept_total", &[]), Some(2.0));
    assert_eq!(found.find(swept_at, &[]), Some((NOW + 13 * 3600) as f64));
}

async fn the_trail_shows_its_head_its_open_end_and_its_checkpoint(db: Database) {
    let t = counting(db).await;
    let read = async || {
        let found = scrape(&t).await;
        ["head", "unsealed_age_seconds", "checkpoint_timestamp_seconds"]
            .map(|part| found.find(&format!("rolecall_audit_{part}"), &[]))
    };
    trail::seal_before_leaving(&t.app).await.unwrap();
    let [head, age, checkpoint] = read().await;
    assert_eq!((age, checkpoint), (Some(0.0), None));
    t.user("kim", &[]).await;
    t.advance(Duration::seconds(90));
    t.user("lou", &[]).await;
    assert_eq!(read().await, [head, Some(90.0), None], "the oldest of them");
    let sealed = trail::seal_as_node(&t.app).await.unwrap();
    assert!(sealed >= 2);
    let (head, now) = (head.unwrap() + sealed as f64, (NOW + 90) as f64);
    assert_eq!(read().await, [Some(head), Some(0.0), Some(now)]);
}

async fn connections_to_the_database_show_while_they_are_used(db: Database) {
    let t = counting(db).await;
    let (pool, most) = match t.app.db.engine() {
        "sqlite" => ("write", 1.0),
        _ => ("all", 16.0),
    };
    // What was used is given back a moment later.
    let settles_at = async |expected: f64| {
        let labels = [("pool", pool), ("state", "used")];
        for _ in 0..1000 {
            let used = scrape(&t).await.find("rolecall_db_connections", &labels);
            if used.expect("a number") == expected {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("{expected} of {pool} are never in use");
    };
    settles_at(0.0).await;
    let held = t.app.db.begin().await.unwrap();
    settles_at(1.0).await;
    drop(held);
    settles_at(0.0).await;
    let limit = scrape(&t).await.find("rolecall_db_connections_limit", &[("pool", pool)]);
    assert_eq!(limit, Some(most));
}

async fn without_a_database_the_rest_is_still_told(db: Database) {
    let t = counting(db).await;
    t.signed_in("kim", &[]).await;
    assert_eq!(scrape(&t).await.find("rolecall_ready", &[]), Some(1.0));
    t.app.db.close().await;
    let found = scrape(&t).await;
    assert_eq!(found.find("rolecall_ready", &[]), Some(0.0));
    assert_eq!(logins(&found, "ok"), 1.0);
    for unknown in ["rolecall_sessions", "rolecall_audit_head"] {
        assert_eq!(found.find(unknown, &[]), None, "{unknown}");
    }
}

async fn nothing_that_a_client_sends_gets_into_the_metrics(db: Database) {
    let t = counting(db).await;
    let kim = t.signed_in("kim-canary", &["user"]).await;
    for path in [
        "/canary",
        "/canary?canary=1",
        "/login/canary",
        "/login?next=/canary",
        "/admin/users/canary",
        "/admin/roles/canary",
        "/static/canary",
        "/auth/check?role=canary",
        "/auth/envoy/canary/canary",
        "/link?token=canary",
        "/%63anary",
    ] {
        for method in ["GET", "POST", "CANARY"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let request = t.request(method, path);
            let request = request
                .header(header::USER_AGENT, "canary")
                .header("x-forwarded-for", "canary")
                .header("x-forwarded-uri", "/canary")
                .header("x-request-id", "canary");
            t.send_as(&kim, request, Body::empty()).await;
        }
    }
    let request = t.request(Method::GET, "/login").header(header::HOST, "canary.example");
    t.send_as(&Visitor::new(), request, Body::empty()).await;
    t.try_login(&Visitor::new(), "canary", "canary").await;
    t.try_login(&Visitor::new(), "kim-canary", "canary").await;

    let text = rolecall::web::metrics_text(&t.app).await;
    for secret in ["canary", "CANARY", "kim", "127.0.0.1", "::"] {
        assert!(!text.contains(secret), "{secret:?} in\n{text}");
    }
    let routes: Vec<_> = rolecall::web::routes().into_iter().map(|route| route.path).collect();
    let found = Scrape::parse(&text);
    for sample in found.samples() {
        for (label, value) in &sample.labels {
            let is_ours = match label.as_str() {
                "route" => value == "none" || routes.contains(&value.as_str()),
                "method" => ["GET", "HEAD", "POST", "other"].contains(&value.as_str()),
                "status" => value.parse().is_ok_and(|status: u16| (200..600).contains(&status)),
                "le" => value.parse::<f64>().is_ok(),
                "outcome" | "counter" | "result" | "pool" | "state" | "version" | "engine" => true,
                _ => false,
            };
            assert!(is_ours, "{}: {label}={value:?}", sample.name);
        }
    }
    assert!(found.value(REQUESTS, &[("route", "none")]) > 3.0, "strangers' paths are one");
}

async fn without_a_door_no_request_is_counted(t: TestApp) {
    t.get("/login").await;
    let found = scrape(&t).await;
    assert_eq!(found.find(REQUESTS, &[]), None);
}
