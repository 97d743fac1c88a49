//! What is done to sessions beside the requests: uses are written down seldom and together, and
//! what has expired goes in small batches, by an index and in nobody's way.

use rolecall::auth::sessions;
use serde_json::Value;
use sqlx::Row;
use time::Duration;

use crate::support::{Engine, Pool, TestApp, both_engines};

both_engines!(
    a_use_is_written_down_once_a_minute_at_most_and_never_lost,
    uses_are_written_down_together,
    others_write_while_expired_sessions_go,
    expired_sessions_are_found_by_an_index,
);

async fn a_use_is_written_down_once_a_minute_at_most_and_never_lost(t: TestApp) {
    let visitor = t.signed_in("kim", &[]).await;
    t.app.db.follow_revision().await.unwrap();
    let last_seen = || t.db.texts("select cast(last_seen_at as text) from sessions");
    let (mut last, mut changes) = (last_seen().await, 0);
    for _ in 0..120 {
        t.advance(Duration::seconds(5));
        t.app.db.follow_revision().await.unwrap();
        assert_eq!(t.get_as(&visitor, "/auth/check").await.status(), 200);
        sessions::write_touched(&t.app).await.unwrap();
        let now = last_seen().await;
        changes += usize::from(now != last);
        last = now;
    }
    assert!((6..=10).contains(&changes), "{changes} in ten minutes of use");
    // As a server does it that cannot write for a while.
    t.advance(Duration::minutes(2));
    t.app.db.follow_revision().await.unwrap();
    assert_eq!(t.get_as(&visitor, "/auth/check").await.status(), 200);
    t.db.execute("alter table sessions rename to sessions_away").await;
    assert!(sessions::write_touched(&t.app).await.is_err());
    t.db.execute("alter table sessions_away rename to sessions").await;
    assert_eq!(last_seen().await, last);
    sessions::write_touched(&t.app).await.unwrap();
    assert_ne!(last_seen().await, last, "what could not be written was kept");
}

async fn uses_are_written_down_together(t: TestApp) {
    t.user("kim", &[]).await;
    let mut visitors = Vec::new();
    for _ in 0..30 {
        visitors.push(t.login("kim").await);
    }
    t.advance(Duration::minutes(2));
    for visitor in &visitors {
        assert_eq!(t.get_as(visitor, "/auth/check").await.status(), 200);
    }
    let unwritten = t.db.texts("select distinct cast(last_seen_at as text) from sessions").await;
    sessions::write_touched(&t.app).await.unwrap();
    let written = t.db.texts("select distinct cast(last_seen_at as text) from sessions").await;
    assert!(unwritten.len() == 1 && written.len() == 1 && unwritten != written);
    // Postgres names the transaction that wrote a row.
    if t.db.engine == Engine::Postgres {
        assert_eq!(t.db.number("select count(distinct xmin::text) from sessions").await, 1);
    }
}

/// Sessions of kim that end at this time, by the thousand.
async fn insert(t: &TestApp, first: usize, count: usize, end: &str) {
    let id = match t.db.engine {
        Engine::Sqlite => "unhex(printf('%032x', n))",
        Engine::Postgres => "cast(lpad(to_hex(n), 32, '0') as uuid)",
    };
    let last = first + count;
    t.db.execute(&format!(
        "with recursive numbers (n) as
             (select {first} union all select n + 1 from numbers where n + 1 < {last})
         insert into sessions (id, digest, user_id, remember, created_at, last_seen_at,
                               idle_expires_at, absolute_expires_at, ip, user_agent)
         select {id}, 'digest ' || n, u.id, false, u.created_at, u.created_at, '{end}', '{end}',
                '', '' from numbers, users u where u.username = 'kim'"
    ))
    .await;
}

const LONG_AGO: &str = "2026-11-01T00:00:00Z";
const LATER: &str = "2027-11-01T00:00:00Z";

async fn others_write_while_expired_sessions_go(t: TestApp) {
    const EXPIRED: i64 = 20_000;
    t.user("kim", &[]).await;
    let live = t.login("kim").await;
    insert(&t, 1, EXPIRED as usize, LONG_AGO).await;
    let expired = format!("sessions where idle_expires_at < '{LATER}' and digest like 'digest %'");
    let app = t.app.clone();
    let sweep = tokio::spawn(async move { sessions::sweep(&app).await.unwrap() });
    while t.db.count(&expired).await == EXPIRED {
        tokio::task::yield_now().await;
    }
    t.login("kim").await;
    let left = t.db.count(&expired).await;
    println!("{left} of {EXPIRED} were left when somebody had logged in");
    assert!(left > 0, "the login waited until all were gone");
    sweep.await.unwrap();
    assert_eq!(t.db.count(&expired).await, 0);
    assert!(t.is_signed_in(&live).await);
}

/// What rolecall asks the engine to delete, as `scripts/prepare` has it from the source.
fn sweeping(engine: Engine) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sqlx-data");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let name = if engine == Engine::Sqlite { "SQLite" } else { "PostgreSQL" };
    let mut found = files.filter_map(|file| {
        let data: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let query = data["query"].as_str().unwrap();
        let begins = "delete from sessions where id in (select id from sessions where idle";
        let query = query.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_it = data["db_name"] == name && query.starts_with(begins);
        is_it.then_some(query)
    });
    let query = found.next().expect("the statement");
    query.replace("$1", &format!("'{LONG_AGO}'")).replace("$2", "200")
}

async fn expired_sessions_are_found_by_an_index(t: TestApp) {
    t.user("kim", &[]).await;
    insert(&t, 1, 50_000, LATER).await;
    insert(&t, 100_000, 300, LONG_AGO).await;
    t.db.execute("analyze sessions").await;
    let query = sweeping(t.db.engine);
    let plan: Vec<String> = match &t.db.pool {
        Pool::Sqlite(pool) => {
            let plan = format!("explain query plan {query}");
            let steps = sqlx::query(&plan).fetch_all(pool).await.unwrap();
            steps.iter().map(|step| step.get("detail")).collect()
        }
        Pool::Postgres(pool) => {
            sqlx::query_scalar(&format!("explain {query}")).fetch_all(pool).await.unwrap()
        }
    };
    let plan = plan.join("\n");
    assert!(plan.contains("sessions_idle_expires_at"), "{plan}");
    assert!(!plan.contains("SCAN sessions") && !plan.contains("Seq Scan on sessions"), "{plan}");
}
