//! What a check that asks the database is compared with: a route that looks a live session and
//! its role up with one prepared statement through sqlx, and does nothing else. The session is
//! named by its digest, which the client sends.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    routing::get,
};
use sqlx::{Pool, Postgres, Sqlite, postgres::PgPoolOptions, sqlite::SqlitePoolOptions};

use crate::{Outcome, bare};

/// The name of the cookie.
pub const COOKIE: &str = "digest";

const SELECT: &str = "select r.name from sessions s
    join users u on u.id = s.user_id
    join grants g on g.user_id = u.id
    join roles r on r.id = g.role_id
    where s.digest = $1 and u.status = 'active' and r.name = 'admin'";

#[derive(Clone)]
enum Db {
    Sqlite(Pool<Sqlite>),
    Postgres(Pool<Postgres>),
}

/// Serves until it is killed.
pub fn serve(port: &str, url: &str) -> Outcome {
    tokio::runtime::Runtime::new()?.block_on(async {
        // As many connections as rolecall has.
        let db = match url.starts_with("sqlite:") {
            true => Db::Sqlite(SqlitePoolOptions::new().max_connections(8).connect(url).await?),
            false => Db::Postgres(PgPoolOptions::new().max_connections(16).connect(url).await?),
        };
        let router = Router::new().route("/select", get(answer)).with_state(db);
        bare::accept(port, router).await
    })
}

async fn answer(State(db): State<Db>, request: Request<Body>) -> StatusCode {
    match look_up(&db, digest(request.headers())).await {
        Ok(Some(_)) => StatusCode::OK,
        Ok(None) => StatusCode::UNAUTHORIZED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn digest(headers: &HeaderMap) -> &str {
    let cookie = headers.get(header::COOKIE).and_then(|cookie| cookie.to_str().ok());
    cookie.and_then(|cookie| cookie.strip_prefix(COOKIE)?.strip_prefix('=')).unwrap_or_default()
}

async fn look_up(db: &Db, digest: &str) -> sqlx::Result<Option<String>> {
    match db {
        Db::Sqlite(pool) => sqlx::query_scalar(SELECT).bind(digest).fetch_optional(pool).await,
        Db::Postgres(pool) => sqlx::query_scalar(SELECT).bind(digest).fetch_optional(pool).await,
    }
}
