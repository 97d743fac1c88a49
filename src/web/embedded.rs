//! What stands before the pages of an application that has rolecall in it: whose request it is,
//! and the refusals that our own pages give too.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts},
    response::{IntoResponse, Response},
};

use super::{
    Error, admin_explain, check, client::Client, cookie, error::Problem, error_page, guard, page,
    trace,
};
use crate::{
    app::App,
    auth::{By, access::CurrentUser, device::Claims, sessions::Opened, token::Token},
    db::{self, users::User},
};

/// Whose request this is. One that changes something has to come from the application's own
/// pages, as our forms have to come from ours.
pub async fn identify(app: &App, parts: &Parts) -> Result<Option<Arc<CurrentUser>>, Error> {
    let user = db::with_patience(trace::PATIENCE, guard::current_user(app, &parts.headers)).await?;
    if user.is_some() {
        page::judge_origin(&app.settings, &parts.method, &parts.headers)?;
    }
    Ok(user)
}

/// The answer instead of the page: people are led to the login or shown a page of ours, programs
/// get the status.
pub async fn refuse(app: &App, parts: &Parts, error: Error) -> Response {
    let is_person = check::is_navigation(&parts.headers);
    let is_repeatable = matches!(parts.method, Method::GET | Method::HEAD);
    let mut response = match error {
        Error::Unauthenticated if is_person && is_repeatable => guard::to_login(app, parts),
        error => error,
    }
    .into_response();
    if let Some(problem) = response.extensions_mut().remove::<Problem>()
        && is_person
    {
        // No path of the application is one of ours, whatever it looks like.
        let at = (&parts.headers, "");
        response = error_page::show(app, problem, at, None, response).await;
        page::secure(&app.settings, false, &mut response);
    }
    response
}

/// Whoever sends a form of the application's own, to sign in or out.
#[derive(Debug, Clone)]
pub struct Sender {
    pub by: By,
    pub user_agent: String,
    pub devices: Claims,
    pub session: Option<Token>,
}

impl Sender {
    /// # Errors
    /// [`Error::MethodNotAllowed`] when the request is none that changes something,
    /// [`Error::CrossSite`] when it comes from elsewhere.
    pub async fn of(app: &App, parts: &mut Parts) -> Result<Self, Error> {
        if parts.method.is_safe() {
            return Err(Error::MethodNotAllowed);
        }
        page::judge_origin(&app.settings, &parts.method, &parts.headers)?;
        let Ok::<_, Infallible>(client) = Client::from_request_parts(parts, app).await;
        Ok(Self {
            by: By { request_id: None, ..client.visitor() },
            user_agent: client.user_agent,
            devices: cookie::device_claims(app, &parts.headers),
            session: cookie::session_token(app, &parts.headers),
        })
    }
}

pub type Cookies = cookie::SetCookies;

/// The cookies of a session, and the one by which its device is known later.
pub fn cookies(app: &App, opened: &Opened, user: &User, is_known: bool) -> Result<Cookies, Error> {
    let mut cookies = cookie::set(app, opened);
    if !is_known {
        cookies.extend(cookie::set_device(app, user)?);
    }
    Ok(cookies)
}

/// Takes the cookies of a session away.
pub fn no_cookies(app: &App) -> Cookies {
    cookie::clear(&app.settings)
}

/// How a browser sends the cookies of a session with a form.
pub fn sent_back(app: &App, opened: &Opened) -> HeaderMap {
    let set = cookie::set(app, opened).into_iter().filter_map(|(_, value)| {
        let value = value.to_str().ok()?.split(';').next()?;
        Some((header::COOKIE, HeaderValue::from_str(value).ok()?))
    });
    let own = HeaderName::from_static("sec-fetch-site");
    set.chain([(own, HeaderValue::from_static("same-origin"))]).collect()
}

/// Whether the user has this role or permission, and why.
pub async fn explained(app: &App, user: &User, what: &str) -> Result<(bool, Vec<String>), Error> {
    let explained = admin_explain::explained(app, user, what).await?;
    Ok((explained.yes, explained.lines))
}
