//! The database away, slow or broken: never an allow, never a logout, and back without a restart.

use std::{
    task::Poll,
    time::{Duration, Instant},
};

use axum::{body::Body, http::Method};
use rolecall::{
    app::{App, Migrate},
    auth::{
        grants::{self, Until},
        users,
    },
    clock::Clock,
    config::{Chosen, Settings},
    random::Random,
};

use crate::support::{
    Answer, Database, Engine, PASSWORD, TestApp, Visitor, Wire, both_engines, cli, form, role,
    wire::{CUT, DEAD, WHOLE},
};

both_engines!(
    a_transaction_given_up_at_any_point_of_its_beginning_is_in_nobodys_way,
    without_a_database_nobody_is_let_in_and_nobody_is_logged_out,
    a_broken_schema_is_our_fault_and_tells_nothing,
);

fn assert_sent_away(answer: &Answer) {
    assert_eq!(answer.outcome(), "503");
    assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
    assert!(answer.set_cookies().is_empty());
    assert!(!answer.text().to_lowercase().contains("sql"));
}

async fn without_a_database_nobody_is_let_in_and_nobody_is_logged_out(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    let token = t.form_token(&ada).await.unwrap();
    t.app.db.close().await;
    for path in [
        "/",
        "/account",
        "/admin",
        "/logout",
        "/login",
        "/auth/check",
        "/auth/check?role=admin",
        "/auth/check?redirect=1",
    ] {
        let request = t.request(Method::GET, path).header("accept", "text/html");
        assert_sent_away(&t.send_as(&ada, request, Body::empty()).await);
    }
    let stranger = Visitor::new();
    assert_sent_away(&t.try_login(&stranger, "ada", PASSWORD).await);
    assert_sent_away(&t.try_login(&stranger, "ada", "wrong").await);
    let out = form(&[("form_token", &token)]);
    assert_sent_away(&t.post(&ada, "/logout", out).await);
    assert_sent_away(&t.get("/readyz").await);
    // What needs no database still works.
    for (path, outcome) in [
        ("/healthz", "200"),
        ("/login", "200"),
        ("/static/style.css", "200"),
        ("/nothing", "404"),
        ("/account", "303 /login?next=%2Faccount"),
        ("/auth/check", "401"),
    ] {
        assert_eq!(t.get(path).await.outcome(), outcome, "{path}");
    }
    assert!(t.beside().await.is_signed_in(&ada).await, "and is it still");
}

async fn a_broken_schema_is_our_fault_and_tells_nothing(t: TestApp) {
    let ada = t.signed_in("ada", &["admin"]).await;
    t.db.execute("alter table sessions rename to sessions_of_old").await;
    for path in ["/account", "/admin", "/auth/check"] {
        let answer = t.get_as(&ada, path).await;
        assert_eq!(answer.outcome(), "500", "{path}");
        assert!(answer.set_cookies().is_empty());
        let text = answer.text().to_lowercase();
        assert!(!text.contains("sessions_of") && !text.contains("sql"), "{text}");
        assert!(!text.contains("relation") && !text.contains("no such"), "{text}");
    }
    assert_eq!(t.try_login(&Visitor::new(), "ada", PASSWORD).await.outcome(), "500");
    t.db.execute("alter table sessions_of_old rename to sessions").await;
    assert!(t.is_signed_in(&ada).await);
}

/// The client that goes away takes its request with it, wherever that is.
async fn a_transaction_given_up_at_any_point_of_its_beginning_is_in_nobodys_way(t: TestApp) {
    for polls in (0..100).map(|round| round % 8) {
        let mut begun = Box::pin(t.app.db.begin());
        let mut left = polls;
        let given_up = std::future::poll_fn(|context| match left {
            0 => Poll::Ready(()),
            _ => {
                left -= 1;
                begun.as_mut().poll(context).map(drop)
            }
        });
        given_up.await;
        drop(begun);
        let next = t.app.db.begin().await;
        next.unwrap_or_else(|error| panic!("given up at poll {polls}: {error}"));
    }
}

