//! The database away, slow or broken: never an allow, never a logout, and back without a restart.

use std::{
    io::Result,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{body::Body, http::Method};
use rolecall::{
    app::{App, Migrate},
    clock::Clock,
    config::{Chosen, Settings},
    random::Random,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::support::{Answer, Database, Engine, PASSWORD, TestApp, Visitor, both_engines, form};

both_engines!(
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

/// A wire to the server that can be cut (2), or go dead (1) so that nothing comes through.
struct Wire {
    url: String,
    state: Arc<AtomicU8>,
}

const WHOLE: u8 = 0;
const DEAD: u8 = 1;
const CUT: u8 = 2;

impl Wire {
    async fn to(db: &Database) -> Self {
        let server = url::Url::parse(&db.url).unwrap();
        let (host, port) = (server.host_str().unwrap(), server.port().unwrap_or(5432));
        let target = format!("{host}:{port}");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut url = server.clone();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let state = Arc::new(AtomicU8::new(WHOLE));
        let shared = state.clone();
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let far = TcpStream::connect(&target).await.unwrap();
                let (near, far) = (near.into_split(), far.into_split());
                let state = shared.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = carry(near.0, far.1, &state) => {}
                        _ = carry(far.0, near.1, &state) => {}
                        () = while_not(CUT, &state) => {}
                    }
                });
            }
        });
        Self { url: url.into(), state }
    }

    fn set(&self, state: u8) {
        self.state.store(state, Ordering::Relaxed);
    }
}

/// Carries bytes one way; they wait while the wire is dead.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &AtomicU8) -> Result<()> {
    let mut buffer = [0; 8192];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        while state.load(Ordering::Relaxed) == DEAD {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        to.write_all(&buffer[..read]).await?;
    }
}

async fn while_not(awaited: u8, state: &AtomicU8) {
    while state.load(Ordering::Relaxed) != awaited {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
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
