//! rolecall as a service in this process, with a clock that the test moves.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    body::Body,
    http::{Method, Request, header, request::Builder},
};
use http_body_util::BodyExt;
use rolecall::{
    app::{App, Migrate},
    auth::{
        Actor, By,
        name::{Email, RoleName, Username},
        password::Password,
        users::{self, FirstPassword, NewUser},
    },
    clock::Clock,
    config::{Chosen, OnOff, Settings},
    db::users::User,
    random::Random,
    web::{Layout, Peer, Service},
};
use tokio::task::JoinHandle;
use url::form_urlencoded;

use super::{Answer, Database, Visitor};

/// The password of everybody whom [`TestApp::user`] makes.
pub const PASSWORD: &str = "correct horse battery staple";

/// The second since 1970 at which tests begin: 22 November 2026, 21:53:20 UTC.
pub const NOW: u64 = 1_795_384_400;

#[derive(Clone)]
pub struct TestApp {
    pub app: App,
    service: Service,
    /// Seconds since 1970 that the clock shows.
    seconds: Arc<AtomicU64>,
    settings: Settings,
    // Last, so that it outlives the connections to it.
    pub db: Arc<Database>,
}

impl TestApp {
    /// rolecall on this database, with settings that `choose` changes.
    pub async fn with(db: Database, choose: impl FnOnce(&mut Chosen)) -> Self {
        let settings = Self::settings(&db, choose);
        Self::open(Arc::new(db), settings, Arc::new(AtomicU64::new(NOW))).await
    }

    /// The same where time and randomness come from these sources.
    pub async fn with_sources(
        db: Database,
        (clock, random): (Clock, Random),
        choose: impl FnOnce(&mut Chosen),
    ) -> Self {
        let settings = Self::settings(&db, choose);
        let seconds = Arc::new(AtomicU64::new(NOW));
        Self::open_with(Arc::new(db), settings, seconds, (clock, random)).await
    }

    fn settings(db: &Database, choose: impl FnOnce(&mut Chosen)) -> Settings {
        let mut chosen = Chosen {
            argon2: "m=64,t=1,p=1".parse().ok(),
            hash_slots: Some(2),
            key_file: Some(db.path("rolecall.key")),
            ..Chosen::default()
        };
        choose(&mut chosen);
        Settings::resolve(chosen).expect("settings")
    }

    /// Another process on the same database, with the same settings and the same time.
    pub async fn beside(&self) -> Self {
        let (db, settings) = (self.db.clone(), self.settings.clone());
        Self::open(db, settings, self.seconds.clone()).await
    }

    /// The same with settings that `change` makes others.
    pub async fn beside_with(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.settings.clone();
        change(&mut settings);
        Self::open(self.db.clone(), settings, self.seconds.clone()).await
    }

    /// The same, with another layout around its pages.
    pub fn laid_out(&self, layout: Layout) -> Self {
        let mut app = self.app.clone();
        app.layout = layout;
        Self { service: Service::new(app.clone()), app, ..self.clone() }
    }

    /// The same where nobody is held back, for tests that try often or look for any change.
    pub async fn unthrottled(&self) -> Self {
        self.beside_with(|settings| settings.throttle = OnOff::Off).await
    }

    async fn open(db: Arc<Database>, settings: Settings, seconds: Arc<AtomicU64>) -> Self {
        let shown = seconds.clone();
        let clock = Clock::new(move || {
            let since = std::time::Duration::from_secs(shown.load(Ordering::Relaxed));
            std::time::SystemTime::UNIX_EPOCH + since
        });
        Self::open_with(db, settings, seconds, (clock, Random::system())).await
    }

    async fn open_with(
        db: Arc<Database>,
        settings: Settings,
        seconds: Arc<AtomicU64>,
        (clock, random): (Clock, Random),
    ) -> Self {
        let opened = App::open(&db.url, settings.clone(), Migrate::Apply, clock, random);
        let app = opened.await.expect("the app opens");
        Self { service: Service::new(app.clone()), app, seconds, settings, db }
    }

