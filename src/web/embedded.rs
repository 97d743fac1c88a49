//! What stands before the pages of an application that has rolecall in it: whose request it is,
//! and the refusals that our own pages give too.

use std::sync::Arc;

use axum::{
    http::{Method, request::Parts},
    response::{IntoResponse, Response},
};

use super::{Error, check, error::Problem, error_page, guard, page, trace};
use crate::{app::App, auth::access::CurrentUser, db};

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
