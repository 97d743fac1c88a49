//! Fills a database through the library: people who may do everything, and their sessions.

use std::{fmt::Write, path::PathBuf};

use rolecall::{
    app::{App, Migrate},
    auth::{
        Actor, By,
        key::Use,
        name::{Email, RoleName, Username},
        password::Password,
        sessions::{self, Wanted},
        users::{self, FirstPassword, NewUser},
    },
    clock::Clock,
    config::{Chosen, Settings},
    random::Random,
};

use crate::{Outcome, databases::Place};

const PEOPLE: usize = 50;
const PASSWORD: &str = "correct horse battery staple";

/// Files of what to send, a line for each request.
pub struct Seeded {
    /// The cookie of one session.
    pub one: PathBuf,
    /// The cookies of all of them.
    pub all: PathBuf,
    /// The same with a MAC that is not ours.
    pub forged: PathBuf,
    /// The login form, filled in by each person.
    pub forms: PathBuf,
}

/// Migrates the database and opens so many sessions in it.
pub async fn seed(place: &Place, count: usize) -> Outcome<Seeded> {
    let (key_file, max_sessions) = (Some(place.key_file()), Some(count.max(1)));
    let settings = Settings::resolve(Chosen { key_file, max_sessions, ..Chosen::default() })?;
    let (clock, random) = (Clock::system(), Random::system());
    let app = App::open(&place.url, settings, Migrate::Apply, clock, random).await?;
    let by = By::new(Actor::System);
    let (roles, password) = ([RoleName::parse("admin")?], Password::chosen(PASSWORD, 15, &[])?);
    let (mut cookies, mut forms) = (Vec::new(), String::new());
    for number in 0..PEOPLE {
        let person = person(number, &roles, &password)?;
        let user = users::create(&app, &by, person).await?.user;
        for _ in 0..count / PEOPLE {
            let wanted =
                Wanted { remember: false, user_agent: "load", replaces: None, tried: None };
            let opened = sessions::open(&app, &by, &user, wanted).await?;
            let session = opened.ok_or("a new user is locked out")?.session;
            cookies.push(session.to_cookie(&app.keys, Use::SessionCookie));
        }
        let password = PASSWORD.replace(' ', "+");
        writeln!(forms, "username=person-{number}&password={password}")?;
    }
    app.db.close().await;

    let save = |name: &str, text: String| {
        let file = place.folder.join(name);
        std::fs::write(&file, text).map(|()| file)
    };
    let lines =
        |cookies: &[String]| cookies.iter().map(|value| format!("rolecall={value}\n")).collect();
    let forged: Vec<String> = cookies.iter().map(|value| forge(value)).collect();
    Ok(Seeded {
        one: save("one", lines(&cookies[..1]))?,
        all: save("all", lines(&cookies))?,
        forged: save("forged", lines(&forged))?,
        forms: save("forms", forms)?,
    })
}

fn person<'a>(
    number: usize,
    roles: &'a [RoleName],
    password: &'a Password,
) -> Outcome<NewUser<'a>> {
    Ok(NewUser {
        username: Username::parse(&format!("person-{number}"))?,
        email: Some(Email::parse(&format!("person-{number}@example.com"))?),
        display_name: format!("Person {number}"),
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
