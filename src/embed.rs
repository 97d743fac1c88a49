//! rolecall inside an axum application: what an application's author sees of it. Decides
//! nothing itself; it stands above the pages and asks what they ask.

mod builder;
mod guard;
mod permission;
mod settings;
mod user;
mod verbs;

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use tokio::sync::Mutex;

pub use builder::{BuildError, Builder};
pub use guard::{Guard, Require, all_roles, any_role, permission, signed_in};
pub use permission::{Permission, Role};
pub use settings::Settings;
pub use user::CurrentUser;
pub use verbs::{
    Authenticated, Client, Created, Error, Explanation, NewUser, Proven, SetCookies, testing,
};

use crate::{
    app::App,
    text::embed as text,
    web::{self, Chores},
};

/// The people of an application: who signs in, and who may do what. Cheap to clone.
///
/// Also an extractor, on routes below [`Rolecall::layer`].
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use rolecall::{Require, Rolecall, signed_in};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let auth = Rolecall::connect("sqlite://people.db").await?.build().await?;
/// let app: Router = Router::new()
///     .route("/notes", get(async || "your notes").require(signed_in()))
///     .merge(auth.pages())
///     .layer(auth.layer());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Rolecall(Arc<Inner>);

struct Inner {
    app: App,
    /// Until they are ended.
    chores: Mutex<Option<Chores>>,
}

impl Rolecall {
    /// Opens the people's database at `url`: `sqlite://FILE`, made if it is missing, or
    /// `postgres://…`. It is a database of its own, or on Postgres a schema of its own
    /// (`?options=-c%20search_path%3Dpeople`), beside the application's.
    ///
    /// # Errors
    /// When it cannot be reached, or the URL is none.
    pub async fn connect(url: &str) -> Result<Builder, BuildError> {
        Builder::connect(url).await
    }

    /// Puts rolecall into each request, for guards and extractors. Belongs around everything that
    /// uses them: the last `.layer(…)` of the router, and inside of none that takes extensions
    /// away. Serve with `into_make_service_with_connect_info::<SocketAddr>()`, so that guessing
    /// passwords is held back by address.
    pub fn layer(&self) -> Extension<Self> {
        Extension(self.clone())
    }

    /// The pages, to be merged into the application's router: `/login`, `/logout`, `/link`,
    /// `/account`, `/admin`, `/auth/check`, `/static`. They bring their strict headers, which no
    /// other page gets.
    ///
    /// # Panics
    /// The router panics when something stands at one of these already, as when they are merged
    /// twice.
    pub fn pages<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        web::below_prefix(&self.0.app).with_state(())
    }

    /// Writes down what is still to be written and closes the database. Call it when the server
    /// has stopped; requests after it are refused.
    pub async fn close(&self) {
        if let Some(chores) = self.0.chores.lock().await.take() {
            chores.finish().await;
        }
    }

    fn new(app: App) -> Self {
        let chores = Chores::begin(&app);
        Self(Arc::new(Inner { app, chores: Mutex::new(Some(chores)) }))
    }

    fn app(&self) -> &App {
        &self.0.app
    }

    /// The one that the layer has put into the request.
    fn of(parts: &Parts) -> Result<&Self, NoLayer> {
        parts.extensions.get::<Self>().ok_or(NoLayer)
    }
}

/// rolecall is asked for in a request that it is not in.
struct NoLayer;

impl From<NoLayer> for Response {
    fn from(_: NoLayer) -> Self {
        tracing::error!("{}", text::NO_LAYER);
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

impl std::fmt::Debug for Rolecall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rolecall")
    }
}

impl<S: Sync> FromRequestParts<S> for Rolecall {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        Ok(Self::of(parts)?.clone())
    }
}
