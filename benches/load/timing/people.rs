//! The kinds of accounts, and a database that has some of each.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use rolecall::{
    app::{App, Migrate},
    auth::{
        Actor, By,
        device::Claims,
        login::{self, Typed},
        name::Username,
        password::Password,
        sessions::{self, Wanted},
        users::{self, FirstPassword, NewUser},
    },
    clock::Clock,
    config::{Chosen, Settings},
    db::users::User,
    random::Random,
};
use time::OffsetDateTime;

use crate::{Outcome, databases::Place};

/// Accounts of each kind.
pub const EACH: usize = 10;
/// Failures of those who are held back: the next wait is the longest.
pub const TRIES: u64 = 15;
/// Half the work of what is shipped.
pub const OLD_COST: &str = "m=9216,t=2,p=1";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Unknown,
    WrongPassword,
    Disabled,
    NoPassword,
    NeverLoggedIn,
    OldHash,
    HeldBackUnknown,
    HeldBack,
}

impl Kind {
    /// Answered as failed.
    pub const FAILED: [Self; 6] = [
        Self::Unknown,
        Self::WrongPassword,
        Self::Disabled,
        Self::NoPassword,
        Self::NeverLoggedIn,
        Self::OldHash,
    ];
    /// Answered without a look at the password.
    pub const HELD_BACK: [Self; 2] = [Self::HeldBackUnknown, Self::HeldBack];

    /// Names of the kinds lie side by side, and nothing but the number differs.
    pub fn name(self, number: usize) -> String {
        format!("person-{:03}", number % EACH * 8 + self as usize)
    }

    pub fn answered_with(self) -> u16 {
        if Self::HELD_BACK.contains(&self) { 429 } else { 401 }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown name",
            Self::WrongPassword => "wrong password",
            Self::Disabled => "disabled",
            Self::NoPassword => "without password",
            Self::NeverLoggedIn => "never logged in",
            Self::OldHash => "old hash",
            Self::HeldBackUnknown => "held back, unknown name",
            Self::HeldBack => "held back, known name",
        })
    }
}

/// Migrates the database and makes the people; those who are held back are so from `now` on.
pub async fn make(place: &Place, now: OffsetDateTime) -> Outcome {
    let app = open(place, None, Clock::system()).await?;
    let old = open(place, Some(OLD_COST), Clock::system()).await?;
    for number in 0..EACH {
        for kind in Kind::FAILED.into_iter().chain(Kind::HELD_BACK) {
            let app = if kind == Kind::OldHash { &old } else { &app };
            make_one(app, kind, &kind.name(number)).await?;
        }
    }
    hold_back(place, now).await?;
    old.db.close().await;
    app.db.close().await;
    Ok(())
}

async fn open(place: &Place, argon2: Option<&str>, clock: Clock) -> Outcome<App> {
    let argon2 = argon2.map(str::parse).transpose()?;
    let key_file = Some(place.key_file());
    let settings = Settings::resolve(Chosen { key_file, argon2, ..Chosen::default() })?;
    Ok(App::open(&place.url, settings, Migrate::Apply, clock, Random::system()).await?)
}

async fn make_one(app: &App, kind: Kind, name: &str) -> Outcome {
    let password = Password::chosen("correct horse battery staple", 15, &[])?;
    let first = match kind {
        Kind::Unknown | Kind::HeldBackUnknown => return Ok(()),
        Kind::NoPassword => FirstPassword::Invite,
        _ => FirstPassword::Chosen(&password),
    };
    let by = By::new(Actor::System);
    let new = NewUser {
        username: Username::parse(name)?,
        email: None,
        display_name: String::new(),
        roles: &[],
        password: first,
    };
    let user = users::create(app, &by, new).await?.user;
    match kind {
        Kind::Disabled => users::disable(app, &by, user.id).await?,
        Kind::WrongPassword | Kind::OldHash | Kind::HeldBack => sign_in(app, &by, &user).await?,
        _ => {}
    }
    Ok(())
}

async fn sign_in(app: &App, by: &By, user: &User) -> Outcome {
    let wanted = Wanted { remember: false, user_agent: "bench", replaces: None, tried: None };
    sessions::open(app, by, user, wanted).await?.ok_or("a new user is locked out")?;
    Ok(())
}

/// Tries so often, with the longest wait between, that the last try was at `now`.
async fn hold_back(place: &Place, now: OffsetDateTime) -> Outcome {
    const APART: u64 = 16 * 60;
    let now: u64 = now.unix_timestamp().try_into()?;
    let seconds = Arc::new(AtomicU64::new(0));
    let shown = seconds.clone();
    let clock = Clock::new(move || {
        SystemTime::UNIX_EPOCH + Duration::from_secs(shown.load(Ordering::Relaxed))
    });
    seconds.store(now - (TRIES - 1) * APART, Ordering::Relaxed);
    let app = open(place, None, clock).await?;
    for ago in (0..TRIES).rev() {
        seconds.store(now - ago * APART, Ordering::Relaxed);
        for number in 0..EACH {
            for kind in Kind::HELD_BACK {
                let name = kind.name(number);
                // From addresses of their own, so that ours is not held back.
                let ip = format!("192.0.2.{}", number * 2 + usize::from(kind == Kind::HeldBack));
                let by = By { ip, ..By::new(Actor::Visitor) };
                let devices = Claims::default();
                let typed = Typed { name: &name, password: "wrong", devices: &devices };
                if login::authenticate(&app, &by, typed).await?.is_some() {
                    return Err("a wrong password opens".into());
                }
            }
        }
    }
    app.db.close().await;
    Ok(())
}
