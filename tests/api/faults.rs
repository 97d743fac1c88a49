//! Faults at random, by the thousand: none turns into an allow, an empty list of roles or a
//! logout. `FAULTS_SEED=…` draws the same steps and faults again; how they fall together is up
//! to the scheduler.

mod books;
mod clocks;
mod people;
mod troubles;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use rolecall::{
    auth::{name::PermissionName, users},
    config::OnOff,
    random::Random,
};

use crate::support::{
    Database, Engine, TestApp, Wire, both_engines, cli,
    roles::{allow, create, include},
};
use people::{Held, Kind, Person, Roles};
use troubles::Sources;

both_engines!(no_fault_turns_into_an_allow_or_a_logout,);

/// What everybody in a run shares.
pub struct Run {
    t: TestApp,
    seed: u64,
    steps: AtomicUsize,
    /// Who has steps to make yet.
    living: AtomicUsize,
    answers: AtomicUsize,
    failures: AtomicUsize,
    allows: AtomicUsize,
    /// Reasons of grants that were answered as done.
    granted: Mutex<Vec<String>>,
}

impl Run {
    fn is_over(&self) -> bool {
        self.living.load(Ordering::Relaxed) == 0
    }

    fn next_step(&self) -> usize {
        self.steps.fetch_add(1, Ordering::Relaxed)
    }
}

/// The seed of this run, told so that it can be repeated.
fn seed(test: &str) -> u64 {
    let chosen = std::env::var("FAULTS_SEED").ok();
    let chosen = chosen.map(|seed| seed.parse().expect("FAULTS_SEED is a number"));
    let seed = chosen.unwrap_or_else(|| {
        u64::from(u32::from_le_bytes(Random::system().bytes().expect("random bytes")))
    });
    println!("{test}: FAULTS_SEED={seed}");
    seed
}

async fn no_fault_turns_into_an_allow_or_a_logout(mut db: Database) {
    let seed = seed("faults");
    let wire = match db.engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(Wire::to(&db).await),
    };
    if let Some(wire) = &wire {
        db.url = wire.url.clone();
    }
    let sources = Sources::new(seed);
    let t = TestApp::with_sources(db, (sources.clock(), sources.random()), |chosen| {
        chosen.throttle = Some(OnOff::Off);
        chosen.argon2 = "m=512,t=1,p=1".parse().ok();
        (chosen.hash_slots, chosen.hash_queue) = (Some(1), Some(0));
    })
    .await;
    let (answers, failures, allows) = Default::default();
    let (steps, living, granted) = Default::default();
    let run = Arc::new(Run { t, seed, steps, living, answers, failures, allows, granted });
    let people = gather(&run).await;
    let before = books::Balance::of(&run).await;
    run.living.store(people.len(), Ordering::Relaxed);
    let lives: Vec<_> = people.into_iter().map(|person| tokio::spawn(person.live())).collect();
    let all_lived = async {
        let mut lived = Vec::new();
        for life in lives {
            lived.push(life.await);
            run.living.fetch_sub(1, Ordering::Relaxed);
        }
        lived
    };
    let all_faults = troubles::until_over(&run, wire.as_ref(), &sources);
    let (lived, faults) = tokio::join!(all_lived, all_faults);
    let lived: Result<Vec<_>, _> = lived.into_iter().collect();
    let mut people = lived.expect("somebody was answered wrongly, see above");
    let ended = Instant::now();
    for person in &mut people {
        person.is_served_again(ended).await;
    }
    let count = |number: &AtomicUsize| number.load(Ordering::Relaxed);
    let (answers, failures) = (count(&run.answers), count(&run.failures));
    let allows = count(&run.allows);
    println!("{faults} faults, {answers} answers, {failures} of them failures, {allows} allows");
    books::agree(&run, before).await;
    assert!(faults > 100 && failures > 200 && allows > 50, "that was no test");
}

/// Everybody who takes part, signed in where they can.
async fn gather(run: &Arc<Run>) -> Vec<Person> {
    let t = &run.t;
    let (editor, viewer) = (crate::support::role("editor"), crate::support::role("viewer"));
    for role in [&editor, &viewer] {
        create(&t.app, &cli(), role, "").await.unwrap();
    }
    include(&t.app, &cli(), &editor, &viewer).await.unwrap();
    let permission = PermissionName::parse("reports:write").unwrap();
    allow(&t.app, &cli(), &editor, &permission).await.unwrap();
    let mut people = Vec::new();
    for (name, roles) in [("kim", ""), ("lee", "editor"), ("max", ""), ("ned", "")] {
        let user = match roles {
            "" => t.user(name, &[]).await,
            role => t.user(name, &[role]).await,
        };
        let roles = match name {
            "max" | "ned" => Roles::Granted(Arc::new(Held::of(user.id))),
            "lee" => Roles::Always("editor,viewer"),
            _ => Roles::Always(""),
        };
        people.push(Person::new(run, name, Kind::User, roles).signed_in().await);
    }
    for (name, manages) in [("ada", 2), ("eve", 3)] {
        t.user(name, &["admin"]).await;
        let Roles::Granted(held) = people[manages].roles.clone() else { unreachable!() };
        let admin = Person::new(run, name, Kind::Admin(held), Roles::Always("admin"));
        people.push(admin.signed_in().await);
    }
    let user = t.user("dot", &["admin"]).await;
    let mut disabled = Person::new(run, "dot", Kind::Nobody, Roles::Always("admin"));
    disabled.browser = t.login("dot").await;
    users::disable(&t.app, &cli(), user.id).await.unwrap();
    people.push(disabled);
    people.push(Person::new(run, "anonymous", Kind::Nobody, Roles::Always("")));
    let mut forger = Person::new(run, "ada", Kind::Nobody, Roles::Always("admin"));
    let mut forged = people[4].browser.session().unwrap();
    let first = if forged.starts_with('A') { "B" } else { "A" };
    forged.replace_range(..1, first);
    forger.browser.set_cookie("rolecall", &forged);
    forger.knows_no_password();
    people.push(forger);
    people
}
