//! `/link`: choose a password, once. Looking at the page spends nothing.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    Error,
    client::Client,
    form::{Asked, Form},
    frame,
    page::{self, Page},
    pages::LinkPage,
};
use crate::{
    app::App,
    auth::{
        self, Refusal,
        link::{self, Opens},
        name::Username,
        password::Password,
    },
    text,
};

#[derive(Deserialize)]
pub struct Opened {
    #[serde(default)]
    token: String,
}

pub async fn show(
    State(app): State<App>,
    client: Client,
    Asked(asked): Asked<Opened>,
) -> Result<impl IntoResponse, Error> {
    let (_, opens) = link::peek(&app, &client.visitor(), &asked.token).await?;
    Ok(Page(page(&app, &opens, asked.token, String::new())))
}

#[derive(Deserialize)]
pub struct Fields {
    #[serde(default)]
    token: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

pub async fn submit(
    State(app): State<App>,
    client: Client,
    Form(fields): Form<Fields>,
) -> Result<Response, Error> {
    let (token, opens) = link::peek(&app, &client.visitor(), &fields.token).await?;
    let mut page = page(&app, &opens, fields.token, fields.username);
    let names = match &opens {
        Opens::PasswordOf(user) => user.names(),
        Opens::Setup => [page.username.as_str(), "", ""],
    };
    let password = Password::chosen_for(&app, &fields.password, &names);
    page.password_problem =
        password.as_ref().err().map(|error| text::form::password_problem(*error));
    let by = client.visitor();
    match opens {
        Opens::PasswordOf(_) => {
            let Ok(password) = password else {
                return Ok(mistaken(page));
            };
            link::set_password(&app, &by, token, &password).await?;
            Ok(page::to(&app, "/login?done=password").into_response())
        }
        Opens::Setup => {
            let username = Username::parse(&page.username);
            page.username_problem =
                username.as_ref().err().map(|_| text::form::USERNAME_INVALID.to_owned());
            let (Ok(username), Ok(password)) = (username, password) else {
                return Ok(mistaken(page));
            };
            match link::set_up(&app, &by, token, username, &password).await {
                Ok(()) => Ok(page::to(&app, "/login?done=setup").into_response()),
                Err(auth::Error::Refused(
                    taken @ (Refusal::NameTaken(_) | Refusal::NameLooksTaken(_)),
                )) => {
                    page.username_problem = Some(text::refusal::sentence(&taken));
                    Ok(mistaken(page))
                }
                Err(error) => Err(error.into()),
            }
        }
    }
}

fn page(app: &App, opens: &Opens, token: String, typed: String) -> LinkPage {
    LinkPage {
        frame: frame::of_visitor(app),
        setup: *opens == Opens::Setup,
        token,
        username: match opens {
            Opens::Setup => typed,
            Opens::PasswordOf(user) => user.username.clone(),
        },
        username_problem: None,
        password_problem: None,
        min_length: app.settings.password_min_length,
    }
}

fn mistaken(page: LinkPage) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, Page(page)).into_response()
}
