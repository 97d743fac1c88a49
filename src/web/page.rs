//! What holds for every page: the Host rule, where forms may come from, the security headers.

use askama::Template;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Redirect, Response},
};

use super::{Error, error::Problem, error_page, limits, trace};
use crate::{app::App, config::Settings, telemetry::RequestId};

/// A template as a response.
pub struct Page<T>(pub T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(html) => Html(html).into_response(),
            Err(error) => Error::from(error).into_response(),
        }
    }
}

/// A foreign origin that the page's form may end at, put on the response by its handler:
/// browsers hold `form-action` against the redirect too.
#[derive(Clone)]
pub struct FormAction(pub String);

/// Leads to a route.
pub fn to(app: &App, route: &str) -> Redirect {
    Redirect::to(&app.settings.public_url.path(route))
}

pub async fn not_found() -> Error {
    Error::NotFound
}

pub async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().copied();
    let (headers, path) = (request.headers().clone(), request.uri().path().to_owned());
    let mut response = match judge(&app.settings, &request) {
        Ok(()) => trace::caught(next.run(request)).await,
        Err(error) => error.into_response(),
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let allow = response.headers().get(header::ALLOW).cloned();
        response = Error::MethodNotAllowed.into_response();
        response.headers_mut().extend(allow.map(|methods| (header::ALLOW, methods)));
    }
    // An address whose parts cannot be read, such as an id that is none, names no page.
    let is_unread = response.status() == StatusCode::BAD_REQUEST
        && response.extensions().get::<Problem>().is_none()
        && response.headers().get(header::CONTENT_TYPE).is_some_and(is_plain_text);
    if is_unread {
        response = Error::NotFound.into_response();
    }
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = error_page::show(&app, problem, (&headers, &path), id, response).await;
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn is_plain_text(kind: &HeaderValue) -> bool {
    kind.as_bytes().starts_with(b"text/plain")
}

/// Whether the request is meant for us, and if it changes something, comes from us.
fn judge(settings: &Settings, request: &Request) -> Result<(), Error> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = request.uri().authority().map(|authority| authority.as_str()).or(host);
    if !host.is_some_and(|host| settings.is_our_host(host)) {
        return Err(Error::Misdirected);
    }
    limits::address(request.uri())?;
    let headers = request.headers();
    let is_at_stake = headers.contains_key(header::COOKIE) || request.uri().path() == "/login";
    if is_at_stake { judge_origin(settings, request.method(), headers) } else { Ok(()) }
}

/// Whether the request, if it changes something, comes from our own pages.
pub fn judge_origin(
    settings: &Settings,
    method: &Method,
    headers: &HeaderMap,
) -> Result<(), Error> {
    let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && !is_same_origin(settings, headers) { Err(Error::CrossSite) } else { Ok(()) }
}

/// Whether the form came from our own pages: by `Sec-Fetch-Site`, which a page cannot set, or
/// where a browser does not send it by `Origin`.
fn is_same_origin(settings: &Settings, headers: &HeaderMap) -> bool {
    match (headers.get("sec-fetch-site"), headers.get(header::ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
            origin.to_str().is_ok_and(|origin| settings.is_our_origin(origin, host))
        }
        (None, None) => false,
    }
}

const SECURITY: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Not `no-referrer`: that makes the Origin of our own forms `null`.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// What a page may load and where its forms may go; an origin may be added at the end.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Puts the security headers on an answer. `is_handed_on`: a proxy may send the answer to its
/// own clients, from a host that is not ours to speak for.
pub fn secure(settings: &Settings, is_handed_on: bool, response: &mut Response) {
    let form_action = response.extensions_mut().remove::<FormAction>();
    let wider = form_action
        .and_then(|FormAction(origin)| HeaderValue::try_from(format!("{POLICY} {origin}")).ok());
    let headers = response.headers_mut();
    for (name, value) in SECURITY {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let policy = wider.unwrap_or(HeaderValue::from_static(POLICY));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    if !is_handed_on && settings.public_url.is_https() {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
}
