//! Gives each request an id, in every log line and in the answer, and writes one line when it
//! is done. Neither path nor query is logged, only which route it was.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, StatusCode},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;

use crate::app::App;

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
        let mut response = next.run(request).await;
        let route = route.as_ref().map_or("none", MatchedPath::as_str);
        if !is_silent(route, response.status()) {
            let (status, ms) = (response.status().as_u16(), begun.elapsed().as_millis() as u64);
            tracing::info!(%method, route, status, ms, "answered");
        }
        if let Ok(value) = HeaderValue::try_from(text) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        response
    }
    .instrument(span)
    .await
}

/// What happens all the time and says nothing: allowed checks, probes, style sheets.
fn is_silent(route: &str, status: StatusCode) -> bool {
    status == StatusCode::OK
        && matches!(route, "/auth/check" | "/healthz" | "/readyz" | "/static/{name}")
}
