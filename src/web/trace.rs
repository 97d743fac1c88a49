//! Gives each request an id, in every log line and in the answer, and writes one line when it
//! is done. Neither path nor query is logged, only which route it was.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, NestedPath, Request, State},
    http::{Extensions, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::{Instrument, Span, field};

use super::{Error, page};
use crate::{app::App, auth::access::CurrentUser, db};

/// What a request gives the database for each step: with the answer it stays below the two
/// seconds within which an outage is told.
pub const PATIENCE: Duration = Duration::from_millis(1_700);

pub const CHECK: &str = "/auth/check";
/// The same for Envoy, with the roles and then the path that is asked about.
pub const ENVOY: &str = "/auth/envoy/{*asked}";

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub async fn request(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = app.request_ids.make();
    let text = id.to_string();
    let span = tracing::info_span!("request", id = text, user = field::Empty);
    request.extensions_mut().insert(id);
    let route = Route::of(request.extensions());
    let method = request.method().clone();
    #[cfg(feature = "otlp")]
    let traced = traced(&app, &request, &text);
    let begun = Instant::now();
    async {
        let work = db::with_patience(PATIENCE, caught(next.run(request)));
        #[cfg(feature = "otlp")]
        let work = crate::traces::answer(traced, work);
        let mut response = work.await;
        let route = route.as_ref().map_or("none", Route::as_str);
        if let Some(requests) = &app.metrics.requests {
            requests.of(&method, route, response.status()).note(begun.elapsed());
        }
        if !is_silent(route, response.status()) {
            let (status, ms) = (response.status().as_u16(), begun.elapsed().as_millis() as u64);
            tracing::info!(%method, route, status, ms, "answered");
        }
        page::secure(&app.settings, is_check(route), &mut response);
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

/// Which route of the list it is, without what it is nested below.
struct Route(MatchedPath, Option<NestedPath>);

impl Route {
    fn of(extensions: &Extensions) -> Option<Self> {
        let matched = extensions.get::<MatchedPath>()?.clone();
        Some(Self(matched, extensions.get::<NestedPath>().cloned()))
    }

    fn as_str(&self) -> &str {
        let prefix = self.1.as_ref().map_or("", NestedPath::as_str);
        let route = self.0.as_str().strip_prefix(prefix);
        route.filter(|route| route.starts_with('/')).unwrap_or("/")
    }
}

/// The request's span, where traces are sent.
#[cfg(feature = "otlp")]
fn traced(app: &App, request: &Request, id: &str) -> Option<crate::traces::Request> {
    let traces = app.traces.as_ref()?;
    traces.request(&crate::traces::Asked {
        method: request.method(),
        route: Route::of(request.extensions()).as_ref().map(Route::as_str),
        scheme: if app.settings.public_url.is_https() { "https" } else { "http" },
        request_id: id,
        traceparent: super::client::traceparent(&app.settings, request),
    })
}

/// From here on the lines of this request say whose it is.
pub fn name_user(user: &CurrentUser) {
    Span::current().record("user", field::display(user.id));
}

/// A panic is one failed request: it is told like any other failure of ours. What the work held
/// is dropped then, so a transaction is undone.
pub async fn caught(work: impl Future<Output = Response>) -> Response {
    let mut work = pin!(work);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        polled.unwrap_or_else(|_| Poll::Ready(Error::Panicked.into_response()))
    })
    .await
}

/// What happens all the time and says nothing: allowed checks, visitors who are not signed in,
/// probes, style sheets. Somebody who is refused for lack of a role is worth a line.
fn is_silent(route: &str, status: StatusCode) -> bool {
    let is_anonymous_check = is_check(route) && status == StatusCode::UNAUTHORIZED;
    let is_often = matches!(route, CHECK | ENVOY | "/healthz" | "/readyz" | "/static/{name}");
    is_anonymous_check || (is_often && status == StatusCode::OK)
}

fn is_check(route: &str) -> bool {
    matches!(route, CHECK | ENVOY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_one_request_with_our_fault_and_nothing_else() {
        let router = axum::Router::new()
            .route("/panics", axum::routing::get(panics))
            .route("/works", axum::routing::get(async || "ok"))
            .layer(axum::middleware::from_fn(|request, next: Next| caught(next.run(request))));
        for (path, status) in [("/panics", 500), ("/works", 200), ("/panics", 500)] {
            let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
            let answer = tower::ServiceExt::oneshot(router.clone(), request).await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{path}");
        }
    }

    async fn panics() {
        tokio::task::yield_now().await;
        panic!("this panic is part of the test");
    }
}
