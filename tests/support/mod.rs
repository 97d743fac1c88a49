//! What all tests share: a database of their own on either engine, and rolecall with visitors
//! in process. Each test program uses its part of it.

#![allow(dead_code, unused_imports, unused_macros)]

mod app;
mod database;
mod visitor;

pub use app::{PASSWORD, TestApp, cli, form, password, role, username};
pub use database::{Database, Engine};
pub use visitor::{Answer, Visitor};

/// Makes two tests, `name::on_sqlite` and `name::on_postgres`, of each function named: it is
/// given what its parameter asks for, a [`TestApp`] or a [`Database`], on that engine. A
/// function that is not named here is reported as unused.
macro_rules! both_engines {
    ($($name:ident,)+) => { $(
        mod $name {
            use crate::support::{Engine, On};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                super::$name(On::on(Engine::Sqlite).await).await
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                super::$name(On::on(Engine::Postgres).await).await
            }
        }
    )+ };
}
pub(crate) use both_engines;

/// What a test can be given.
pub trait On {
    async fn on(engine: Engine) -> Self;
}

impl On for Database {
    async fn on(engine: Engine) -> Self {
        Database::create(engine).await
    }
}

impl On for TestApp {
    async fn on(engine: Engine) -> Self {
        TestApp::with(Database::create(engine).await, |_| {}).await
    }
}

/// Runs all futures at once, each as a task of its own; their results in the same order.
pub async fn at_once<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    let mut results = Vec::with_capacity(running.len());
    for task in running {
        results.push(task.await.expect("a task panicked"));
    }
    results
}
