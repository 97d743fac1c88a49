//! What an application does itself: sign people in on pages of its own, and keep users and roles.
//! Each goes the way that our pages and commands go, and is recorded as the application's doing.

use std::time::SystemTime;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, request::Parts},
    response::{IntoResponse, IntoResponseParts, Response, ResponseParts},
};
use uuid::Uuid;

use super::{CurrentUser, Rolecall};
use crate::{
    auth::{
        self, Actor, By,
        grants::{self, Until},
        link,
        login::{self, Proof, Typed},
        name::{Email, RoleName, Username, parse_display_name},
        password::Password,
        sessions::{self, Wanted},
        throttle::Try,
        users::{self, FirstPassword},
    },
    db::users::User,
    web::{
        self,
        embedded::{self, Cookies, Sender},
    },
};

/// What went wrong, as a sentence, and as an answer without the cause.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] pub(super) web::Error);

impl Error {
    /// The status of its answer: 403, 404 or 409 for what a rule refuses, 429 when too many wrong
    /// passwords came before, 503 when more wait than there is room for, or the database is away.
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }
}

impl From<auth::Error> for Error {
    fn from(error: auth::Error) -> Self {
        Self(error.into())
    }
}

impl From<auth::Refusal> for Error {
    fn from(refusal: auth::Refusal) -> Self {
        auth::Error::from(refusal).into()
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

/// Whoever sends a request, for [`Rolecall::authenticate`], [`Rolecall::login`] and
/// [`Rolecall::logout`]: where from, with which browser and cookies.
///
/// An extractor. It refuses (403) what changes something and comes from another site, and (405)
/// what changes nothing: nobody is signed in or out by a link.
#[derive(Debug, Clone)]
pub struct Client(Sender);

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let app = Rolecall::of(parts)?.app().clone();
        match Sender::of(&app, parts).await {
            Ok(sender) => Ok(Self(sender)),
            Err(error) => Err(embedded::refuse(&app, parts, error).await),
        }
    }
}

/// What a name and a password open.
#[derive(Debug)]
pub enum Authenticated {
    /// They are right: [`Rolecall::login`] takes the proof.
    Right(Proven),
    /// The password was good for this one login: lead the person to this path, one of
    /// [`Rolecall::pages`], where they choose a new one.
    OneTime(String),
    /// They are wrong, or the account is closed. Which of them, nobody is told.
    Wrong,
}

/// That somebody has proven who they are.
pub struct Proven(Box<User>, Try);

impl std::fmt::Debug for Proven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Proven").field(&self.0.id).finish()
    }
}

/// Cookies to set or to take away; a part of the response, before its body.
#[derive(Debug)]
#[must_use]
pub struct SetCookies(Cookies);

impl IntoResponseParts for SetCookies {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        for (name, value) in self.0 {
            parts.headers_mut().append(name, value);
        }
        Ok(parts)
    }
}

/// A user to make, of whom only the name has to be said.
#[derive(Default, Clone)]
pub struct NewUser<'a> {
    /// 1 to 64 characters without spaces and `@`.
    pub username: &'a str,
    /// Empty for none.
    pub email: &'a str,
    /// Empty for the user name.
    pub display_name: &'a str,
    /// Roles to grant, without end.
    pub roles: &'a [&'a str],
    /// `None`: the answer has a link with which the person chooses it.
    pub password: Option<&'a str>,
}

/// A user that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Created {
    /// Stays when the name changes.
    pub id: Uuid,
    /// Good once, within seven days; opens one of [`Rolecall::pages`].
    pub invitation: Option<String>,
}

/// Why somebody may do something, or may not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// What a guard would decide now.
    pub is_allowed: bool,
    /// Sentences: the grant, by whom and until when, and through which roles.
    pub because: Vec<String>,
}

impl Rolecall {
    /// Compares a name or e-mail and a password. Every failure does the same work, is recorded,
    /// and is held back when there are many.
    ///
    /// # Errors
    /// 429 when too many failed before, 503 when too many wait or the database is away.
    pub async fn authenticate(
        &self,
        client: &Client,
        name: &str,
        password: &str,
    ) -> Result<Authenticated, Error> {
        let Client(sender) = client;
        let typed = Typed { name, password, devices: &sender.devices };
        Ok(match login::authenticate(self.app(), &sender.by, typed).await? {
            Some(Proof::User(user, tried)) => Authenticated::Right(Proven(user, tried)),
            Some(Proof::OneTime(token)) => {
                let path = self.app().settings.public_url.path(&link::route(token));
                Authenticated::OneTime(path)
            }
            None => Authenticated::Wrong,
        })
    }

