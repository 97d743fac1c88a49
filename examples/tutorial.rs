//! Login, a page for those who are signed in, a page for a role, and logout, on an application's
//! own pages: `cargo run --example tutorial`. Sign in as kim, `a long walk before breakfast`.

use axum::{
    Router,
    extract::RawForm,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use rolecall::{
    Authenticated, Client, CurrentUser, Error, NewUser, Permission, Require, Role, Rolecall,
    Settings, permission, signed_in,
};
use serde::Deserialize;

const NEWS_WRITE: Permission = Permission::new("news:write").describe("Write news");
const EDITOR: Role = Role::new("editor").permissions(&[NEWS_WRITE]);

#[derive(Default, Deserialize)]
struct Login {
    username: String,
    password: String,
    remember: Option<String>,
}

async fn start(user: Option<CurrentUser>) -> Html<&'static str> {
    match user {
        Some(user) if user.can(NEWS_WRITE) => Html(r#"<a href="/write">Write</a>"#),
        Some(_) => Html(r#"<a href="/me">You</a>"#),
        None => Html(r#"<a href="/login">Sign in</a>"#),
    }
}

const LOGIN_FORM: Html<&str> = Html(
    r#"<form method="post"><input name="username"><input name="password" type="password">
    <input name="remember" type="checkbox"> Remember me <button>Sign in</button></form>"#,
);

async fn login(auth: Rolecall, client: Client, RawForm(form): RawForm) -> Result<Response, Error> {
    let form: Login = serde_html_form::from_bytes(&form).unwrap_or_default();
    Ok(match auth.authenticate(&client, &form.username, &form.password).await? {
        Authenticated::Right(proven) => {
            let cookies = auth.login(&client, proven, form.remember.is_some()).await?;
            (cookies, Redirect::to("/me")).into_response()
        }
        Authenticated::OneTime(path) => Redirect::to(&path).into_response(),
        Authenticated::Wrong => (axum::http::StatusCode::UNAUTHORIZED, LOGIN_FORM).into_response(),
    })
}

async fn logout(auth: Rolecall, client: Client, user: CurrentUser) -> Result<Response, Error> {
    Ok((auth.logout(&client, &user).await?, Redirect::to("/")).into_response())
}

pub async fn app(url: &str, settings: Settings) -> Result<Router, Box<dyn std::error::Error>> {
    let auth = Rolecall::connect(url).await?.settings(settings);
    let auth = auth.permissions(&[NEWS_WRITE]).roles(&[EDITOR]).build().await?;
    let (password, roles) = (Some("a long walk before breakfast"), &["editor"][..]);
    let kim = NewUser { username: "kim", password, roles, ..NewUser::default() };
    auth.create_user(kim).await.ok(); // The second time, kim is there.
    Ok(Router::new()
        .route("/", get(start))
        .route("/login", get(async || LOGIN_FORM).post(login))
        .route(
            "/me",
            get(async |user: CurrentUser| user.username().to_owned()).require(signed_in()),
        )
        .route("/write", get(async || "Write!").require(permission(NEWS_WRITE)))
        .route("/logout", post(logout))
        .layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = app("sqlite://tutorial.db", Settings::default()).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let app = app.into_make_service_with_connect_info::<std::net::SocketAddr>();
    Ok(axum::serve(listener, app).await?)
}
