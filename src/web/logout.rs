//! `/logout`: the button, and the way out.

use axum::{
    http::HeaderMap,
    response::{IntoResponse, Response},
};

use super::{
    Error,
    acting::Acting,
    cookie,
    form::{Form, NoFields},
    page::{self, Page},
    pages::{Frame, LogoutPage},
};
use crate::auth::sessions;

pub async fn show(frame: Frame) -> impl IntoResponse {
    Page(LogoutPage { frame })
}

/// Ends the session in the database, then takes its cookies by name; others stay.
pub async fn submit(acting: Acting, Form(NoFields {}): Form<NoFields>) -> Result<Response, Error> {
    sessions::log_out(&acting.app, &acting.by, &acting.user).await?;
    let cookies: HeaderMap = cookie::clear(&acting.app.settings).into_iter().collect();
    let mut response = page::to(&acting.app, "/login?done=signed-out").into_response();
    response.headers_mut().extend(cookies);
    Ok(response)
}
