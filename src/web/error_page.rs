//! How errors look: the page around a problem, with ways on that are open to whoever asked, and
//! with what the form held that led to it.

use std::borrow::Cow;

use askama::Template;
use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use uuid::Uuid;

use super::{
    error::Problem,
    frame, guard,
    pages::{ErrorPage, Frame},
    sent::Sent,
    step_up,
};
use crate::{
    app::App,
    auth::{self, users},
    db::roles,
    telemetry::RequestId,
    text::{self as words, error as text},
};

/// Route and label of where an error page leads.
type Action = (String, &'static str);
type Link = (&'static str, &'static str);

/// The page of the problem at this address, for whoever sent these headers.
pub async fn show(
    app: &App,
    mut problem: Problem,
    (headers, path): (&HeaderMap, &str),
    id: Option<RequestId>,
    response: Response,
) -> Response {
    let frame = frame_of(app, headers, problem.status).await;
    let is_told = problem.is_expired
        || matches!(problem.status, StatusCode::NOT_FOUND | StatusCode::CONFLICT);
    let subject = match &frame.user {
        Some(_) if is_told => Subject::of(app, path).await,
        _ => None,
    };
    let sent = problem.sent.take();
    let mut action = problem.action.map(|action| reachable(action, &frame));
    let is_gone = sent.is_some() && subject.as_ref().is_some_and(|one| one.name.is_none());
    if let Some(subject) = &subject {
        action = subject.action(&frame).or(action);
        if is_gone {
            (problem.title, problem.message) = subject.gone();
            action = Some(reachable(subject.list, &frame));
        }
    } else if is_told && path.starts_with("/admin/sessions/") {
        action = Some(reachable(("/admin/sessions", text::TO_SESSIONS), &frame));
    }
    let mut entered = sent.as_ref().map(Sent::entered).unwrap_or_default();
    let mut again = None;
    if let Some(sent) = sent.filter(|_| problem.is_expired && !is_gone) {
        again = sent.again(frame.reachable(&step_up::back(path)));
        action = sent.asking().map(|page| (page, text::TO_FORM)).or(action);
    }
    if again.is_some() {
        problem.message = text::FORM_AGAIN.into();
        let whose = subject.and_then(|subject| Some((subject.label, subject.name?)));
        entered.splice(..0, whose);
    }
    let page = ErrorPage {
        status: problem.status.as_u16(),
        title: problem.title,
        message: problem.message.into_owned(),
        entered,
        again,
        action,
        frame,
        request_id: id.map(|id| id.to_string()).unwrap_or_default(),
    };
    render(page, problem.status, response)
}

fn render(page: ErrorPage, status: StatusCode, response: Response) -> Response {
    let mut headers = response.headers().clone();
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::CONTENT_TYPE);
    match page.render() {
        Ok(html) => (status, headers, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the error page failed");
            response
        }
    }
}

/// What surrounds an error: the frame of whoever asked, as far as that can be told.
async fn frame_of(app: &App, headers: &HeaderMap, status: StatusCode) -> Frame {
    let is_askable = status.is_client_error() && status != StatusCode::MISDIRECTED_REQUEST;
    if !is_askable {
        return frame::of_visitor(app);
    }
    match guard::current_user(app, headers).await {
        Ok(Some(user)) => frame::of(app, &user, ""),
        Ok(None) | Err(_) => frame::of_visitor(app),
    }
}

/// Leads on to where whoever asked may go.
fn reachable((href, label): Link, frame: &Frame) -> Action {
    let (href, label) = match (href, &frame.user) {
        ("/login", _) => (href, label),
        (_, None) => ("/", text::TO_START),
        _ if frame.reachable(href) == href => (href, label),
        _ => ("/account", text::TO_ACCOUNT),
    };
    (href.to_owned(), label)
}

/// The user or role that an address is about.
struct Subject {
    page: Action,
    list: Link,
    label: &'static str,
    /// None: it is not there.
    name: Option<String>,
}

impl Subject {
    async fn of(app: &App, path: &str) -> Option<Self> {
        let mut parts = path.strip_prefix("/admin/")?.splitn(3, '/');
        let (kind, name) = (parts.next()?, parts.next()?);
        let page = format!("/admin/{kind}/{name}");
        match kind {
            "users" => {
                let id = name.parse::<Uuid>().ok()?.to_string();
                let name = match users::find(app, &id).await {
                    Ok(user) => Some(user.username),
                    Err(auth::Error::Refused(_)) => None,
                    Err(_) => return None,
                };
                let (page, list) = ((page, text::TO_USER), ("/admin/users", text::TO_USERS));
                Some(Self { page, list, label: words::users::NAME, name })
            }
            "roles" => {
                let all = roles::list(&app.db).await.ok()?;
                let name = all.into_iter().map(|role| role.name).find(|role| role == name);
                let (page, list) = ((page, text::TO_ROLE), ("/admin/roles", text::TO_ROLES));
                Some(Self { page, list, label: words::roles::NAME, name })
            }
            _ => None,
        }
    }

    /// To its page, if that is there and whoever asked may see it.
    fn action(&self, frame: &Frame) -> Option<Action> {
        let is_open = self.name.is_some() && frame.reachable(&self.page.0) == self.page.0;
        is_open.then(|| self.page.clone())
    }

    /// Title and sentence that say that it is not there any more.
    fn gone(&self) -> (&'static str, Cow<'static, str>) {
        match self.page.0.strip_prefix("/admin/roles/") {
            Some(name) => (text::ROLE_GONE_TITLE, text::role_gone(name).into()),
            None => (text::USER_GONE_TITLE, text::USER_GONE.into()),
        }
    }
}
