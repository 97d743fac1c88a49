//! Clocks that jump by hours and years, back and forth, before 1970 and beyond 9999.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use rolecall::{
    app::{App, Migrate},
    auth::{
        grants::{self, Until},
        sessions,
    },
    clock::Clock,
    config::{Chosen, OnOff, Settings},
    random::Random,
};
use time::OffsetDateTime;

use super::seed;
use crate::support::{
    Answer, Database, Dice, Engine, NOW, PASSWORD, TestApp, Visitor, both_engines, cli, role, roles,
};

both_engines!(
    however_the_clock_jumps_nobody_gets_what_has_ended,
    a_clock_that_jumps_in_the_midst_of_a_request_lets_no_session_live_longer,
);

const STEPS: usize = 1000;
const HOUR: i64 = 3600;
/// How long sessions live at most, as it is set when nobody says.
const LIFE: i64 = 7 * 24 * HOUR;

/// Beyond, time stands still, so that nothing ends after it.
const FOR_EVER: i64 = 250_000_000_000;

/// A clock that jumps while it has dice.
struct Jumpy {
    dice: Option<Dice>,
    /// Seconds since 1970; before that it has failed.
    shows: i64,
    /// What it showed since this was last emptied, or showed before it failed.
    told: Vec<i64>,
}

impl Jumpy {
    fn read(&mut self) -> SystemTime {
        const YEAR: i64 = 365 * 24 * HOUR;
        if let Some(dice) = &mut self.dice
            && dice.once_in(4)
        {
            let jumps = [0, 0, 30, -30, HOUR, -HOUR, 2 * HOUR, 8 * 24 * HOUR, -YEAR, 9 * YEAR];
            let far = [-56 * YEAR, -60 * YEAR, -500 * YEAR, 7_970 * YEAR, 20_000 * YEAR];
            let all: Vec<i64> = jumps.into_iter().chain(far).collect();
            self.shows = NOW as i64 + all[dice.below(all.len())];
        }
        let span = Duration::from_secs(self.shows.unsigned_abs());
        if self.shows < 0 {
            return SystemTime::UNIX_EPOCH - span;
        }
        self.told.push(self.shows.min(FOR_EVER));
        SystemTime::UNIX_EPOCH + span
    }

    /// Forgets what it told, but the last.
    fn begin(&mut self) {
        self.told.drain(..self.told.len().saturating_sub(1));
    }

    fn told(&self, is_it: impl Fn(i64) -> bool) -> bool {
        self.told.iter().any(|at| is_it(*at))
    }
}

struct Somebody {
    name: &'static str,
    browser: Visitor,
    /// When their role ends and their session, at the latest.
    role_until: i64,
    session_until: i64,
}

impl Somebody {
    /// Logs in and notes until when that can last.
    async fn log_in(&mut self, t: &TestApp, clock: &Mutex<Jumpy>) -> Answer {
        clock.lock().unwrap().begin();
        let answer = t.try_login(&self.browser, self.name, PASSWORD).await;
        if answer.outcome() == "303 /account" {
            let latest = clock.lock().unwrap().told.iter().max().copied();
            self.session_until = latest.unwrap().saturating_add(LIFE);
        }
        answer
    }
}

