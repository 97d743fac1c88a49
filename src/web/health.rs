//! `/healthz` and `/readyz`, for whoever starts and watches the process.

use std::time::Duration;

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::IntoResponse,
};

use super::Error;
use crate::{app::App, db::MigrateError};

/// A database that takes longer is as good as none: told within the two seconds of an outage.
const PATIENCE: Duration = Duration::from_millis(1_700);

fn ok() -> impl IntoResponse + use<> {
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], "ok\n")
}

/// The process answers. The database is not asked.
pub async fn process() -> impl IntoResponse {
    ok()
}

/// Whether requests should come here.
pub async fn readiness(State(app): State<App>) -> Result<impl IntoResponse, Error> {
    require_ready(&app).await?;
    Ok(ok())
}

/// # Errors
/// When the database does not answer, has not the schema of this program, or when the process was
/// asked to stop.
pub async fn require_ready(app: &App) -> Result<(), Error> {
    if app.is_leaving() {
        return Err(Error::Leaving);
    }
    let fit = tokio::time::timeout(PATIENCE, app.db.is_fit()).await;
    match fit.unwrap_or(Err(MigrateError::Db(sqlx::Error::PoolTimedOut))) {
        Ok(()) => Ok(()),
        Err(MigrateError::Db(error)) => Err(error.into()),
        Err(error) => Err(Error::Schema(error)),
    }
}