    /// Does something so many times at once, each as a task of its own that begins now.
    /// The results come in the order of the numbers that the tasks were given.
    pub fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        times: usize,
        task: impl Fn(Self, usize) -> F,
    ) -> JoinHandle<Vec<T>> {
        let begin = |number| tokio::spawn(task(self.clone(), number));
        let running: Vec<_> = (0..times).map(begin).collect();
        tokio::spawn(async {
            let mut results = Vec::with_capacity(running.len());
            for task in running {
                results.push(task.await.expect("a task panicked"));
            }
            results
        })
    }

    /// Moves the clock on.
    pub fn advance(&self, by: time::Duration) {
        let seconds = by.whole_seconds().try_into().expect("forward");
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    /// The origin of our own pages.
    pub fn origin(&self) -> &str {
        self.app.settings.public_url.origin()
    }

    /// A request as a browser would send it to us, without cookies.
    pub fn request(&self, method: Method, path: &str) -> Builder {
        let host = self.origin().split_once("://").expect("an origin").1;
        Request::builder().method(method).uri(path).header(header::HOST, host)
    }

    /// Sends a request; from loopback unless it holds a [`Peer`].
    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        if request.extensions().get::<Peer>().is_none() {
            let loopback = std::net::Ipv4Addr::LOCALHOST.into();
            request.extensions_mut().insert(Peer(Some(loopback)));
        }
        let answer = self.service.answer(request, |request| request).await;
        let (parts, body) = answer.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.expect("a whole body").to_bytes(),
        }
    }

    /// Sends what `builder` describes with the visitor's cookies, and keeps those it sets.
    pub async fn send_as(&self, visitor: &Visitor, builder: Builder, body: Body) -> Answer {
        let builder = match visitor.cookie_header() {
            Some(cookies) => builder.header(header::COOKIE, cookies),
            None => builder,
        };
        let answer = self.send(builder.body(body).expect("a request")).await;
        visitor.take_cookies(&answer);
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.get_as(&Visitor::new(), path).await
    }

    pub async fn get_as(&self, visitor: &Visitor, path: &str) -> Answer {
        let builder = self.request(Method::GET, path);
        self.send_as(visitor, builder, Body::empty()).await
    }

    /// Sends a form from one of our pages: with its origin and, for somebody who is signed in,
    /// the token that forms carry.
    pub async fn post_form(
        &self,
        visitor: &Visitor,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut form = form(fields);
        if let Some(token) = self.form_token(visitor).await {
            form = format!("{form}&form_token={token}");
        }
        self.post(visitor, path, form).await
    }

    /// Sends a form with these fields alone.
    pub async fn post(&self, visitor: &Visitor, path: &str, form: impl Into<Body>) -> Answer {
        let builder = self
            .request(Method::POST, path)
            .header(header::ORIGIN, self.origin())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send_as(visitor, builder, form.into()).await
    }

    /// The token that the visitor's forms carry; none for somebody who is not signed in.
    pub async fn form_token(&self, visitor: &Visitor) -> Option<String> {
        visitor.session()?;
        let page = self.get_as(visitor, "/account").await;
        page.hidden_field("form_token")
    }

    /// Sends the login form; whether that works is the caller's to see.
    pub async fn try_login(&self, visitor: &Visitor, name: &str, password: &str) -> Answer {
        let form = form(&[("username", name), ("password", password)]);
        self.post(visitor, "/login", form).await
    }

    /// Somebody who has just logged in.
    pub async fn login(&self, name: &str) -> Visitor {
        let visitor = Visitor::new();
        let answer = self.try_login(&visitor, name, PASSWORD).await;
        assert_eq!(answer.outcome(), "303 /account", "login of {name}");
        visitor
    }

    pub async fn log_out(&self, visitor: &Visitor) -> Answer {
        self.post_form(visitor, "/logout", &[]).await
    }

    /// Makes a user with [`PASSWORD`].
    pub async fn user(&self, name: &str, roles: &[&str]) -> User {
        self.create(name, None, roles).await
    }

    pub async fn user_with_email(&self, name: &str, email: &str) -> User {
        self.create(name, Some(email), &[]).await
    }

    async fn create(&self, name: &str, email: Option<&str>, roles: &[&str]) -> User {
        let roles: Vec<_> = roles.iter().map(|role| self::role(role)).collect();
        let password = password(PASSWORD);
        let new = NewUser {
            username: username(name),
            email: email.map(|email| Email::parse(email).expect("an e-mail")),
            display_name: String::new(),
            roles: &roles,
            password: FirstPassword::Chosen(&password),
        };
        let created = users::create(&self.app, &cli(), new).await;
        created.expect("a new user").user
    }

    /// A new user who has just logged in.
    pub async fn signed_in(&self, name: &str, roles: &[&str]) -> Visitor {
        self.user(name, roles).await;
        self.login(name).await
    }

    /// Whether this visitor is somebody to us.
    pub async fn is_signed_in(&self, visitor: &Visitor) -> bool {
        // A copy, so that the answer changes nothing in the visitor's browser.
        let answer = self.get_as(&visitor.copy(), "/account").await;
        match answer.outcome().as_str() {
            "200" => true,
            "303 /login?next=%2Faccount" => false,
            other => panic!("/account answers {other}"),
        }
    }
}