async fn however_the_clock_jumps_nobody_gets_what_has_ended(db: Database) {
    let seed = seed("clocks");
    let clock = Arc::new(Mutex::new(Jumpy { dice: None, shows: NOW as i64, told: Vec::new() }));
    let read = clock.clone();
    let sources = (Clock::new(move || read.lock().unwrap().read()), Random::system());
    let t = TestApp::with_sources(db, sources, |chosen| {
        chosen.throttle = Some(OnOff::Off);
    })
    .await;
    roles::create(&t.app, &cli(), &role("editor"), "").await.unwrap();
    let mut people = Vec::new();
    for (name, role_until) in [("lee", i64::MAX), ("tim", NOW as i64 + HOUR)] {
        let user = t.user(name, &[]).await;
        let until = match role_until {
            i64::MAX => Until::Always,
            end => Until::At(OffsetDateTime::from_unix_timestamp(end).unwrap()),
        };
        grants::grant(&t.app, &cli(), user.id, &role("editor"), until, "").await.unwrap();
        people.push(Somebody { name, browser: Visitor::new(), role_until, session_until: 0 });
    }

    let mut dice = Dice::new(seed);
    clock.lock().unwrap().dice = Some(Dice::new(seed + 1));
    let (mut allows, mut refusals) = (0, 0);
    for step in 0..STEPS {
        let place = format!("seed {seed}, step {step}");
        let one = dice.below(people.len());
        let one = &mut people[one];
        match dice.below(10) {
            0 => sessions::write_touched(&t.app).await.unwrap(),
            1 if dice.once_in(5) => sessions::sweep(&t.app).await.unwrap(),
            1 => grants::record_ends(&t.app).await.unwrap(),
            2 => {
                let outcome = one.log_in(&t, &clock).await.outcome();
                assert_eq!(outcome, "303 /account", "{place}");
            }
            _ => {
                clock.lock().unwrap().begin();
                let answer = t.get_as(&one.browser, "/auth/check?role=editor").await;
                let clock = clock.lock().unwrap();
                let could = clock.told(|at| at < one.role_until && at < one.session_until);
                match answer.status() {
                    200 => {
                        allows += 1;
                        assert!(could, "{place}: {} was allowed at {:?}", one.name, clock.told);
                        assert_eq!(answer.header("remote-groups"), "editor", "{place}");
                    }
                    // With a session, and without what it would need.
                    403 => {
                        refusals += 1;
                        let ended = clock.told(|at| at >= one.role_until);
                        assert!(ended, "{place}: {} was refused at {:?}", one.name, clock.told);
                    }
                    other => assert_eq!(other, 401, "{place}"),
                }
            }
        }
    }
    println!("clocks: {allows} allows, {refusals} refusals");
    assert!(allows > STEPS / 20 && refusals > 0, "seed {seed}: that was no test");

    let still = |clock: &mut Jumpy| (clock.dice, clock.shows) = (None, NOW as i64 + HOUR);
    still(&mut clock.lock().unwrap());
    for (one, expected) in people.iter_mut().zip([200, 403]) {
        assert_eq!(one.log_in(&t, &clock).await.outcome(), "303 /account", "seed {seed}");
        let answer = t.get_as(&one.browser, "/auth/check?role=editor").await;
        assert_eq!(answer.status(), expected, "seed {seed}, {}", one.name);
    }
}

async fn a_clock_that_jumps_in_the_midst_of_a_request_lets_no_session_live_longer(db: Database) {
    // What it shows next; the last for ever.
    let shows = Arc::new(Mutex::new(vec![0]));
    let show = |times: &[i64]| *shows.lock().unwrap() = times.to_vec();
    let read = shows.clone();
    let clock = Clock::new(move || {
        let mut times = read.lock().unwrap();
        let time = if times.len() > 1 { times.remove(0) } else { times[0] };
        SystemTime::UNIX_EPOCH + Duration::from_secs(NOW + time as u64)
    });
    let t = TestApp::with_sources(db, (clock, Random::system()), |_| {}).await;
    let kim = t.signed_in("kim", &[]).await;
    show(&[HOUR, 6 * 24 * HOUR]);
    assert_eq!(t.get_as(&kim, "/auth/check").await.status(), 200);
    show(&[2 * HOUR]);
    sessions::write_touched(&t.app).await.unwrap();
    show(&[13 * HOUR - 1]);
    assert!(t.is_signed_in(&kim).await);
    show(&[13 * HOUR]);
    assert!(!t.is_signed_in(&kim).await, "unused for twelve hours");
}

#[tokio::test]
async fn with_a_clock_that_shows_no_time_nothing_is_opened() {
    let db = Database::create(Engine::Sqlite).await;
    let clock = Clock::new(|| SystemTime::UNIX_EPOCH - Duration::from_secs(1));
    let settings = Settings::resolve(Chosen::default()).unwrap();
    let opened = App::open(&db.url, settings, Migrate::Apply, clock, Random::system()).await;
    assert!(opened.expect_err("no time").to_string().contains("clock"));
    assert!(!db.path("rolecall.db").exists());
}
