//! Fills a database through the library: people who may do everything, and their sessions.

use std::{fmt::Write, path::PathBuf};

use rolecall::{
    app::{App, Migrate},
    auth::{
        Actor, By,
        key::Use,
        name::{Email, RoleName, Username},
        password::Password,
        token::Token,
        users::{self, FirstPassword, NewUser},
    },
    clock::Clock,
    config::{Chosen, Settings},
    db::{
        UserId,
        sessions::{self, NewSession},
    },
    random::Random,
};

use crate::{Outcome, databases::Place, select};

/// Who have the sessions.
const PEOPLE: usize = 50;
/// Who log in: others, as nobody has so many sessions who does.
const CALLERS: usize = 64;
const PASSWORD: &str = "correct horse battery staple";

/// Files of what to send, a line for each request.
pub struct Seeded {
    /// The cookie of one session.
    pub one: PathBuf,
    /// Those of a thousand.
    pub thousand: PathBuf,
    /// Those of all.
    pub all: PathBuf,
    /// Those of the thousand with a MAC that is not ours.
    pub forged: PathBuf,
    /// The digests of the thousand.
    pub digests: PathBuf,
    /// The login form, filled in by each of those who log in.
    pub forms: PathBuf,
}

/// Migrates the database and opens so many sessions in it.
pub async fn seed(place: &Place, count: usize) -> Outcome<Seeded> {
    let settings =
        Settings::resolve(Chosen { key_file: Some(place.key_file()), ..Chosen::default() })?;
    let (clock, random) = (Clock::system(), Random::system());
    let app = App::open(&place.url, settings, Migrate::Apply, clock, random).await?;
    let by = By::new(Actor::System);
    let (roles, password) = ([RoleName::parse("admin")?], Password::chosen(PASSWORD, 15, &[])?);
    let (mut tokens, mut forms) = (Vec::new(), String::new());
    for number in 0..PEOPLE {
        let name = format!("person-{number}");
        let user = users::create(&app, &by, person(&name, &roles, &password)?).await?.user;
        tokens.extend(sessions_of(&app, user.id, count / PEOPLE).await?);
    }
    for number in 0..CALLERS {
        let name = format!("caller-{number}");
        users::create(&app, &by, person(&name, &roles, &password)?).await?;
        writeln!(forms, "username={name}&password={}", PASSWORD.replace(' ', "+"))?;
    }
    app.db.close().await;

    let save = |name: &str, text: String| {
        let file = place.folder.join(name);
        std::fs::write(&file, text).map(|()| file)
    };
    let thousand: Vec<Token> = tokens.iter().step_by(count.div_ceil(1000)).copied().collect();
    let cookie = |token: &Token| token.to_cookie(&app.keys, Use::SessionCookie);
    let lines = |tokens: &[Token], line: &dyn Fn(&Token) -> String| {
        tokens.iter().map(|token| line(token) + "\n").collect()
    };
    let real = |token: &Token| format!("rolecall={}", cookie(token));
    let forged = |token: &Token| format!("rolecall={}", forge(&cookie(token)));
    let digest = |token: &Token| format!("{}={}", select::COOKIE, token.digest());
    Ok(Seeded {
        one: save("one", lines(&tokens[..1], &real))?,
        thousand: save("thousand", lines(&thousand, &real))?,
        all: save("all", lines(&tokens, &real))?,
        forged: save("forged", lines(&thousand, &forged))?,
        digests: save("digests", lines(&thousand, &digest))?,
        forms: save("forms", forms)?,
    })
}

/// Sessions as a login opens them, all in one commit.
async fn sessions_of(app: &App, user_id: UserId, count: usize) -> Outcome<Vec<Token>> {
    let mut tx = app.db.begin_aside().await?;
    let mut tokens = Vec::with_capacity(count);
    for _ in 0..count {
        let (token, now) = (Token::new(&app.pen.random)?, app.now());
        let row = NewSession {
            id: app.pen.clock.new_id(),
            digest: token.digest(),
            check_digest: None,
            user_id,
            remember: false,
            created_at: now,
            idle_expires_at: now + app.settings.idle_timeout,
            absolute_expires_at: now + app.settings.absolute_timeout,
            ip: String::new(),
            user_agent: "load".to_owned(),
        };
        sessions::create(&mut tx, &row).await?;
        tokens.push(token);
    }
    tx.commit().await?;
    Ok(tokens)
}

fn person<'a>(name: &str, roles: &'a [RoleName], password: &'a Password) -> Outcome<NewUser<'a>> {
    Ok(NewUser {
        username: Username::parse(name)?,
        email: Some(Email::parse(&format!("{name}@example.com"))?),
        display_name: format!("{name} of a load test"),
        roles,
        password: FirstPassword::Chosen(password),
    })
}

/// Another first letter of the MAC, which comes after the last dot.
fn forge(cookie: &str) -> String {
    let (signed, mac) = cookie.rsplit_once('.').unwrap_or_default();
    let first = if mac.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{first}{}", mac.get(1..).unwrap_or_default())
}
