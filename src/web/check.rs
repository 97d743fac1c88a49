//! `/auth/check`: what reverse proxies ask before they let a request through.

use std::{borrow::Cow, sync::Arc};

use axum::{
    body::Bytes,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header, uri::PathAndQuery,
    },
    response::{IntoResponse, Response},
};
use url::form_urlencoded;

use super::{Error, client::Forwarded, cookie, error::login_route, guard, limits, trace};
use crate::{
    app::App,
    auth::{
        access::{Access, CurrentUser, Decision, Demand, decide},
        cache::{Cookie, Known},
        next::Next,
        sessions,
    },
    config::Settings,
};

/// Above this, `Remote-Permissions` is left out: proxies cut or refuse long headers.
const MAX_PERMISSIONS_BYTES: usize = 4096;

/// What stands before the roles in Envoy's question.
const BEFORE_ROLES: &str = "/auth/envoy/";

pub const NO_STORE: (HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

pub async fn check(State(app): State<App>, request: Request) -> Result<Response, Error> {
    let (parts, _) = request.into_parts();
    let question = Question::parse(parts.uri.query().unwrap_or_default())?;
    answer(&app, &parts.headers, question, || Forwarded::read(&app.settings, &parts)).await
}

/// What Envoy asks (HTTP ext_authz): the request itself with this route's path before its own. The
/// demand is what stands between; the path and query of the client are only where to come back to.
pub async fn envoy(State(app): State<App>, request: Request) -> Result<Response, Error> {
    let (parts, _) = request.into_parts();
    let (question, path) = Question::of_envoy(&parts.uri)?;
    let forwarded = || Forwarded::by_envoy(&app.settings, &parts, path);
    let mut response = answer(&app, &parts.headers, question, forwarded).await?;
    if response.status() == StatusCode::OK {
        // Envoy sets what it is told and leaves the rest as the client sent it.
        for name in IDENTITY {
            response.headers_mut().entry(name).or_insert(HeaderValue::from_static(""));
        }
    }
    Ok(response)
}

async fn answer(
    app: &App,
    headers: &HeaderMap,
    question: Question,
    forwarded: impl FnOnce() -> Forwarded,
) -> Result<Response, Error> {
    let user = match guard::current_user(app, headers).await? {
        Some(user) => Some(user),
        None => user_of_check_cookie(app, headers).await?,
    };
    let Question { demands, redirect } = question;
    match decide(user.as_deref(), &Access::Demand(Demand::All(demands))) {
        Decision::Allow => {
            let mut response = (StatusCode::OK, [NO_STORE]).into_response();
            let identity = user.as_deref().map(identity).unwrap_or_default();
            for (name, value) in IDENTITY.into_iter().zip(identity) {
                response.headers_mut().extend(value.map(|value| (name, value)));
            }
            Ok(response)
        }
        Decision::Forbid | Decision::Prove => {
            user.iter().for_each(|user| trace::name_user(user));
            Err(Error::Forbidden)
        }
        Decision::SignIn => {
            let mut response = Error::Unauthenticated.into_response();
            if let Some(location) = to_login(&app.settings, headers, forwarded()) {
                // nginx takes nothing but 401 for a "no", and hands the address on.
                response.headers_mut().insert(header::LOCATION, location);
                if redirect {
                    *response.status_mut() = StatusCode::FOUND;
                }
            }
            Ok(response)
        }
    }
}

/// What a check of this request gives when memory alone decides: whose it is and that they are
/// allowed, or nobody's and so refused. `None` when the database has to be asked, or more is to
/// be said or written down than that.
pub fn from_memory<B>(app: &App, request: &Request<B>) -> Option<Option<Arc<Known>>> {
    limits::address(request.uri()).ok()?;
    let headers = request.headers();
    if headers.contains_key(header::AUTHORIZATION) {
        return None;
    }
    let question = Question::parse(request.uri().query().unwrap_or_default()).ok()?;
    let known = match cookie::session_token(app, headers) {
        Some(token) => Some(sessions::remembered(app, Cookie::Session, token)?),
        None => match cookie::check_token(app, headers) {
            Some(token) => Some(sessions::remembered(app, Cookie::Check, token)?),
            None => None,
        },
    };
    let user = known.as_ref().map(|known| &*known.user);
    match decide(user, &Access::Demand(Demand::All(question.demands))) {
        Decision::Allow => Some(known),
        Decision::SignIn if !is_navigation(headers) => Some(None),
        _ => None,
    }
}

async fn user_of_check_cookie(
    app: &App,
    headers: &HeaderMap,
) -> Result<Option<Arc<CurrentUser>>, Error> {
    if headers.contains_key(header::AUTHORIZATION) {
        return Ok(None);
    }
    match cookie::check_token(app, headers) {
        Some(token) => Ok(sessions::identify(app, Cookie::Check, token).await?),
        None => Ok(None),
    }
}

/// Whether an application on another host would know this user. Not when the shared cookie is
/// missing, such as from a session older than `cookie_domain`: it would send them back to the
/// login, and that back to it.
pub async fn is_known_elsewhere(
    app: &App,
    headers: &HeaderMap,
    user: &CurrentUser,
) -> Result<bool, Error> {
    if app.settings.cookie_domain.is_none() {
        return Ok(true);
    }
    let there = user_of_check_cookie(app, headers).await?;
    Ok(there.is_some_and(|there| there.id == user.id))
}

/// What a check asks.
#[derive(Debug, Default, PartialEq, Eq)]
struct Question {
    /// All of these.
    demands: Vec<Demand>,
    redirect: bool,
}

impl Question {
    /// Commas mean any of, repeated parameters all of.
    fn parse(query: &str) -> Result<Self, Error> {
        let mut question = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "role" => question.demands.push(any(&value, Demand::Role)),
                "permission" => question.demands.push(any(&value, Demand::Permission)),
                "redirect" if value == "1" => question.redirect = true,
                _ => return Err(Error::BadRequest),
            }
        }
        Ok(question)
    }

    /// Of `/auth/envoy/ROLES/PATH`, and the path. Commas mean any of, `-` is anybody who is signed
    /// in. Anything else is refused, so that no way of writing the client's path becomes a demand.
    fn of_envoy(address: &Uri) -> Result<(Self, &str), Error> {
        let address = address.path_and_query().map(PathAndQuery::as_str).unwrap_or_default();
        let asked = address.strip_prefix(BEFORE_ROLES).ok_or(Error::BadRequest)?;
        let end = asked.find('/').ok_or(Error::BadRequest)?;
        let (roles, path) = asked.split_at(end);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b",._-".contains(&byte);
        if roles.is_empty() || !roles.bytes().all(is_plain) {
            return Err(Error::BadRequest);
        }
        let mut question = Self { redirect: true, ..Self::default() };
        if roles != "-" {
            question.demands.push(any(roles, Demand::Role));
        }
        Ok((question, path))
    }
}

