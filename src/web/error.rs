//! What goes wrong, as an answer: logged once, shown with a request id and what to do next,
//! never with the cause.

use std::borrow::Cow;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use url::form_urlencoded;

use super::sent::Sent;
use crate::{
    auth::{self, Refusal},
    db,
    text::{error as text, refusal::sentence},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    #[error("the form is garbled")]
    Malformed,
    #[error("the form is too large")]
    TooLarge,
    #[error("the form did not arrive in time")]
    TooSlow,
    #[error("the form is of a kind that is not read")]
    Unsupported,
    #[error("the form's token is of another session")]
    Expired,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A page for signed-in users: log in, at this path.
    #[error("nobody is signed in")]
    SignIn { login: String },
    #[error("nobody is signed in")]
    Unauthenticated,
    #[error("not permitted")]
    Forbidden,
    #[error("no such page")]
    NotFound,
    /// What a page was to ask about is not there, and this sentence says so.
    #[error("nothing to end: {0}")]
    NothingToEnd(String),
    #[error("no such method")]
    MethodNotAllowed,
    #[error("the request cannot be read")]
    BadRequest,
    #[error("the address is too long")]
    AddressTooLong,
    #[error(transparent)]
    Form(#[from] FormError),
    /// A form that did not come from our pages.
    #[error("the form came from elsewhere")]
    CrossSite,
    /// The Host header names somebody else.
    #[error("the host is not ours")]
    Misdirected,
    #[error("the link is not valid")]
    LinkInvalid,
    #[error("there is an admin already")]
    SetupDone,
    #[error(transparent)]
    Auth(#[from] auth::Error),
    #[error("the session failed: {0}")]
    Session(#[from] tower_sessions::session::Error),
    #[error("the page failed: {0}")]
    Template(#[from] askama::Error),
    /// Of the whole service, not of one request.
    #[error("not ready: {0}")]
    Schema(db::MigrateError),
    #[error("not ready: it was asked to stop")]
    Leaving,
    #[error("it panicked; the line before says where")]
    Panicked,
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Auth(error.into())
    }
}

/// What an error page shows; rides on the response until the page is made around it.
#[derive(Debug, Clone)]
pub struct Problem {
    pub status: StatusCode,
    pub title: &'static str,
    pub message: Cow<'static, str>,
    /// Route and label of where to go on.
    pub action: Option<(&'static str, &'static str)>,
    /// The form that led to it.
    pub sent: Option<Sent>,
    /// The form is of another session: it may be sent again from this one.
    pub is_expired: bool,
}

impl Problem {
    fn new(
        status: StatusCode,
        title: &'static str,
        message: Cow<'static, str>,
        action: Option<(&'static str, &'static str)>,
    ) -> Self {
        Self { status, title, message, action, sent: None, is_expired: false }
    }
}

/// Seconds after which a program or person who was sent away may come back.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

impl Error {
    fn problem(&self) -> Problem {
        use StatusCode as S;
        let account = Some(("/account", text::TO_ACCOUNT));
        let login = Some(("/login", text::TO_LOGIN));
        let (status, title, message, action) = match self {
            Self::SignIn { .. } | Self::Unauthenticated => {
                (S::UNAUTHORIZED, text::FORBIDDEN_TITLE, text::FORBIDDEN, login)
            }
            Self::Forbidden => (S::FORBIDDEN, text::FORBIDDEN_TITLE, text::FORBIDDEN, account),
            Self::NotFound => (S::NOT_FOUND, text::NOT_FOUND_TITLE, text::NOT_FOUND, account),
            Self::NothingToEnd(sentence) => {
                let message = sentence.clone().into();
                let (status, title) = (S::NOT_FOUND, text::NOTHING_TO_END_TITLE);
                return Problem::new(status, title, message, account);
            }
            Self::MethodNotAllowed => (
                S::METHOD_NOT_ALLOWED,
                text::METHOD_NOT_ALLOWED_TITLE,
                text::METHOD_NOT_ALLOWED,
                account,
            ),
            Self::BadRequest | Self::Form(FormError::Malformed) => {
                (S::BAD_REQUEST, text::BAD_REQUEST_TITLE, text::BAD_REQUEST, account)
            }
            Self::Form(FormError::TooLarge) => {
                (S::PAYLOAD_TOO_LARGE, text::TOO_LARGE_TITLE, text::TOO_LARGE, account)
            }
            Self::Form(FormError::TooSlow) => {
                (S::REQUEST_TIMEOUT, text::TOO_SLOW_TITLE, text::TOO_SLOW, account)
            }
            Self::AddressTooLong => {
                (S::URI_TOO_LONG, text::ADDRESS_TOO_LONG_TITLE, text::ADDRESS_TOO_LONG, account)
            }
            Self::Form(FormError::Unsupported) => (
                S::UNSUPPORTED_MEDIA_TYPE,
                text::UNSUPPORTED_FORM_TITLE,
                text::UNSUPPORTED_FORM,
                account,
            ),
            Self::Form(FormError::Expired) => {
                (S::FORBIDDEN, text::FORM_EXPIRED_TITLE, text::FORM_EXPIRED, account)
            }
            Self::CrossSite => (S::FORBIDDEN, text::CROSS_SITE_TITLE, text::CROSS_SITE, account),
            Self::Misdirected => {
                (S::MISDIRECTED_REQUEST, text::MISDIRECTED_TITLE, text::MISDIRECTED, None)
            }
            Self::LinkInvalid | Self::Auth(auth::Error::Refused(Refusal::LinkInvalid)) => {
                (S::GONE, text::LINK_INVALID_TITLE, text::LINK_INVALID, login)
            }
            Self::SetupDone | Self::Auth(auth::Error::Refused(Refusal::SetupDone)) => {
                (S::GONE, text::SETUP_DONE_TITLE, text::SETUP_DONE, login)
            }
            Self::Auth(auth::Error::Busy(_)) => {
                (S::SERVICE_UNAVAILABLE, text::BUSY_TITLE, text::BUSY, None)
            }
            Self::Auth(auth::Error::HeldBack(_)) => {
                (S::TOO_MANY_REQUESTS, text::HELD_BACK_TITLE, text::HELD_BACK, None)
            }
            Self::Schema(_) => (S::SERVICE_UNAVAILABLE, text::SCHEMA_TITLE, text::SCHEMA, None),
            Self::Leaving => (S::SERVICE_UNAVAILABLE, text::LEAVING_TITLE, text::LEAVING, None),
            error if error.is_unavailable() => {
                (S::SERVICE_UNAVAILABLE, text::DATABASE_TITLE, text::DATABASE, None)
            }
            Self::Auth(auth::Error::Refused(refusal)) => return refused(refusal),
            Self::Auth(_) | Self::Session(_) | Self::Template(_) | Self::Panicked => {
                (S::INTERNAL_SERVER_ERROR, text::INTERNAL_TITLE, text::INTERNAL, None)
            }
        };
        let is_expired = matches!(self, Self::Form(FormError::Expired));
        Problem { is_expired, ..Problem::new(status, title, message.into(), action) }
    }

    /// The status of its answer.
    pub fn status(&self) -> StatusCode {
        self.problem().status
    }

    /// The session store says only in words what failed, and it fails with the database.
    fn is_unavailable(&self) -> bool {
        match self {
            Self::Auth(error) => error.is_temporary(),
            Self::Session(tower_sessions::session::Error::Store(_)) => true,
            _ => false,
        }
    }
}

/// A refusal that no field of a form is about.
fn refused(refusal: &Refusal) -> Problem {
    use StatusCode as S;
    let (status, title, message): (_, _, Cow<'static, str>) = match refusal {
        Refusal::NoUser(_) | Refusal::NoRole(_) | Refusal::NoSession(_) => {
            (S::NOT_FOUND, text::NOT_FOUND_TITLE, text::NOT_FOUND.into())
        }
        Refusal::NotYours => (S::FORBIDDEN, text::NOT_YOURS_TITLE, sentence(refusal).into()),
        other => (S::CONFLICT, text::REFUSED_TITLE, sentence(other).into()),
    };
    Problem::new(status, title, message, Some(("/admin", text::TO_OVERVIEW)))
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Self::SignIn { login } = &self {
            return Redirect::to(login).into_response();
        }
        let problem = self.problem();
        match problem.status {
            StatusCode::INTERNAL_SERVER_ERROR => tracing::error!(error = %self, "failed"),
            StatusCode::SERVICE_UNAVAILABLE => tracing::warn!(error = %self, "unavailable"),
            // Somebody tries what they may not, or is made to.
            StatusCode::FORBIDDEN
            | StatusCode::MISDIRECTED_REQUEST
            | StatusCode::TOO_MANY_REQUESTS => tracing::info!(error = %self, "refused"),
            _ => tracing::debug!(error = %self, "refused"),
        }
        let mut response = (problem.status, format!("{}\n", problem.title)).into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if problem.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        if let Self::Auth(auth::Error::HeldBack(wait)) = &self {
            response.headers_mut().insert(header::RETRY_AFTER, (*wait).into());
        }
        response.extensions_mut().insert(problem);
        response
    }
}

/// The route of the login, with the way back if there is one.
pub fn login_route(next: Option<&str>) -> String {
    match next {
        Some(next) => {
            let query =
                form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
            format!("/login?{query}")
        }
        None => "/login".to_owned(),
    }
}
