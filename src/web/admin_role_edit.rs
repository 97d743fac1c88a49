//! The forms of a role's page that save what stands in them: its description, and how long
//! sessions with it last. Each says which version of the role it shows.

use axum::{
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    Error,
    acting::Acting,
    admin_roles::{Starts, page, path},
    form::Form,
    page::Page,
    pages::{Frame, admin_roles::RoleLimits},
};
use crate::{
    auth::{
        self, Refusal,
        lifetime::Limit,
        name::RoleName,
        roles::{self, RoleChange},
    },
    db::roles::Role,
    text,
};

/// The limits of a role as its page shows them.
pub fn limits(role: &Role, can_edit: bool) -> RoleLimits {
    let limits = role.limits();
    RoleLimits {
        idle: Limit(limits.idle).to_string(),
        absolute: Limit(limits.absolute).to_string(),
        can_edit,
        ..RoleLimits::default()
    }
}

#[derive(Deserialize)]
pub struct Limited {
    #[serde(default)]
    idle_timeout: String,
    #[serde(default)]
    absolute_timeout: String,
    #[serde(default)]
    version: i64,
}

pub async fn limit(
    acting: Acting,
    frame: Frame,
    Path(name): Path<String>,
    Form(Limited { idle_timeout, absolute_timeout, version }): Form<Limited>,
) -> Result<Response, Error> {
    let role = RoleName::parse(&name).map_err(|_| Error::NotFound)?;
    let (idle, absolute) = (idle_timeout.trim().parse(), absolute_timeout.trim().parse());
    let mut conflict = false;
    if let (Ok(idle), Ok(absolute)) = (&idle, &absolute) {
        let change = RoleChange::Limit { idle: Some(*idle), absolute: Some(*absolute) };
        match roles::change_seen(&acting.app, &acting.by, &role, &change, version).await {
            Ok(()) => {
                let done = acting.done(text::notice::SAVED, &path(&name)).await?;
                return Ok(done.into_response());
            }
            Err(auth::Error::Refused(Refusal::Changed)) => conflict = true,
            Err(error) => return Err(error.into()),
        }
    }
    let mut page = page(&acting, frame, &name, &Starts::default()).await?;
    let problem = |typed: Result<Limit, String>| match typed {
        Ok(_) => String::new(),
        Err(_) => text::form::LIMIT_INVALID.to_owned(),
    };
    let stored = std::mem::take(&mut page.limits);
    page.limits = RoleLimits {
        idle: idle_timeout,
        absolute: absolute_timeout,
        idle_problem: problem(idle),
        absolute_problem: problem(absolute),
        meanwhile: conflict.then_some((stored.idle, stored.absolute)),
        can_edit: stored.can_edit,
    };
    let status = if conflict { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, Page(page)).into_response())
}

#[derive(Deserialize)]
pub struct Described {
    #[serde(default)]
    description: String,
    #[serde(default)]
    version: i64,
}

pub async fn describe(
    acting: Acting,
    frame: Frame,
    Path(name): Path<String>,
    Form(Described { description, version }): Form<Described>,
) -> Result<Response, Error> {
    let role = RoleName::parse(&name).map_err(|_| Error::NotFound)?;
    let change = RoleChange::Describe { description: description.clone() };
    let described = roles::change_seen(&acting.app, &acting.by, &role, &change, version);
    let (conflict, problem) = match described.await {
        Ok(()) => {
            let done = acting.done(text::notice::SAVED, &path(&name)).await?;
            return Ok(done.into_response());
        }
        Err(auth::Error::Refused(Refusal::Changed)) => (true, None),
        Err(auth::Error::Refused(Refusal::Description)) => {
            (false, Some(text::form::DESCRIPTION_INVALID.to_owned()))
        }
        Err(error) => return Err(error.into()),
    };
    let mut page = page(&acting, frame, &name, &Starts::default()).await?;
    let stored = std::mem::replace(&mut page.description, description);
    page.meanwhile = conflict.then_some(stored);
    page.description_problem = problem;
    let status = if conflict { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, Page(page)).into_response())
}
