//! What answers every request: the router, and before it a shortcut for checks that memory can
//! answer, which programs behind rolecall ask for all the time.

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    response::{IntoResponse, Response},
};
use tower::ServiceExt;

use super::{Error, check, page, trace};
use crate::{app::App, metrics::Answers, text::error as text};

/// The application as a service. Whoever serves it puts a [`super::Peer`] into each request that
/// goes to the router. Cheap to clone.
#[derive(Clone)]
pub struct Service(Arc<Parts>);

struct Parts {
    app: App,
    router: Router,
    allowed: Shape,
    refused: Shape,
    refusal: Bytes,
}

/// What is the same in all answers of one kind.
struct Shape {
    status: StatusCode,
    headers: Headers,
    /// Where they are counted, if they are.
    answers: Option<Answers>,
}

/// Headers of an answer, and in the same order which of them differ each time.
struct Headers(HeaderMap, Vec<Slot>);

impl Service {
    pub fn new(app: App) -> Self {
        let shape = |mut response: Response| {
            page::secure(&app.settings, true, &mut response);
            response.headers_mut().insert(trace::REQUEST_ID, HeaderValue::from_static(""));
            let headers = std::mem::take(response.headers_mut());
            let slots = headers.iter().map(|(name, _)| Slot::of(name)).collect();
            let status = response.status();
            let requests = app.metrics.requests.as_ref();
            let answers = requests.map(|all| all.of(&Method::GET, trace::CHECK, status));
            Shape { status, headers: Headers(headers, slots), answers }
        };
        Self(Arc::new(Parts {
            allowed: shape(
                (StatusCode::OK, [check::NO_STORE], check::IDENTITY.map(|name| (name, "")))
                    .into_response(),
            ),
            refused: shape(Error::Unauthenticated.into_response()),
            refusal: format!("{}\n", text::FORBIDDEN_TITLE).into(),
            router: super::router(app.clone()),
            app,
        }))
    }

    /// `prepare` makes of the request what the router takes.
    pub async fn answer<B>(
        &self,
        request: Request<B>,
        prepare: impl FnOnce(Request<B>) -> Request,
    ) -> Response {
        match self.0.recall(&request) {
            Some(response) => response,
            None => {
                let Ok(response) = self.0.router.clone().oneshot(prepare(request)).await;
                response
            }
        }
    }
}

/// What an answer has in place of a header's value.
enum Slot {
    Same,
    /// The one of the user with this place in [`check::IDENTITY`].
    Identity(usize),
    RequestId,
}

impl Slot {
    fn of(name: &HeaderName) -> Self {
        match check::IDENTITY.iter().position(|one| one == name) {
            Some(at) => Self::Identity(at),
            None if name == trace::REQUEST_ID => Self::RequestId,
            None => Self::Same,
        }
    }
}

impl Parts {
    /// The answer of [`check::check`], where it asks no database and writes no line. The headers
    /// that are the same each time are put together once.
    fn recall<B>(&self, request: &Request<B>) -> Option<Response> {
        let before = request.uri().path().strip_suffix(trace::CHECK)?;
        let is_ours = before.is_empty() || before == self.app.settings.public_url.prefix();
        if !is_ours || *request.method() != Method::GET {
            return None;
        }
        let begun = self.allowed.answers.as_ref().map(|_| Instant::now());
        let known = check::from_memory(&self.app, request)?;
        let identity = match &known {
            Some(known) => Some(known.made(check::identity)?),
            None => None,
        };
        let (shape, body) = match identity {
            Some(_) => (&self.allowed, Body::empty()),
            None => (&self.refused, Body::from(self.refusal.clone())),
        };
        let Headers(headers, slots) = &shape.headers;
        let mut id = HeaderValue::try_from(self.app.request_ids.make().to_string()).ok();
        let mut headers = headers.clone();
        let mut missing = Vec::new();
        // By their place: to find each by its name takes longer than all the rest.
        for (slot, value) in slots.iter().zip(headers.values_mut()) {
            let own = match slot {
                Slot::Same => continue,
                Slot::Identity(at) => identity.and_then(|identity| identity[*at].clone()),
                Slot::RequestId => id.take(),
            };
            match (own, slot) {
                (Some(own), _) => *value = own,
                (None, Slot::Identity(at)) => missing.push(*at),
                (None, _) => return None,
            }
        }
        for at in missing {
            headers.remove(&check::IDENTITY[at]);
        }
        let mut response = Response::new(body);
        *response.status_mut() = shape.status;
        *response.headers_mut() = headers;
        if known.is_some() {
            self.app.metrics.lookups.hits.inc();
        }
        if let (Some(answers), Some(begun)) = (&shape.answers, begun) {
            answers.note(begun.elapsed());
        }
        Some(response)
    }
}
