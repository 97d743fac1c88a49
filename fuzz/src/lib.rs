//! What targets share: texts with words in them, and rolecall in this process, on a SQLite file
//! of its own, for those that send whole requests.

use std::{
    path::{Path, PathBuf},
    sync::{LazyLock, OnceLock},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Request, StatusCode, header, request::Builder},
};
use http_body_util::BodyExt;
use rolecall::{
    app::{App, Migrate},
    auth::{
        Actor, By,
        cache::Cookie,
        key::Use,
        name::{RoleName, Username},
        password::Password,
        sessions::{self, Wanted},
        token,
        users::{self, FirstPassword, NewUser},
    },
    clock::Clock,
    config::{Chosen, Settings},
    db::users::User,
    random::Random,
    web::{Peer, Service},
};
use tokio::runtime::Runtime;

pub const ORIGIN: &str = "https://login.example.com";
pub const HOST: &str = "login.example.com";
/// Where a login may lead besides.
pub const ALLOWED: &str = "https://app.example.com";

pub static HOUSE: LazyLock<House> = LazyLock::new(House::open);

pub struct House {
    pub runtime: Runtime,
    pub app: App,
    /// Holds `admin`, and is who the requests with [`House::cookie`] come from.
    pub admin: User,
    /// The session cookie and what its forms carry.
    pub cookie: String,
    pub form_token: String,
    service: Service,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn location(&self) -> Option<&str> {
        self.headers.get(header::LOCATION)?.to_str().ok()
    }
}

pub fn settings() -> Settings {
    let chosen = Chosen {
        public_url: ORIGIN.parse().ok(),
        allowed_return_origins: ALLOWED.parse().ok(),
        cookie_domain: "example.com".parse().ok(),
        trusted_proxies: "10.0.0.0/8,unix".parse().ok(),
        argon2: "m=8,t=1,p=1".parse().ok(),
        throttle: "off".parse().ok(),
        step_up_after: "3650d".parse().ok(),
        idle_timeout: "3650d".parse().ok(),
        absolute_timeout: "3650d".parse().ok(),
        ..Chosen::default()
    };
    Settings::resolve(chosen).expect("settings")
}

/// The settings once, for targets that need nothing else.
pub fn shared_settings() -> &'static Settings {
    static SETTINGS: OnceLock<Settings> = OnceLock::new();
    SETTINGS.get_or_init(settings)
}

/// A text in which a byte that UTF-8 does not have, with the byte after it, stands for a word:
/// chance alone would seldom write one.
pub fn spelled(bytes: &[u8], words: &[&str]) -> String {
    let mut text = Vec::new();
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        match byte {
            0xf8.. => {
                let index = rest.next().map_or(0, |byte| usize::from(*byte));
                text.extend_from_slice(words[index % words.len()].as_bytes());
            }
            byte => text.push(*byte),
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The same text with another byte somewhere.
pub fn altered(text: &str, place: u8, byte: u8) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let place = usize::from(place) % bytes.len();
    let other = if byte.is_ascii() { byte } else { b'.' };
    bytes[place] = if bytes[place] == other { b'!' } else { other };
    String::from_utf8(bytes).expect("ASCII")
}

/// A folder for what this target writes.
pub fn folder() -> PathBuf {
    let program = std::env::current_exe().expect("a program");
    let name = program.file_name().expect("a name");
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/houses").join(name)
}

impl House {
    fn open() -> Self {
        let folder = folder();
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let url = format!("sqlite://{}", folder.join("rolecall.db").display());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (clock, random) = (Clock::system(), Random::system());
        let opened = App::open(&url, settings(), Migrate::Apply, clock, random);
        let app = runtime.block_on(opened).expect("a database");
        let admin = runtime.block_on(user(&app, "admin", "admin"));
        runtime.block_on(user(&app, "kim", "user"));
        let (cookie, form_token) = runtime.block_on(sign_in(&app, &admin, "fuzz"));
        let service = Service::new(app.clone());
        Self { runtime, app, admin, cookie, form_token, service }
    }

    /// Sends a request through one of our proxies. A failure of ours is what is looked for; a
    /// panic of any thread ends the process by itself.
    pub fn ask(&self, builder: Builder, body: impl Into<Body>) -> Option<Answer> {
        let mut request: Request<Body> = builder.body(body.into()).ok()?;
        request.extensions_mut().insert(Peer(Some([10, 0, 0, 1].into())));
        self.runtime.block_on(async {
            let answer = self.service.answer(request, |request| request).await;
            let (parts, body) = answer.into_parts();
            let body = body.collect().await.expect("a whole body").to_bytes();
            assert_ne!(parts.status, StatusCode::INTERNAL_SERVER_ERROR);
            Some(Answer { status: parts.status, headers: parts.headers, body })
        })
    }

    /// A form of our own pages, from the admin.
    pub fn post(&self, path: &str, mut body: Vec<u8>) -> Option<Answer> {
        body.extend_from_slice(format!("&form_token={}", self.form_token).as_bytes());
        let builder = Request::post(path)
            .header(header::HOST, HOST)
            .header(header::ORIGIN, ORIGIN)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::COOKIE, &self.cookie);
        self.ask(builder, body)
    }
}

async fn user(app: &App, name: &str, role: &str) -> User {
    let password = Password::chosen("correct horse battery staple", 15, &[]).expect("a password");
    let new = NewUser {
        username: Username::parse(name).expect("a name"),
        email: None,
        display_name: String::new(),
        roles: &[RoleName::parse(role).expect("a role")],
        password: FirstPassword::Chosen(&password),
    };
    users::create(app, &By::new(Actor::System), new).await.expect("a user").user
}

/// A new session: the cookie as it is sent, and the token of its forms.
pub async fn sign_in(app: &App, user: &User, user_agent: &str) -> (String, String) {
    let by = By::new(Actor::System);
    let wanted = Wanted { remember: true, user_agent, replaces: None, tried: None };
    let opened = sessions::open(app, &by, user, wanted).await.expect("a database");
    let session = opened.expect("an active user").session;
    let found = sessions::identify(app, Cookie::Session, session).await.expect("a database");
    let cookie = session.to_cookie(&app.keys, Use::SessionCookie);
    (format!("__Host-rolecall={cookie}"), token::form_token(&app.keys, found.expect("a session").session.id))
}
