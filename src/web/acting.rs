//! The signed-in person who acts through a page, and what they act with.

use std::{convert::Infallible, sync::Arc};

use axum::{extract::FromRequestParts, http::request::Parts, response::Redirect};
use tower_sessions::Session;

use super::{Error, Me, client::Client, frame, page};
use crate::{
    app::App,
    auth::{By, access::CurrentUser, authority::Authority},
};

pub struct Acting {
    pub app: App,
    pub user: Arc<CurrentUser>,
    /// For the rules and the audit trail.
    pub by: By,
    session: Session,
}

impl FromRequestParts<App> for Acting {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let Me(user) = Me::from_request_parts(parts, app).await?;
        let Ok::<_, Infallible>(client) = Client::from_request_parts(parts, app).await;
        let session = parts.extensions.get::<Session>().cloned().ok_or(Error::Unauthenticated)?;
        Ok(Self { app: app.clone(), by: client.user(&user), user, session })
    }
}

impl Acting {
    /// Leads to `route`, or for who may not open that to their account, which will show the
    /// sentence once.
    pub async fn done(&self, notice: &str, route: &str) -> Result<Redirect, Error> {
        let frame = frame::of(&self.app, &self.user, "");
        done(&self.app, &self.session, notice, frame.reachable(route)).await
    }

    /// What the person may change.
    pub async fn authority(&self) -> Result<Authority, Error> {
        let mut tx = self.app.db.begin_read().await?;
        Ok(Authority::of(&self.app, &mut tx, &self.by).await?)
    }
}

/// Leads to `route`, which will show the sentence once.
pub async fn done(
    app: &App,
    session: &Session,
    notice: &str,
    route: &str,
) -> Result<Redirect, Error> {
    session.insert(frame::NOTICE, notice).await?;
    Ok(page::to(app, &format!("{route}?done")))
}
