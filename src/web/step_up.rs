//! Stands before changes to people and roles: the form brings the password, or is answered with
//! itself and a field for it, when it was entered too long ago.

use std::{convert::Infallible, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequestParts, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use tower_sessions::Session;
use url::form_urlencoded;

use super::{
    Error, Me, acting, client::Client, cookie, frame, page::Page, pages::admin::StepUpPage,
};
use crate::{
    app::App,
    auth::{
        self, Refusal,
        access::CurrentUser,
        sessions::Opened,
        step_up::{Mine, step_up},
    },
    text,
};

/// The field that a form has while its user is not proven.
const PASSWORD: &str = "current_password";

/// A request that has brought the password.
pub struct Taken {
    pub request: Request,
    pub renewed: Renewed,
}

/// The session under its new id.
pub struct Renewed {
    session: Session,
    cookies: HeaderMap,
}

impl Renewed {
    pub fn of(app: &App, opened: &Opened) -> Self {
        let session = Session::new(Some(opened.session.session_id()), app.store.clone(), None);
        Self { session, cookies: cookie::set(app, opened).into_iter().collect() }
    }

    /// Leads to `route`, which will show the sentence once.
    pub async fn done(&self, app: &App, notice: &str, route: &str) -> Result<Redirect, Error> {
        acting::done(app, &self.session, notice, route).await
    }

    /// Puts the new id on the response, for the browser and for who saves the session's data.
    pub fn tell(self, mut response: Response) -> Response {
        response.headers_mut().extend(self.cookies);
        response.extensions_mut().insert(self.session);
        response
    }
}

/// Takes the password out of the form. The response is the form once more.
pub async fn take(
    app: &App,
    user: &CurrentUser,
    mut parts: Parts,
    body: Bytes,
) -> Result<Taken, Response> {
    let Ok::<_, Infallible>(client) = Client::from_request_parts(&mut parts, app).await;
    let fields: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let path = &parts.uri.path().to_owned();
    let ask = |answer| ask(app, user, path, &fields, answer);
    let typed = fields.iter().find(|(name, _)| name == PASSWORD).map(|(_, typed)| typed);
    let (Some(typed), Some(token)) = (typed, cookie::session_token(app, &parts.headers)) else {
        return Err(ask(Answer::first()));
    };
    let devices = cookie::device_claims(app, &parts.headers);
    let mine = Mine { user, token, devices: &devices };
    let opened = match step_up(app, &client.user(user), mine, typed).await {
        Ok(opened) => opened,
        Err(error) => return Err(Answer::to(error).map_or_else(Error::into_response, ask)),
    };
    let renewed = Renewed::of(app, &opened);
    let mut proven = user.clone();
    proven.session.is_proven = true;
    parts.extensions.insert(Me(Arc::new(proven)));
    parts.extensions.insert(renewed.session.clone());
    Ok(Taken { request: Request::from_parts(parts, Body::from(body)), renewed })
}

/// Why the form comes back.
struct Answer {
    status: StatusCode,
    problem: Option<String>,
    retry_after: Option<u64>,
}

impl Answer {
    /// It brought no password.
    fn first() -> Self {
        Self { status: StatusCode::UNAUTHORIZED, problem: None, retry_after: None }
    }

    fn to(error: auth::Error) -> Result<Self, Error> {
        let (status, problem, retry_after) = match error {
            auth::Error::Refused(Refusal::WrongPassword) => {
                (StatusCode::UNAUTHORIZED, text::form::CURRENT_PASSWORD_WRONG.to_owned(), None)
            }
            auth::Error::Refused(Refusal::Changed) => {
                (StatusCode::UNAUTHORIZED, text::step_up::ELSEWHERE.to_owned(), None)
            }
            auth::Error::HeldBack(wait) => {
                (StatusCode::TOO_MANY_REQUESTS, text::login::held_back(wait), Some(wait))
            }
            auth::Error::Busy(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, text::login::BUSY.to_owned(), Some(2))
            }
            other => return Err(other.into()),
        };
        Ok(Self { status, problem: Some(problem), retry_after })
    }
}

/// The form as it came, with a field for the password.
fn ask(
    app: &App,
    user: &CurrentUser,
    path: &str,
    fields: &[(String, String)],
    answer: Answer,
) -> Response {
    let is_kept = |(name, _): &&(String, String)| name != PASSWORD && name != "form_token";
    let frame = frame::of(app, user, path);
    let page = StepUpPage {
        back: frame.reachable(&back(path)).to_owned(),
        frame,
        username: user.username.clone(),
        hidden: fields.iter().filter(is_kept).cloned().collect(),
        problem: answer.problem,
    };
    let mut response = (answer.status, Page(page)).into_response();
    let retry_after = answer.retry_after.map(|wait| (header::RETRY_AFTER, HeaderValue::from(wait)));
    response.headers_mut().extend(retry_after);
    response
}

/// The page that the form stands on, or the list above it.
pub fn back(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    let kept = if path.starts_with("/admin/sessions") { 3 } else { 4 };
    parts[..parts.len().min(kept)].join("/")
}
