//! rolecall gives an application its people: web login, sessions, users, roles and permissions,
//! in a SQLite file or a Postgres schema.
//!
//! ```no_run
//! use axum::{Router, routing::{get, post}};
//! use rolecall::{CurrentUser, Permission, Require, Role, Rolecall, any_role, permission};
//!
//! const REPORTS_WRITE: Permission = Permission::new("reports:write");
//! const EDITOR: Role = Role::new("editor").permissions(&[REPORTS_WRITE]);
//!
//! async fn list(user: Option<CurrentUser>) -> String {
//!     match user {
//!         Some(user) if user.can(REPORTS_WRITE) => format!("{} may write", user.username()),
//!         _ => "to be read by everybody".to_owned(),
//!     }
//! }
//!
//! # async fn create() {}
//! # async fn desk() {}
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! // A database of its own beside the application's; on Postgres a schema is enough.
//! let auth = Rolecall::connect("sqlite://people.db").await?
//!     .permissions(&[REPORTS_WRITE])
//!     .roles(&[EDITOR])
//!     .build().await?;
//! let app: Router = Router::new()
//!     .route("/reports", get(list))
//!     .route("/reports/new", post(create).require(permission(REPORTS_WRITE)))
//!     .nest("/desk", Router::new().route("/", get(desk)).require(any_role(["editor", "admin"])))
//!     .merge(auth.pages())
//!     .layer(auth.layer());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! let app = app.into_make_service_with_connect_info::<std::net::SocketAddr>();
//! axum::serve(listener, app).await?;
//! auth.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! The first administrator is made in a terminal, and makes all others on the pages:
//! `rolecall --database-url sqlite://people.db user add kim --role admin`. The same database can be
//! served by `rolecall serve` later, and nobody signs in again.

#![warn(missing_docs)]

mod embed;

pub use app::layout::{Layout, LayoutParts, NavItem};
pub use embed::{
    Authenticated, BuildError, Builder, Client, Created, CurrentUser, Error, Explanation, Guard,
    NewUser, Permission, Proven, Require, Role, Rolecall, SetCookies, Settings, all_roles,
    any_role, permission, signed_in, testing,
};

// The code in reading order, each layer using only those above it. For the program, its tests and
// benchmarks: what an application may rely on is named above.
#[doc(hidden)]
pub mod app;
#[doc(hidden)]
pub mod auth;
#[cfg(test)]
mod chance;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod clock;
#[doc(hidden)]
pub mod config;
#[doc(hidden)]
pub mod db;
#[doc(hidden)]
pub mod metrics;
#[doc(hidden)]
pub mod random;
#[doc(hidden)]
pub mod telemetry;
#[doc(hidden)]
pub mod text;
#[cfg(feature = "otlp")]
#[doc(hidden)]
pub mod traces;
#[doc(hidden)]
pub mod web;
