//! The `Session` of tower-sessions for the pages: data of a signed-in user, kept with the
//! session and gone with it. Nothing is read or written unless a handler uses it.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower_sessions::Session;

use super::{Error, cookie};
use crate::app::App;

/// Puts a `Session` into the request and saves what the handler changed in it. The session's
/// beginning, its cookie and its end are none of its business: `auth::sessions` has them.
pub async fn attach(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = cookie::session_token(&app, request.headers()).map(|token| token.session_id());
    let session = Session::new(id, app.store.clone(), None);
    request.extensions_mut().insert(session.clone());
    let mut response = next.run(request).await;
    // Under another id, when the session was given one.
    let session = response.extensions_mut().remove::<Session>().unwrap_or(session);
    // Without an id the session has ended meanwhile, and its data with it.
    let is_alive = session.id().is_some();
    let is_to_save = is_alive && session.is_modified() && !response.status().is_server_error();
    if is_to_save && let Err(error) = session.save().await {
        return Error::from(error).into_response();
    }
    response
}
