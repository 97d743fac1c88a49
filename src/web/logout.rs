//! `/logout`: the button, and the way out.

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    Error, Me,
    client::Client,
    cookie,
    form::Form,
    page::Page,
    pages::{Frame, LogoutPage},
};
use crate::{app::App, auth::sessions};

pub async fn show(frame: Frame) -> impl IntoResponse {
    Page(LogoutPage { frame })
}

#[derive(Deserialize)]
pub struct NoFields {}

/// Ends the session in the database, then takes its cookies by name; others stay.
pub async fn submit(
    State(app): State<App>,
    Me(user): Me,
    client: Client,
    Form(NoFields {}): Form<NoFields>,
) -> Result<Response, Error> {
    sessions::log_out(&app, &client.user(&user), &user).await?;
    let cookies: HeaderMap = cookie::clear(&app.settings).into_iter().collect();
    let mut response = Redirect::to("/login?done=signed-out").into_response();
    response.headers_mut().extend(cookies);
    Ok(response)
}
