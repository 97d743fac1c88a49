//! What answers every request: the router, and before it a shortcut for checks that memory can
//! answer, which programs behind rolecall ask for all the time.

use std::sync::Arc;

use axum::{
    BoxError, Router,
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode},
    response::{IntoResponse, Response},
};
use tower::ServiceExt;

use super::{Error, check, page, trace};
use crate::{app::App, text::error as text};

/// The application as a service. Whoever serves it puts a [`super::Peer`] into each request.
/// Cheap to clone.
#[derive(Clone)]
pub struct Service(Arc<Parts>);

struct Parts {
    app: App,
    router: Router,
    allowed: HeaderMap,
    refused: HeaderMap,
    refusal: Bytes,
}

impl Service {
    pub fn new(app: App) -> Self {
        let headers = |mut response: Response| {
            page::secure(&app.settings, true, &mut response);
            response.headers_mut().insert(trace::REQUEST_ID, HeaderValue::from_static(""));
            std::mem::take(response.headers_mut())
        };
        Self(Arc::new(Parts {
            allowed: headers(
                (StatusCode::OK, [check::NO_STORE], check::IDENTITY.map(|name| (name, "")))
                    .into_response(),
            ),
            refused: headers(Error::Unauthenticated.into_response()),
            refusal: format!("{}\n", text::FORBIDDEN_TITLE).into(),
            router: super::router(app.clone()),
            app,
        }))
    }

    pub async fn answer<B>(&self, request: Request<B>) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        match self.0.recall(&request) {
            Some(response) => response,
            None => {
                let Ok(response) = self.0.router.clone().oneshot(request.map(Body::new)).await;
                response
            }
        }
    }
}

impl Parts {
    /// The answer of [`check::check`], where it asks no database and writes no line. The headers
    /// that are the same each time are put together once.
    fn recall<B>(&self, request: &Request<B>) -> Option<Response> {
        if request.uri().path() != trace::CHECK || *request.method() != Method::GET {
            return None;
        }
        let (mut headers, status, body) = match check::from_memory(&self.app, request)? {
            Some(known) => {
                let mut headers = self.allowed.clone();
                let identity = known.made(check::identity)?;
                if identity.len() < check::IDENTITY.len() {
                    check::IDENTITY.iter().for_each(|name| drop(headers.remove(name)));
                }
                // In place of the values that make room for them.
                for (name, value) in identity {
                    headers.insert(name, value.clone());
                }
                (headers, StatusCode::OK, Body::empty())
            }
            None => {
                (self.refused.clone(), StatusCode::UNAUTHORIZED, Body::from(self.refusal.clone()))
            }
        };
        let id = self.app.request_ids.make().to_string();
        headers.insert(trace::REQUEST_ID, HeaderValue::try_from(id).ok()?);
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Some(response)
    }
}
