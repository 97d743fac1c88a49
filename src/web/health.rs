//! `/healthz` and `/readyz`, for whoever starts and watches the process.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::IntoResponse,
};

use super::Error;
use crate::app::App;

fn ok() -> impl IntoResponse + use<> {
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], "ok\n")
}

/// The process answers. The database is not asked.
pub async fn process() -> impl IntoResponse {
    ok()
}

/// The database answers too.
pub async fn database(State(app): State<App>) -> Result<impl IntoResponse, Error> {
    app.db.ping().await?;
    Ok(ok())
}