    /// Opens a session. `remember`: it outlives the browser.
    ///
    /// # Errors
    /// 401 when the account was closed or its password changed meanwhile, 503 when the database is
    /// away.
    pub async fn login(
        &self,
        client: &Client,
        proven: Proven,
        remember: bool,
    ) -> Result<SetCookies, Error> {
        let (Client(sender), Proven(user, tried)) = (client, proven);
        let wanted = Wanted {
            remember,
            user_agent: &sender.user_agent,
            replaces: sender.session,
            tried: Some(&tried),
        };
        let opened = sessions::open(self.app(), &sender.by, &user, wanted).await?;
        let opened = opened.ok_or(web::Error::Unauthenticated)?;
        let is_known = tried.device.is_some();
        Ok(SetCookies(embedded::cookies(self.app(), &opened, &user, is_known)?))
    }

    /// Ends the session of this request.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn logout(&self, client: &Client, user: &CurrentUser) -> Result<SetCookies, Error> {
        let actor = Actor::User { id: user.0.id, name: user.0.username.clone() };
        let by = By { actor, ..client.0.by.clone() };
        sessions::log_out(self.app(), &by, &user.0).await?;
        Ok(SetCookies(embedded::no_cookies(self.app())))
    }

    /// Makes a user.
    ///
    /// # Errors
    /// 409 when the name or e-mail is taken or none, the password is weak, or there is no such
    /// role.
    pub async fn create_user(&self, new: NewUser<'_>) -> Result<Created, Error> {
        let app = self.app();
        let roles = new.roles.iter().map(|role| RoleName::parse(role));
        let roles = roles.collect::<Result<Vec<_>, _>>().map_err(auth::Error::from)?;
        let email = Some(new.email).filter(|email| !email.is_empty());
        let names = [new.username, new.email, new.display_name];
        let chosen = new.password.map(|text| Password::chosen_for(app, text, &names));
        let chosen = chosen.transpose().map_err(auth::Error::from)?;
        let new = users::NewUser {
            username: Username::parse(new.username).map_err(auth::Error::from)?,
            email: email.map(Email::parse).transpose().map_err(auth::Error::from)?,
            display_name: parse_display_name(new.display_name).map_err(auth::Error::from)?,
            roles: &roles,
            password: chosen.as_ref().map_or(FirstPassword::Invite, FirstPassword::Chosen),
        };
        let created = users::create(app, &application(), new).await?;
        let invitation = created.invitation.map(|token| link::url(app, token));
        Ok(Created { id: created.user.id.0, invitation })
    }

    /// Grants a role to the user of this name, e-mail or id, until then or without end; changes
    /// the end of a grant that is there.
    ///
    /// # Errors
    /// 404 when there is no such user or role, 409 when the end lies in the past or this would end
    /// the last administrator's grant.
    pub async fn grant(
        &self,
        user: &str,
        role: &str,
        until: Option<SystemTime>,
    ) -> Result<(), Error> {
        let user = users::find(self.app(), user).await?;
        let role = RoleName::parse(role).map_err(auth::Error::from)?;
        let until = until.map_or(Until::Always, |end| Until::At(end.into()));
        Ok(grants::grant(self.app(), &application(), user.id, &role, until, "").await?)
    }

    /// Takes a role back. It is gone with the next request.
    ///
    /// # Errors
    /// 404 when there is no such user, 409 when they do not have the role by a grant, or it is the
    /// last administrator's.
    pub async fn revoke(&self, user: &str, role: &str) -> Result<(), Error> {
        let user = users::find(self.app(), user).await?;
        let role = RoleName::parse(role).map_err(auth::Error::from)?;
        Ok(grants::revoke(self.app(), &application(), user.id, &role).await?)
    }

    /// Why this user has a role or permission, or has not.
    ///
    /// # Errors
    /// 404 when there is no such user.
    pub async fn explain(&self, user: &str, what: &str) -> Result<Explanation, Error> {
        let user = users::find(self.app(), user).await?;
        let (is_allowed, because) = embedded::explained(self.app(), &user, what).await?;
        Ok(Explanation { is_allowed, because })
    }

    /// Ends all sessions of this user. Returns how many.
    ///
    /// # Errors
    /// 404 when there is no such user.
    pub async fn end_sessions(&self, user: &str) -> Result<u64, Error> {
        let user = users::find(self.app(), user).await?;
        Ok(sessions::end_of_user(self.app(), &application(), user.id).await?)
    }
}

fn application() -> By {
    By::new(Actor::Application)
}

/// For tests of an application: no part of it in production.
pub mod testing {
    use super::*;

    /// Opens a session of this user without a password. Returns the headers with which their
    /// browser would send a request of the application's own pages.
    ///
    /// # Errors
    /// 404 when there is no such user, 401 when the account is closed.
    pub async fn sign_in_as(auth: &Rolecall, user: &str) -> Result<HeaderMap, Error> {
        let user = users::find(auth.app(), user).await?;
        let wanted = Wanted { remember: false, user_agent: "", replaces: None, tried: None };
        let opened = sessions::open(auth.app(), &application(), &user, wanted).await?;
        let opened = opened.ok_or(web::Error::Unauthenticated)?;
        Ok(embedded::sent_back(auth.app(), &opened))
    }
}