/// Another program writes to the file for long, as an import or a repair may do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_another_program_holds_a_sqlite_file_pages_are_read_and_writes_are_told_soon() {
    let t = TestApp::with(Database::create(Engine::Sqlite).await, |_| {}).await;
    let kim = t.signed_in("kim", &[]).await;
    let crate::support::Pool::Sqlite(pool) = &t.db.pool else { unreachable!("it is SQLite") };
    let held = pool.begin_with("begin immediate").await.unwrap();
    let logins = t.at_once(4, |t, number| async move {
        tokio::time::sleep(Duration::from_millis(300 * number as u64)).await;
        let begun = Instant::now();
        let answer = t.try_login(&Visitor::new(), "kim", PASSWORD).await;
        (answer, begun.elapsed())
    });
    while !logins.is_finished() {
        assert!(t.is_signed_in(&kim).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let logins = logins.await.unwrap();
    held.rollback().await.unwrap();
    for (answer, took) in logins {
        assert_sent_away(&answer);
        assert!(took < Duration::from_millis(2300), "{took:?}, not two seconds");
    }
    t.login("kim").await;
}

async fn postgres_over_a_wire() -> (TestApp, Wire) {
    let mut db = Database::create(Engine::Postgres).await;
    let wire = Wire::to(&db).await;
    db.url = wire.url.clone();
    (TestApp::with(db, |_| {}).await, wire)
}

async fn is_told_soon_and_comes_back(state: u8) {
    let (t, wire) = postgres_over_a_wire().await;
    let ada = t.signed_in("ada", &["admin"]).await;
    for _ in 0..2 {
        wire.set(state);
        // What is on its way when the wire goes counts as before.
        tokio::time::sleep(Duration::from_millis(30)).await;
        for path in ["/auth/check?role=admin", "/account", "/readyz"] {
            let begun = Instant::now();
            let answer = tokio::time::timeout(Duration::from_secs(10), t.get_as(&ada, path));
            let answer = answer.await.unwrap_or_else(|_| panic!("{path}: no answer in 10 s"));
            assert_sent_away(&answer);
            let took = begun.elapsed();
            assert!(took < Duration::from_millis(2300), "{path}: {took:?}");
        }
        wire.set(WHOLE);
        let begun = Instant::now();
        while t.get_as(&ada, "/account").await.status() != 200 {
            assert!(begun.elapsed() < Duration::from_secs(5), "not back in 5 s");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(t.is_signed_in(&ada).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_is_gone_is_told_soon_and_found_again() {
    is_told_soon_and_comes_back(CUT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_says_nothing_is_told_soon_and_found_again() {
    is_told_soon_and_comes_back(DEAD).await;
}

/// Whoever gives up leaves the connection to others: they must not read the moment at which its
/// transaction began.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_given_up_at_its_beginning_shows_nobody_the_past() {
    let (t, wire) = postgres_over_a_wire().await;
    let kim = t.signed_in("kim", &[]).await;
    let beside = t.beside().await;
    wire.set(DEAD);
    for _ in 0..8 {
        let begun = tokio::time::timeout(Duration::from_millis(20), t.app.db.begin_read());
        assert!(begun.await.is_err(), "the wire is dead");
    }
    wire.set(WHOLE);
    let groups = async || {
        let mut seen = Vec::new();
        for _ in 0..40 {
            seen.push(t.get_as(&kim, "/auth/check").await.header("remote-groups").to_owned());
        }
        seen.dedup();
        seen
    };
    assert_eq!(groups().await, [""]);
    let user = users::find(&t.app, "kim").await.unwrap();
    grants::grant(&beside.app, &cli(), user.id, &role("auditor"), Until::Always, "").await.unwrap();
    assert_eq!(groups().await, ["auditor"], "and nothing older");
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_told_in_one_line() {
    let folder = Database::create(Engine::Sqlite).await;
    let missing = folder.path("no/such/folder/rolecall.db");
    let junk = folder.path("junk.db");
    std::fs::write(&junk, "this is no database, but it is long enough to be one ".repeat(100))
        .unwrap();
    let password = "postgres://somebody:hunter2@127.0.0.1:1/none";
    for (url, reason) in [
        (format!("sqlite://{}", missing.display()), "no such folder"),
        (format!("sqlite://{}", junk.display()), "not a SQLite database"),
        (folder.path(".").display().to_string(), "sqlite://rolecall.db"),
        ("sqlite::memory:".into(), "in memory"),
        ("mysql://localhost/x".into(), "sqlite://rolecall.db"),
        ("".into(), "sqlite://rolecall.db"),
        (password.into(), "127.0.0.1:1"),
        ("postgres://127.0.0.1:99999/x".into(), "URL"),
    ] {
        let settings = Settings::resolve(Chosen::default()).unwrap();
        let opened = App::open(&url, settings, Migrate::Apply, Clock::system(), Random::system());
        let error = opened.await.expect_err(&url).to_string();
        assert!(error.contains(reason), "{url}: {error}");
        assert!(!error.contains('\n') && !error.contains("hunter2"), "{error}");
    }
}
