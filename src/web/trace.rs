//! Gives each request an id, in every log line and in the answer, and writes one line when it
//! is done. Neither path nor query is logged, only which route it was.

use std::time::{Duration, Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;

use crate::{app::App, db};

/// What a request gives the database for each step: with the answer it stays below the two
/// seconds within which an outage is told.
const PATIENCE: Duration = Duration::from_millis(1_700);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub async fn request(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = app.request_ids.make();
    let text = id.to_string();
    let span = tracing::info_span!("request", id = text);
    request.extensions_mut().insert(id);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let begun = Instant::now();
    async {
        let mut response = db::with_patience(PATIENCE, next.run(request)).await;
        let route = route.as_ref().map_or("none", MatchedPath::as_str);
        if !is_silent(route, response.status()) {
            let (status, ms) = (response.status().as_u16(), begun.elapsed().as_millis() as u64);
            tracing::info!(%method, route, status, ms, "answered");
        }
        let headers = response.headers_mut();
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(REQUEST_ID, value);
        }
        response
    }
    .instrument(span)
    .await
}

/// What happens all the time and says nothing: allowed checks, visitors who are not signed in,
/// probes, style sheets. Somebody who is refused for lack of a role is worth a line.
fn is_silent(route: &str, status: StatusCode) -> bool {
    let is_anonymous_check = route == "/auth/check" && status == StatusCode::UNAUTHORIZED;
    let is_often = matches!(route, "/auth/check" | "/healthz" | "/readyz" | "/static/{name}");
    is_anonymous_check || (is_often && status == StatusCode::OK)
}