/// Any of the names between the commas.
fn any(names: &str, demand: fn(Cow<'static, str>) -> Demand) -> Demand {
    Demand::Any(names.split(',').map(|name| demand(name.to_owned().into())).collect())
}

/// The headers that tell an application who it is.
pub const IDENTITY: [HeaderName; 6] = [
    HeaderName::from_static("remote-user"),
    HeaderName::from_static("remote-user-id"),
    HeaderName::from_static("remote-name"),
    HeaderName::from_static("remote-email"),
    HeaderName::from_static("remote-groups"),
    HeaderName::from_static("remote-permissions"),
];

/// Their values, in the same order; `None` is not sent.
pub type Identity = [Option<HeaderValue>; 6];

/// What these headers are for this user. Names beyond ASCII go as UTF-8; names never hold
/// control characters.
pub fn identity(user: &CurrentUser) -> Identity {
    let shown = if user.display_name.is_empty() { &user.username } else { &user.display_name };
    let permissions = Some(joined(&user.permissions)).filter(|permissions| {
        let fits = permissions.len() <= MAX_PERMISSIONS_BYTES;
        if !fits {
            tracing::warn!(user = %user.id, "Remote-Permissions left out: over 4 KB");
        }
        fits
    });
    let values = [
        Some(user.username.clone()),
        Some(user.id.to_string()),
        Some(shown.clone()),
        user.email.clone(),
        Some(joined(&user.roles)),
        permissions,
    ];
    // One piece of memory for all values: what many sessions have is read anew for each answer.
    let all = Bytes::from(values.iter().flatten().map(String::as_str).collect::<String>());
    let mut begin = 0;
    values.map(|value| {
        let end = begin + value?.len();
        let value = HeaderValue::from_maybe_shared(all.slice(begin..end));
        begin = end;
        value.ok()
    })
}

fn joined(names: &std::collections::BTreeSet<String>) -> String {
    let mut joined = String::with_capacity(names.iter().map(|name| name.len() + 1).sum());
    for name in names {
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(name);
    }
    joined
}

/// For a browser that goes to a page: the address of the login, with the way back. For
/// programs: nothing.
fn to_login(settings: &Settings, headers: &HeaderMap, forwarded: Forwarded) -> Option<HeaderValue> {
    let can_come_back = matches!(forwarded.method, Method::GET | Method::HEAD);
    if !can_come_back || !is_navigation(headers) {
        return None;
    }
    let next = forwarded.url.and_then(|url| return_address(settings, &url));
    settings.public_url.join(&login_route(next.as_deref())).parse().ok()
}

/// Whether a person waits for a page. Scripts may ask for HTML too; a browser says then that
/// nobody goes anywhere (Fetch Metadata).
pub fn is_navigation(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let accepts_html = accept.is_some_and(|accept| accept.contains("text/html"));
    accepts_html && headers.get("sec-fetch-mode").is_none_or(|mode| mode == "navigate")
}

/// Where the person wanted to go, if a login may lead there: by path when it is our own origin.
fn return_address(settings: &Settings, url: &str) -> Option<String> {
    let own = url.strip_prefix(settings.public_url.origin()).filter(|path| path.starts_with('/'));
    Next::checked(own.unwrap_or(url), settings).map(|next| next.location().to_owned())
}
