//! What all tests share: a database of their own on either engine, rolecall with visitors in
//! process, and the binary. Each test program uses its part of it.

#![allow(dead_code, unused_imports, unused_macros)]

mod app;
#[cfg(feature = "otlp")]
pub mod collector;
mod database;
mod dice;
pub mod hashes;
pub mod http;
pub mod markup;
pub mod metrics;
pub mod program;
mod servers;
pub mod site;
pub mod terminal;
mod visitor;
pub mod wire;

pub use app::{NOW, PASSWORD, TestApp, cli, form, insist, password, role, roles, username};
pub use database::{Database, Engine, Pool, our_migrations};
pub use dice::Dice;
pub use servers::Served;
pub use visitor::{Answer, Visitor};
pub use wire::Wire;

/// Makes two tests, `name::on_sqlite` and `name::on_postgres`, of each function named: it is
/// given what its parameter asks for, a [`TestApp`] or a [`Database`], on that engine. A
/// function that is not named here is reported as unused.
macro_rules! both_engines {
    ($($name:ident,)+) => { $(
        mod $name {
            use crate::support::{Engine, run};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                run(Engine::Sqlite, super::$name).await
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                run(Engine::Postgres, super::$name).await
            }
        }
    )+ };
}
pub(crate) use both_engines;

/// Runs a test with what it asks for.
pub async fn run<T: On>(engine: Engine, test: impl AsyncFnOnce(T)) {
    test(T::on(engine).await).await;
}

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
