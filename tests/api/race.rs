//! Requests in flight while their session ends: they cannot bring it back. And a control, which
//! shows that these tests would notice if they could.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use rolecall::{
    auth::{sessions, users},
    random::Random,
};
use tower::ServiceExt;
use tower_sessions::{
    Session, SessionStore,
    session::{Id, Record},
};
use tower_sessions_sqlx_store::{PostgresStore, SqliteStore};

use crate::support::{Answer, Database, PASSWORD, Pool, TestApp, both_engines, cli, insist};

both_engines!(
    no_request_in_flight_brings_an_ended_session_back,
    the_stock_store_alone_does_bring_sessions_back,
);

const ROUNDS: usize = 50;
const REQUESTS: usize = 200;

/// An application that works with the data of the session `x-session`, as `web::session` lets
/// pages do it: load, think, change, save.
fn application<S: SessionStore + Clone>(store: Arc<S>) -> Router {
    async fn attach<S: SessionStore + Clone>(
        State(store): State<Arc<S>>,
        mut request: Request,
        next: Next,
    ) -> Response {
        let id = request.headers()["x-session"].to_str().unwrap();
        let session = Session::new(Some(id.parse::<Id>().unwrap()), store, None);
        request.extensions_mut().insert(session.clone());
        let response = next.run(request).await;
        match session.save().await {
            Ok(()) => response,
            Err(_) => StatusCode::UNAUTHORIZED.into_response(),
        }
    }
    async fn work(session: Session) -> Result<(), StatusCode> {
        let failed = |_| StatusCode::UNAUTHORIZED;
        think().await;
        let seen = session.get::<u32>("seen").await.map_err(failed)?;
        think().await;
        let seen = seen.unwrap_or_default() + 1;
        session.insert("seen", seen).await.map_err(failed)
    }
    Router::new().route("/work", get(work)).layer(from_fn_with_state(store, attach))
}

/// Takes a moment of up to 8 ms, always another.
async fn think() {
    let [byte] = Random::system().bytes().unwrap();
    tokio::time::sleep(Duration::from_micros(u64::from(byte) * 32)).await;
}

/// Sends all requests at once on the session, and `end`s it in their midst. Returns when all
/// are answered.
async fn race(application: &Router, id: Id, end: impl Future<Output = ()>) {
    let requests: Vec<_> = (0..REQUESTS)
        .map(|_| {
            let request = Request::get("/work").header("x-session", id.to_string());
            let request = request.body(Body::empty()).unwrap();
            tokio::spawn(application.clone().oneshot(request))
        })
        .collect();
    for _ in 0..3 {
        think().await;
    }
    end.await;
    for request in requests {
        let answer = request.await.unwrap().unwrap();
        assert!(!answer.status().is_server_error());
    }
}

/// The ways in which a session ends, taken in turns.
const ENDS: [&str; 4] = ["logout", "end of all", "another login", "disabled"];

async fn no_request_in_flight_brings_an_ended_session_back(t: TestApp) {
    let application = application(t.app.store.clone());
    let mut saved = 0;
    for round in 0..ROUNDS {
        let how = ENDS[round % ENDS.len()];
        let name = format!("kim{round}");
        let user = t.user(&name, &[]).await;
        let visitor = t.login(&name).await;
        let token = t.form_token(&visitor).await.unwrap();
        let before = visitor.copy();
        let id = visitor.session().unwrap()[..22].parse().unwrap();
        let end = async {
            saved += t.db.count("session_data").await;
            match how {
                "logout" => {
                    let form = format!("form_token={token}");
                    let post = || t.post(&visitor, "/logout", form.clone());
                    let answer = insist(Answer::is_busy, post).await;
                    assert_eq!(answer.outcome(), "303 /login?done=signed-out");
                }
                "end of all" => {
                    let ended = sessions::end_of_user(&t.app, &cli(), user.id).await;
                    assert_eq!(ended.unwrap(), 1);
                }
                "another login" => {
                    let log_in = || t.try_login(&visitor, &name, PASSWORD);
                    let answer = insist(Answer::is_busy, log_in).await;
                    assert_eq!(answer.outcome(), "303 /account");
                }
                _ => users::disable(&t.app, &cli(), user.id).await.unwrap(),
            }
        };
        race(&application, id, end).await;
        assert!(t.app.store.load(&id).await.unwrap().is_none(), "{how}");
        assert!(!t.is_signed_in(&before).await, "{how}");
        if how == "another login" {
            assert!(t.is_signed_in(&visitor).await);
            sessions::end_of_user(&t.app, &cli(), user.id).await.unwrap();
        }
        assert_eq!(t.db.count("sessions").await, 0, "{how}");
        assert_eq!(t.db.count("session_data").await, 0, "{how}");
    }
    assert!(saved > 0, "in no round was anything saved before the end");
}

async fn the_stock_store_alone_does_bring_sessions_back(db: Database) {
    let back = match &db.pool {
        Pool::Sqlite(pool) => {
            let store = SqliteStore::new(pool.clone());
            let store = store.with_table_name("stock").unwrap();
            store.migrate().await.unwrap();
            rounds_with_sessions_back(&db, "stock", store).await
        }
        Pool::Postgres(pool) => {
            let schema = db.schema();
            let store = PostgresStore::new(pool.clone());
            let store = store.with_schema_name(schema).unwrap();
            let store = store.with_table_name("stock").unwrap();
            store.migrate().await.unwrap();
            rounds_with_sessions_back(&db, "stock", store).await
        }
    };
    assert!(back > 0, "the race is no race");
}

/// In how many rounds a session was back after it had been deleted.
async fn rounds_with_sessions_back(
    db: &Database,
    table: &str,
    store: impl SessionStore + Clone,
) -> usize {
    let application = application(Arc::new(store.clone()));
    let mut back = 0;
    for _ in 0..ROUNDS / 5 {
        let mut record = Record {
            id: Id::default(),
            data: Default::default(),
            expiry_date: time::macros::datetime!(9999-01-01 0:00 UTC),
        };
        store.create(&mut record).await.unwrap();
        let end = async { store.delete(&record.id).await.unwrap() };
        race(&application, record.id, end).await;
        back += usize::from(db.count(table).await > 0);
        db.execute(&format!("delete from {table}")).await;
    }
    back
}