/// Asks for as long as there is a reason to ask again, such as a 503 with `Retry-After`: on a
/// machine with much else to do, the database takes longer than we wait for it.
pub async fn insist<T, F: Future<Output = T>>(is_busy: fn(&T) -> bool, ask: impl Fn() -> F) -> T {
    for _ in 0..100 {
        let answer = ask().await;
        if !is_busy(&answer) {
            return answer;
        }
    }
    panic!("busy a hundred times");
}

/// The operator at the terminal.
pub fn cli() -> By {
    By::new(Actor::Cli("test".into()))
}

pub fn username(name: &str) -> Username {
    Username::parse(name).expect("a user name")
}

pub fn role(name: &str) -> RoleName {
    RoleName::parse(name).expect("a role's name")
}

pub fn password(text: &str) -> Password {
    Password::chosen(text, 8, &[]).expect("a password")
}

/// Fields as a browser encodes them.
pub fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// One change to a role, by its verb.
pub mod roles {
    use rolecall::{
        app::App,
        auth::{
            By, Result,
            name::{PermissionName, RoleName},
            roles::{RoleChange, change},
        },
    };

    pub async fn create(app: &App, by: &By, role: &RoleName, description: &str) -> Result<()> {
        let create = RoleChange::Create { description: description.to_owned() };
        change(app, by, role, &[create]).await
    }

    pub async fn delete(app: &App, by: &By, role: &RoleName) -> Result<()> {
        change(app, by, role, &[RoleChange::Delete]).await
    }

    pub async fn allow(app: &App, by: &By, role: &RoleName, one: &PermissionName) -> Result<()> {
        change(app, by, role, &[RoleChange::Allow(one.clone())]).await
    }

    pub async fn deny(app: &App, by: &By, role: &RoleName, one: &PermissionName) -> Result<()> {
        change(app, by, role, &[RoleChange::Deny(one.clone())]).await
    }

    pub async fn include(app: &App, by: &By, role: &RoleName, other: &RoleName) -> Result<()> {
        change(app, by, role, &[RoleChange::Include(other.clone())]).await
    }

    pub async fn exclude(app: &App, by: &By, role: &RoleName, other: &RoleName) -> Result<()> {
        change(app, by, role, &[RoleChange::Exclude(other.clone())]).await
    }
}
