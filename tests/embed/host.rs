//! An application that has rolecall in it, with guards in each place where one can stand.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, header},
    routing::{get, post},
};
use http_body_util::BodyExt;
use rolecall::{
    CurrentUser, Permission, Require, Role, Rolecall, Settings, all_roles, any_role, permission,
    signed_in,
};
use tower::ServiceExt;

use crate::support::{Answer, Database, Engine, On, PASSWORD, TestApp, Visitor, form};

pub const WRITE: Permission = Permission::new("reports:write").describe("Write reports");
pub const READER: Role = Role::new("reader");
pub const EDITOR: Role = Role::new("editor").permissions(&[WRITE]).includes(&["reader"]);

/// Where requests go to: any port of this machine is ours.
pub const HOST: &str = "localhost:3210";

pub struct Host {
    pub auth: Rolecall,
    pub router: Router,
    /// The service on the same database, with which the test makes and changes people.
    pub service: TestApp,
}

pub fn settings(db: &Database) -> Settings {
    let mut settings = Settings::default();
    settings.key_file = Some(db.path("rolecall.key"));
    settings.argon2 = Some("m=64,t=1,p=1".to_owned());
    settings
}

impl On for Host {
    async fn on(engine: Engine) -> Self {
        let db = Database::create(engine).await;
        let auth = Rolecall::connect(&db.url).await.unwrap();
        let auth = auth.settings(settings(&db)).permissions(&[WRITE]).roles(&[READER, EDITOR]);
        let auth = auth.build().await.expect("the application's people");
        let router = guarded().merge(auth.pages()).layer(auth.layer());
        // By the clock of this machine, as the application.
        let sources = (rolecall::clock::Clock::system(), rolecall::random::Random::system());
        let service = TestApp::with_sources(db, sources, |_| {}).await;
        Self { auth, router, service }
    }
}

/// Guards before a router, a nested one and single routes.
pub fn guarded() -> Router {
    let desk = Router::new()
        .route("/", get(async || "desk"))
        .route("/deep", get(async || "deep"))
        .require(any_role(["editor", "owner"]));
    let notes = Router::new().route("/notes", get(name).post(name)).require(signed_in());
    Router::new()
        .route("/", get(async || "start"))
        .route("/who", get(perhaps))
        .route("/me", get(name).post(name))
        .route("/write", post(async || "written").require(permission(WRITE)))
        .route("/both", get(async || "both").require(all_roles(["reader", "owner"])))
        .route(
            "/and-or",
            get(async || "and-or")
                .require(any_role(["owner"]).or(any_role([READER]).and(permission(WRITE)))),
        )
        .route("/ghost", get(async || "ghost").require(any_role(["nobody-made-this"])))
        .merge(notes)
        .nest("/desk", desk)
}

async fn name(user: CurrentUser) -> String {
    format!("{} {} {}", user.username(), user.can(WRITE), user.has_role("reader"))
}

async fn perhaps(user: Option<CurrentUser>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.username().to_owned())
}

impl Host {
    pub async fn send(&self, visitor: &Visitor, mut request: Request<Body>) -> Answer {
        let host = HOST.parse().unwrap();
        request.headers_mut().insert(header::HOST, host);
        if let Some(cookies) = visitor.cookie_header() {
            request.headers_mut().insert(header::COOKIE, cookies.parse().unwrap());
        }
        let answer = send(&self.router, request).await;
        visitor.take_cookies(&answer);
        answer
    }

    /// As a program asks.
    pub async fn get(&self, visitor: &Visitor, path: &str) -> Answer {
        self.send(visitor, Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// As a person goes to a page.
    pub async fn open(&self, visitor: &Visitor, path: &str) -> Answer {
        let request = Request::get(path).header(header::ACCEPT, "text/html");
        self.send(visitor, request.body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, visitor: &Visitor, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(Method::POST).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(visitor, request.body(Body::empty()).unwrap()).await
    }

    /// A new user who has signed in on the pages of the application.
    pub async fn signed_in(&self, name: &str, roles: &[&str]) -> Visitor {
        self.service.user(name, roles).await;
        let visitor = Visitor::new();
        let fields = form(&[("username", name), ("password", PASSWORD), ("next", "/me")]);
        let request = Request::post("/login")
            .header(header::ORIGIN, format!("http://{HOST}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = self.send(&visitor, request.body(Body::from(fields)).unwrap()).await;
        assert_eq!(answer.outcome(), "303 /me", "{}", answer.text());
        visitor
    }
}

pub async fn send(router: &Router, request: Request<Body>) -> Answer {
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let headers: HeaderMap = parts.headers;
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status, headers, body }
}
