//! Stands before every handler: finds out who asks, and lets the one decision function decide.

use std::{pin::Pin, sync::Arc};

use axum::{
    extract::{FromRequestParts, OriginalUri, Request},
    handler::Handler,
    http::{Extensions, HeaderMap, Method, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};

use super::{
    Error, Kind, cookie,
    error::login_route,
    form, limits,
    sent::Sent,
    step_up::{self, Taken},
    trace,
};
use crate::{
    app::App,
    auth::{
        access::{Access, CurrentUser, Decision, decide},
        cache::Cookie,
        next, sessions,
    },
};

/// A handler behind what its route requires.
#[derive(Clone)]
pub(super) struct Guarded<H> {
    pub access: Access,
    pub kind: Kind,
    pub handler: H,
}

impl<H, T> Handler<(T,), App> for Guarded<H>
where
    H: Handler<T, App> + Sync,
    T: 'static,
{
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, mut request: Request, app: App) -> Self::Future {
        Box::pin(async move {
            match admit(&app, &self.access, self.kind, &mut request).await {
                Ok(Admitted::Now) => self.handler.call(request, app).await,
                Ok(Admitted::WithForm(user, proof)) => self.take(request, app, user, proof).await,
                Err(error) => error.into_response(),
            }
        })
    }
}

impl<H> Guarded<H> {
    /// Reads the form before its handler does, so that no answer loses what was entered.
    async fn take<T>(
        self,
        request: Request,
        app: App,
        user: Arc<CurrentUser>,
        proof: Proof,
    ) -> Response
    where
        H: Handler<T, App> + Sync,
    {
        let (parts, body) = match form::whole(request).await {
            Ok(whole) => whole,
            Err(error) => return error.into_response(),
        };
        let sent = Sent::of(&parts, &body);
        let response = match (form::is_of_session(&app, &user, &body), proof) {
            (Err(error), _) => error.into_response(),
            (Ok(()), Proof::Given) => {
                self.handler.call(Request::from_parts(parts, body.into()), app).await
            }
            (Ok(()), Proof::Password) => match step_up::take(&app, &user, parts, body).await {
                Ok(Taken { request, renewed }) => {
                    renewed.tell(self.handler.call(request, app).await)
                }
                Err(response) => response,
            },
        };
        sent.ride_on(response)
    }
}

enum Admitted {
    Now,
    /// With the form of this user that it brings.
    WithForm(Arc<CurrentUser>, Proof),
}

enum Proof {
    Given,
    /// The form has to bring the password.
    Password,
}

/// Lets the request on to its handler, with the user in it if the route asks for one.
async fn admit(
    app: &App,
    access: &Access,
    kind: Kind,
    request: &mut Request,
) -> Result<Admitted, Error> {
    if kind == Kind::Check {
        limits::address(request.uri())?;
    }
    if matches!(access, Access::Public | Access::Query) {
        return Ok(Admitted::Now);
    }
    let user = current_user(app, request.headers()).await?;
    if let Some(user) = &user {
        trace::name_user(user);
    }
    let decision = decide(user.as_deref(), access);
    match decision {
        Decision::Allow | Decision::Prove => {}
        Decision::Forbid => return Err(Error::Forbidden),
        Decision::SignIn if kind == Kind::Check => return Err(Error::Unauthenticated),
        Decision::SignIn => {
            let (method, uri) = (request.method(), request.uri());
            return Err(sign_in(app, method, request.extensions(), uri));
        }
    }
    let user = user.ok_or(Error::Unauthenticated)?;
    request.extensions_mut().insert(Me(user.clone()));
    let is_form = request.method() == Method::POST;
    Ok(match decision {
        Decision::Prove => Admitted::WithForm(user, Proof::Password),
        _ if is_form && Sent::is_kept(request.uri().path()) => {
            Admitted::WithForm(user, Proof::Given)
        }
        _ => Admitted::Now,
    })
}

/// Leads to the login, and back to this request.
pub(super) fn to_login(app: &App, parts: &Parts) -> Error {
    sign_in(app, &parts.method, &parts.extensions, &parts.uri)
}

fn sign_in(app: &App, method: &Method, extensions: &Extensions, uri: &Uri) -> Error {
    let uri = extensions.get::<OriginalUri>().map_or(uri, |OriginalUri(uri)| uri);
    let login = login_route(next(method, uri).as_deref());
    Error::SignIn { login: app.settings.public_url.path(&login) }
}

/// Where to return to after the login: only what can be asked for again, and what a login would
/// follow.
fn next(method: &Method, uri: &Uri) -> Option<String> {
    let is_repeatable = matches!(*method, Method::GET | Method::HEAD);
    let address = uri.path_and_query().filter(|_| is_repeatable)?.as_str();
    (address.len() <= next::MAX_BYTES).then(|| address.to_owned())
}

/// Whose request this is. The place where another kind of credential would be read: a request
/// that carries one in `Authorization` never falls back to its cookies.
pub(super) async fn current_user(
    app: &App,
    headers: &HeaderMap,
) -> Result<Option<Arc<CurrentUser>>, Error> {
    if headers.contains_key(header::AUTHORIZATION) {
        return Ok(None);
    }
    match cookie::session_token(app, headers) {
        Some(token) => Ok(sessions::identify(app, Cookie::Session, token).await?),
        None => Ok(None),
    }
}

/// The signed-in user, for handlers of routes that require one.
#[derive(Clone, Debug)]
pub struct Me(pub Arc<CurrentUser>);

impl<S: Send + Sync> FromRequestParts<S> for Me {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get::<Self>().cloned().ok_or(Error::Unauthenticated)
    }
}

/// Whoever asks, for handlers of public pages: perhaps somebody who is signed in.
pub struct Visitor(pub Option<Arc<CurrentUser>>);

impl FromRequestParts<App> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        current_user(app, &parts.headers).await.map(Self)
    }
}
