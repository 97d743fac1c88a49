//! `/account`: who I am, what I may, my password.

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use tower_sessions::Session;

use super::{
    Error, Me, Visitor,
    client::Client,
    form::Form,
    frame, link,
    page::Page,
    pages::{AccountPage, AccountRole},
    session,
};
use crate::{
    app::App,
    auth::{self, Refusal, access::CurrentUser, password::Password, roles::Graph, users},
    db::{
        grants::{self, Grant},
        roles,
    },
    text,
};

/// `/`
pub async fn start(Visitor(user): Visitor) -> Redirect {
    Redirect::to(if user.is_some() { "/account" } else { "/login" })
}

/// `/.well-known/change-password`, where password managers look.
pub async fn to_password() -> Redirect {
    Redirect::to("/account#password")
}

/// The notice of the page before is fetched only when the address says that there is one.
pub async fn show(
    State(app): State<App>,
    Me(user): Me,
    RawQuery(query): RawQuery,
    session: Session,
) -> Result<impl IntoResponse, Error> {
    let mut page = page(&app, &user).await?;
    if query.as_deref() == Some("done") {
        page.frame.notice = session::take_notice(&session).await?;
    }
    Ok(Page(page))
}

#[derive(Deserialize)]
pub struct Fields {
    #[serde(default)]
    current_password: String,
    #[serde(default)]
    new_password: String,
}

pub async fn change_password(
    State(app): State<App>,
    Me(user): Me,
    client: Client,
    session: Session,
    Form(fields): Form<Fields>,
) -> Result<Response, Error> {
    let new = match Password::chosen(&fields.new_password, app.settings.password_min_length) {
        Ok(new) => new,
        Err(error) => {
            let mut page = page(&app, &user).await?;
            page.new_problem = Some(link::password_problem(error));
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Page(page)).into_response());
        }
    };
    let (by, current) = (client.user(&user), &fields.current_password);
    match users::change_own_password(&app, &by, user.id, user.session.id, current, &new).await {
        Ok(ended) => {
            session::leave_notice(&session, &text::notice::password_changed(ended)).await?;
            Ok(Redirect::to("/account?done").into_response())
        }
        Err(auth::Error::Refused(Refusal::WrongPassword)) => {
            let mut page = page(&app, &user).await?;
            page.current_problem = Some(text::form::CURRENT_PASSWORD_WRONG.to_owned());
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Page(page)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn page(app: &App, user: &CurrentUser) -> Result<AccountPage, Error> {
    let now = app.now();
    let granted = grants::list_of_user(&app.db, user.id).await?;
    let all = roles::list(&app.db, now).await?;
    let effective = all.into_iter().filter(|role| user.roles.contains(&role.name));
    let graph = Graph::load(&app.db).await?;
    // A role may come by several grants, itself or through one that includes it: the last to
    // end counts, and one without end outlasts all.
    let until = |name: &str| {
        let leads = |grant: &&Grant| graph.closure(&grant.role_name).contains(name);
        let ends = granted.iter().filter(|grant| grant.holds_at(now)).filter(leads);
        let ends: Option<Vec<_>> = ends.map(|grant| grant.ends_at).collect();
        ends.and_then(|ends| ends.into_iter().max()).map(text::time)
    };
    Ok(AccountPage {
        frame: frame::of(app, user, "/account"),
        username: user.username.clone(),
        display_name: user.display_name.clone(),
        email: user.email.clone(),
        roles: effective
            .map(|role| AccountRole {
                until: until(&role.name),
                name: role.name,
                description: role.description,
            })
            .collect(),
        permissions: user.permissions.iter().cloned().collect(),
        current_problem: None,
        new_problem: None,
        min_length: app.settings.password_min_length,
    })
}
