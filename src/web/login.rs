//! `/login`: the form, and the way in.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    Error, Visitor, check,
    client::Client,
    cookie,
    form::{Asked, Form},
    frame,
    page::{self, FormAction, Page},
    pages::{Frame, LoginPage},
};
use crate::{
    app::App,
    auth::{
        self, link,
        login::{self, Proof, Typed},
        next::Next,
        sessions::{self, Wanted},
    },
    metrics::Login,
    text,
};

/// So many characters of a name that was refused come back in the form.
const SHOWN_NAME_CHARS: usize = 256;

#[derive(Deserialize)]
pub struct Start {
    #[serde(default)]
    next: String,
    #[serde(default)]
    done: String,
}

/// What the page before has done, by the word in the address.
fn notice(done: &str) -> Option<&'static str> {
    match done {
        "signed-out" => Some(text::notice::SIGNED_OUT),
        "password" => Some(text::notice::PASSWORD_SET),
        "setup" => Some(text::notice::SETUP_DONE),
        _ => None,
    }
}

pub async fn show(
    State(app): State<App>,
    Visitor(user): Visitor,
    headers: HeaderMap,
    Asked(asked): Asked<Start>,
) -> Result<Response, Error> {
    if let Some(user) = user {
        let next = Next::parse(&asked.next, &app.settings);
        if next.origin().is_none() || check::is_known_elsewhere(&app, &headers, &user).await? {
            return Ok(Redirect::to(next.location()).into_response());
        }
    }
    let notice = notice(&asked.done).map(str::to_owned);
    let frame = Frame { notice, ..frame::of_visitor(&app) };
    let fields = Fields { next: asked.next, ..Fields::default() };
    Ok(form(&app, frame, fields, None).into_response())
}

#[derive(Deserialize, Default)]
pub struct Fields {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    remember: Option<String>,
    #[serde(default)]
    next: String,
}

pub async fn submit(
    State(app): State<App>,
    client: Client,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, Error> {
    let (ended, answer) = match log_in(&app, &client, &headers, fields).await {
        Ok((ended, response)) => (ended, Ok(response)),
        Err(error) => (Login::Failed, Err(error)),
    };
    app.metrics.login(ended);
    answer
}

async fn log_in(
    app: &App,
    client: &Client,
    headers: &HeaderMap,
    fields: Fields,
) -> Result<(Login, Response), Error> {
    let by = client.visitor();
    let devices = cookie::device_claims(app, headers);
    let typed = Typed { name: &fields.username, password: &fields.password, devices: &devices };
    let (user, tried) = match login::authenticate(app, &by, typed).await {
        Ok(Some(Proof::User(user, tried))) => (user, tried),
        Ok(Some(Proof::OneTime(token))) => {
            return Ok((Login::OneTime, page::to(app, &link::route(token)).into_response()));
        }
        Ok(None) => return Ok((Login::Refused, refused(app, fields))),
        Err(auth::Error::Busy(_)) => return Ok((Login::Busy, busy(app, fields))),
        Err(auth::Error::HeldBack(wait)) => {
            return Ok((Login::HeldBack, held_back(app, fields, wait)));
        }
        Err(error) => return Err(error.into()),
    };
    let wanted = Wanted {
        remember: fields.remember.is_some(),
        user_agent: &client.user_agent,
        replaces: cookie::session_token(app, headers),
        tried: Some(&tried),
    };
    match sessions::open(app, &by, &user, wanted).await? {
        Some(opened) => {
            let next = Next::parse(&fields.next, &app.settings);
            let mut response = Redirect::to(next.location()).into_response();
            response.headers_mut().extend(cookie::set(app, &opened));
            if tried.device.is_none() {
                response.headers_mut().extend(cookie::set_device(app, &user)?);
            }
            Ok((Login::Ok, response))
        }
        None => Ok((Login::Refused, refused(app, fields))),
    }
}

fn refused(app: &App, fields: Fields) -> Response {
    let problem = Some(text::login::REFUSED);
    (StatusCode::UNAUTHORIZED, form(app, frame::of_visitor(app), fields, problem)).into_response()
}

fn busy(app: &App, fields: Fields) -> Response {
    let page = form(app, frame::of_visitor(app), fields, Some(text::login::BUSY));
    let retry = [(header::RETRY_AFTER, HeaderValue::from_static("2"))];
    (StatusCode::SERVICE_UNAVAILABLE, retry, page).into_response()
}

fn held_back(app: &App, fields: Fields, wait: u64) -> Response {
    let page = form(app, frame::of_visitor(app), fields, Some(&text::login::held_back(wait)));
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, wait)], page).into_response()
}

/// The form, with what was typed but the password.
fn form(
    app: &App,
    frame: Frame,
    fields: Fields,
    problem: Option<&str>,
) -> impl IntoResponse + use<> {
    let next = Next::checked(&fields.next, &app.settings);
    let form_action = next.as_ref().and_then(Next::origin).map(|origin| FormAction(origin.into()));
    let page = LoginPage {
        frame,
        username: fields.username.chars().take(SHOWN_NAME_CHARS).collect(),
        remember: fields.remember.is_some(),
        next: next.map(|next| next.location().to_owned()).unwrap_or_default(),
        problem: problem.map(str::to_owned),
    };
    (form_action.map(axum::Extension), Page(page))
}
