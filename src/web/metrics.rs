//! `/metrics` at an address of its own (`metrics_listen`), which has nothing else.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::{sync::Semaphore, task::JoinSet};

use super::{check::NO_STORE, health, limits, serve::Listener};
use crate::{
    app::App,
    db::{self, seals, sessions},
    metrics::Snapshot,
};

/// Who asks while so many are answered waits.
const CONNECTIONS: usize = 4;
/// A request and its answer together may take so long.
const WITHIN: Duration = Duration::from_secs(5);
/// What the database is given for each step, and half of what it is given for all.
const PATIENCE: Duration = Duration::from_millis(1_700);
/// Counting goes no further, so that a scrape costs no more the more sessions there are.
const MOST_SESSIONS: i64 = 100_000;

/// Answers until it is dropped.
pub async fn serve(app: App, listener: Listener) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut tasks = JoinSet::new();
    while let Ok(place) = places.clone().acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection for metrics");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        while tasks.try_join_next().is_some() {}
        let app = app.clone();
        tasks.spawn(async move {
            let service = hyper::service::service_fn(async |request| {
                Ok::<_, Infallible>(answer(&app, request).await)
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .header_read_timeout(None)
                .keep_alive(false)
                .max_buf_size(limits::HEAD_BYTES)
                .serve_connection(TokioIo::new(stream), service);
            if !matches!(tokio::time::timeout(WITHIN, connection).await, Ok(Ok(()))) {
                tracing::debug!("a connection for metrics ended early");
            }
            drop(place);
        });
    }
}

async fn answer(app: &App, request: Request<Incoming>) -> Response {
    if request.uri().path() != "/metrics" {
        return StatusCode::NOT_FOUND.into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let allow = [(header::ALLOW, HeaderValue::from_static("GET, HEAD"))];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static(prometheus::TEXT_FORMAT));
    ([kind, NO_STORE], text(app).await).into_response()
}

/// All metrics in the text format of Prometheus. The database is asked for what only it knows, and
/// without an answer that is left out.
pub async fn text(app: &App) -> String {
    let now = Snapshot::default();
    process(app, &now);
    hasher(app, &now);
    pools(app, &now);
    let asked = db::with_patience(PATIENCE, database(app, &now));
    // What is not there by then is left out.
    let _ = tokio::time::timeout(2 * PATIENCE, asked).await;
    app.metrics.text(&now)
}

fn process(app: &App, now: &Snapshot) {
    let build = [env!("CARGO_PKG_VERSION"), app.db.engine()];
    let help = "Always 1; which version this is, and on which database";
    now.gauges(("rolecall_build_info", help), ["version", "engine"], &[(build, 1.0)]);
    let (entries, most) = (app.cache.entries(), app.settings.cache_entries);
    now.gauge("rolecall_cache_entries", "Sessions in memory", entries as f64);
    now.gauge("rolecall_cache_entries_limit", "Sessions that memory has room for", most as f64);
    if let Some(age) = app.db.revision.age() {
        now.gauge(
            "rolecall_revision_age_seconds",
            "Since the newest answer on whether memory still holds; from 1 on it is not used",
            age.as_secs_f64(),
        );
    }
}

fn hasher(app: &App, now: &Snapshot) {
    let load = app.hasher.load();
    for (name, help, value) in [
        ("rolecall_hash_queue_length", "Passwords that wait to be hashed", load.waiting),
        ("rolecall_hash_queue_limit", "Passwords that may wait", load.queue),
        ("rolecall_hash_slots_used", "Places for hashing that are taken", load.taken),
        ("rolecall_hash_slots", "Places for hashing", load.slots),
    ] {
        now.gauge(name, help, value as f64);
    }
}

fn pools(app: &App, now: &Snapshot) {
    let pools = app.db.pools();
    let of_pool = |pool: &db::PoolUse| {
        [([pool.name, "used"], pool.used as f64), ([pool.name, "idle"], pool.idle as f64)]
    };
    let open: Vec<_> = pools.iter().flat_map(of_pool).collect();
    let help = "Connections to the database that are open";
    now.gauges(("rolecall_db_connections", help), ["pool", "state"], &open);
    let most: Vec<_> = pools.iter().map(|pool| ([pool.name], f64::from(pool.most))).collect();
    let help = "Connections to the database that may be open";
    now.gauges(("rolecall_db_connections_limit", help), ["pool"], &most);
}

async fn database(app: &App, now: &Snapshot) {
    let ready = health::require_ready(app).await.is_ok();
    now.gauge("rolecall_ready", "1 when /readyz says yes", f64::from(u8::from(ready)));
    let count = sessions::count(&app.db, app.now(), MOST_SESSIONS);
    let Ok(live) = count.await else { return };
    let help = "Sessions in the database that live, counted up to 100,000";
    now.gauge("rolecall_sessions", help, live as f64);
    let Ok(chain) = seals::standing(&app.db).await else { return };
    now.gauge("rolecall_audit_head", "Number of the last sealed audit record", chain.head as f64);
    let age = chain.unsealed_since.map_or(0.0, |since| (app.now() - since).as_seconds_f64());
    now.gauge(
        "rolecall_audit_unsealed_age_seconds",
        "Age of the oldest audit record without a seal; 0 when all have one",
        age.max(0.0),
    );
    if let Some(at) = chain.checkpoint_at {
        now.gauge(
            "rolecall_audit_checkpoint_timestamp_seconds",
            "When the last checkpoint of the audit trail was made",
            at.unix_timestamp() as f64,
        );
    }
}
