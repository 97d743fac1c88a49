//! What a check that asks the database is compared with: an axum route that runs one prepared
//! statement through sqlx and does nothing else. The session is named by its digest, which the
//! client sends.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    routing::get,
};
use rolecall::clock::Clock;
use serde_json::Value;
use sqlx::{Pool, Postgres, Sqlite, postgres::PgPoolOptions, sqlite::SqlitePoolOptions};

use crate::{Outcome, bare};

/// The name of the cookie.
pub const COOKIE: &str = "digest";

/// Little more than whether the session is there.
const SIMPLE: &str = "select g.role_name from sessions s
    join users u on u.id = s.user_id
    join grants g on g.user_id = u.id
    where s.digest = $1 and u.status = 'active' and g.role_name = 'admin'
      and s.idle_expires_at > $2";

#[derive(Clone)]
enum Db {
    Sqlite(Pool<Sqlite>),
    Postgres(Pool<Postgres>),
}

#[derive(Clone)]
struct Select {
    db: Db,
    sql: Arc<str>,
    clock: Clock,
}

/// Serves until it is killed.
pub fn serve(port: &str, url: &str) -> Outcome {
    tokio::runtime::Runtime::new()?.block_on(async {
        // As many connections as rolecall has.
        let (db, engine) = if url.starts_with("sqlite:") {
            let pool = SqlitePoolOptions::new().max_connections(8).connect(url).await?;
            (Db::Sqlite(pool), "SQLite")
        } else {
            let pool = PgPoolOptions::new().max_connections(16).connect(url).await?;
            (Db::Postgres(pool), "PostgreSQL")
        };
        let clock = Clock::system();
        let select = Select { db, sql: ours(engine)?.into(), clock };
        let simple = Select { sql: SIMPLE.into(), ..select.clone() };
        let router = Router::new()
            .route("/select", get(answer).with_state(select))
            .route("/simple", get(answer).with_state(simple));
        bare::accept(port, router).await
    })
}

/// The statement of a check, as the source has it.
fn ours(engine: &str) -> Outcome<String> {
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/sqlx-data"))? {
        let data: Value = serde_json::from_str(&std::fs::read_to_string(file?.path())?)?;
        let query = data["query"].as_str().unwrap_or_default();
        let is_it = query.contains("\"permissions: String\"") && query.contains("s.digest = $1");
        if is_it && data["db_name"] == engine {
            return Ok(query.to_owned());
        }
    }
    Err("the statement of a check is not in sqlx-data".into())
}

async fn answer(State(select): State<Select>, request: Request<Body>) -> StatusCode {
    match look_up(&select, digest(request.headers())).await {
        Ok(true) => StatusCode::OK,
        Ok(false) => StatusCode::UNAUTHORIZED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn digest(headers: &HeaderMap) -> &str {
    let cookie = headers.get(header::COOKIE).and_then(|cookie| cookie.to_str().ok());
    cookie.and_then(|cookie| cookie.strip_prefix(COOKIE)?.strip_prefix('=')).unwrap_or_default()
}

/// Whether there is such a session.
async fn look_up(Select { db, sql, clock }: &Select, digest: &str) -> sqlx::Result<bool> {
    let now = clock.now();
    Ok(match db {
        Db::Sqlite(pool) => {
            sqlx::query(sql).bind(digest).bind(now).fetch_optional(pool).await?.is_some()
        }
        Db::Postgres(pool) => {
            sqlx::query(sql).bind(digest).bind(now).fetch_optional(pool).await?.is_some()
        }
    })
}
